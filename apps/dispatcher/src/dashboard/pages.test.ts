import { env } from "cloudflare:test";
import { openManualJob } from "@patina/catalog/jobs";
import { register } from "@patina/catalog/testing";
import { seedArchive, seedDrill, seedPrune, seedVerification } from "@patina/catalog/testing-custody";
import { seedHistory } from "@patina/catalog/testing-history";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestBrowser, wordsOf } from "./testing.ts";

let browser: TestBrowser;

beforeEach(async () => {
  browser = await TestBrowser.start();
  await browser.logIn();
});

/** Three databases over ten nights: one has failed since two nights, and a night is missing for all. */
async function seed(): Promise<void> {
  await seedHistory(browser.catalog, {
    names: ["shop", "blog", "auth"],
    nights: 10,
    now: browser.now,
    of(name, back) {
      if (back === 5) return null;
      if (name === "blog" && back < 2) return { end: "failed", error: 'Cannot read table "posts": it is gone' };
      if (name === "auth" && back === 0) return { end: "good", bytes: 70_000, ms: 900, consistency: "fuzzy" };
      return { end: "good", bytes: 40_000 + 100 * (10 - back), ms: 800 };
    },
  });
  const { catalog, now } = browser;
  const names = ["auth", "blog", "shop"];
  // Old ones as well, of which it has to be read what they hold.
  for (const week of ["2026-W20", "2026-W21", "2026-W46"]) await seedArchive(catalog, { week, names, now });
  await seedDrill(catalog, { id: "drill-1", database: "shop", date: "2026-11-20", verdict: "passed", now });
  await seedVerification(catalog, { id: "verify-2026-11-20", progress: { total: 3, checked: 3 }, now, isDone: true });
  await seedPrune(catalog, { id: "prune-2026-11-20", jobId: null, steps: [], kept: 30, now });
}

const PAGES = [
  "/dashboard",
  "/dashboard/jobs",
  "/dashboard/jobs/nightly-2026-11-20",
  "/dashboard/databases/blog",
  "/dashboard/archives",
  "/dashboard/archives/2026-W46",
  "/dashboard/retention",
  "/dashboard/retention/preview",
  "/dashboard/prunes/prune-2026-11-20",
  "/dashboard/drills",
  "/dashboard/drills/drill-1",
  "/dashboard/verify/verify-2026-11-20",
  "/dashboard/dead-letters",
];

test("every page has a strict policy, nothing inline and nothing from elsewhere", async () => {
  await seed();
  for (const path of [...PAGES, "/dashboard/login", "/dashboard/nowhere"]) {
    const answer = await browser.get(path);
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy, path).toContain("default-src 'none'");
    expect(policy, path).not.toContain("unsafe");
    expect(answer.headers.get("cache-control"), path).toBe("no-store");
    const html = await answer.text();
    expect(html, path).not.toMatch(/ style=| on\w+=|<style|<script(?! src="\/dashboard\/assets\/)/);
    expect(html.replaceAll("http://www.w3.org/2000/svg", ""), path).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  }
});

test("the style sheet and the script are served for good under names that change with their content", async () => {
  const html = await browser.page("/dashboard");
  const paths = html.match(/\/dashboard\/assets\/[\w.-]+/g) ?? [];
  expect(paths).toHaveLength(3);
  browser.cookie = null;
  for (const path of paths) {
    const answer = await browser.get(path);
    expect(answer.headers.get("cache-control")).toContain("immutable");
    expect((await answer.text()).length).toBeGreaterThan(100);
  }
  expect((await browser.get("/dashboard/assets/style-00000000.css")).status).toBe(404);
});

test("the fleet says the truth, what is wrong with whom, and what to do", async () => {
  await seed();
  const words = wordsOf(await browser.page("/dashboard"));
  expect(words).toContain("1 database needs attention: blog has not had a good backup for 2 days");
  expect(words).toContain('Cannot read table "posts": it is gone.');
  expect(words).toContain("Run the named statement against the database; the backup before this one is untouched.");
  expect(words).toContain("2 failures since");
  expect(words).toContain("1 failing");
});

test("the strip of a database tells its days, a night that never ran among them", async () => {
  await seed();
  expect(await browser.page("/dashboard?q=blog")).toContain(
    'aria-label="Last 84 days: 7 backed up, 1 missed, 2 failed"',
  );
  expect(await browser.page("/dashboard?q=auth")).toContain(
    'aria-label="Last 84 days: 8 backed up, 1 missed, 1 backed up, fuzzy"',
  );
});

test("a fleet without databases says the next command", async () => {
  const words = wordsOf(await browser.page("/dashboard"));
  expect(words).toContain("No database is registered, so nothing is backed up");
  expect(words).toContain("npm start -- --database shop=./shop.sqlite");
});

test("Back up now starts the database and leads to its job, which refreshes while it runs", async () => {
  await register(browser.catalog, ["auth", "shop"]);
  const answer = await browser.post("/dashboard/databases/shop/trigger");
  expect(answer.status).toBe(303);
  const job = answer.headers.get("location") ?? "";
  expect(job).toMatch(/^\/dashboard\/jobs\/manual-20261120-120000-[0-9a-f]{6}$/);
  expect(browser.exports.bodies).toMatchObject([{ kind: "export-requested", database: "shop" }]);
  for (const path of [job, "/dashboard", "/dashboard/jobs", "/dashboard/databases/shop"]) {
    expect((await browser.get(path)).headers.get("refresh"), path).toBe("4");
  }
  expect((await browser.get("/dashboard/databases/auth")).headers.get("refresh")).toBeNull();
  expect(wordsOf(await browser.page(job))).toContain("0 of 1 databases done");
  const again = await browser.post("/dashboard/databases/shop/trigger");
  expect(again.headers.get("location")).toBe(job);
  expect(browser.exports.sent).toHaveLength(1);
});

test("Back up all now starts every database", async () => {
  await register(browser.catalog, ["auth", "shop"]);
  await browser.post("/dashboard/trigger");
  expect(browser.exports.sent).toHaveLength(2);
});

test("what the API refuses is a page with the reason and what to do", async () => {
  const answer = await browser.post("/dashboard/databases/gone/trigger");
  expect(answer.status).toBe(404);
  expect(wordsOf(await answer.text())).toContain("no database of this name is registered");
});

test("the read-only token sees the pages without their buttons, and its forms are refused", async () => {
  await seed();
  browser.cookie = null;
  await browser.logIn(READ_TOKEN);
  for (const path of PAGES) expect(await browser.page(path), path).not.toContain("Back up");
  expect((await browser.post("/dashboard/trigger")).status).toBe(403);
  expect(browser.exports.sent).toEqual([]);
});

test("the page of a job tells each task over time, its attempts, and failures in words with what is left", async () => {
  await seed();
  const html = await browser.page("/dashboard/jobs/nightly-2026-11-20");
  const words = wordsOf(html);
  expect(words).toContain("2 of 3 databases backed up");
  expect(words).toContain('Cannot read table "posts": it is gone. Run the named statement');
  expect(words).toContain("Its newest good backup is of 2 days ago");
  expect(html).toContain("waiting in the queue 1.0 s");
  expect(words.indexOf("blog")).toBeLessThan(words.indexOf("auth"));
});

test("the page of a database has its calendar, its backups and what failed", async () => {
  await seed();
  const html = await browser.page("/dashboard/databases/blog");
  const words = wordsOf(html);
  expect(words).toContain("The newest backup of blog is 2 days old; 2 runs have failed since");
  expect(html).toContain("<title>2026-11-15: missed</title>");
  expect(html).toContain("<title>2026-11-20: failed; 1 run</title>");
  expect(html).toContain("<title>2026-11-18: backed up; 1 run, 40.8 KB stored, 800 ms</title>");
  expect(words).toContain("163 KB");
});

test("the inbox of dead letters shows what died of what, and says when there is nothing", async () => {
  expect(wordsOf(await browser.page("/dashboard/dead-letters"))).toContain("Nothing has ever ended here.");
  await seed();
  await env.CATALOG.prepare(
    `insert into dead_letters (id, queue, body, job_id, database, generation, attempts, error_code, error, sent_at, arrived_at)
     values ('x', 'patina-exports', '{"kind":"export-requested"}', 'nightly-2026-11-20', 'blog', 1, 3, 'source_failed',
       'Cannot read table "posts": it is gone', ?, ?)`,
  )
    .bind(browser.now, browser.now)
    .run();
  const html = await browser.page("/dashboard/dead-letters");
  const words = wordsOf(html);
  expect(words).toContain("1 dead letter waits for somebody");
  expect(words).toContain('Cannot read table "posts": it is gone. Run the named statement');
  expect(html).toContain('href="/dashboard/jobs/nightly-2026-11-20"');
  expect(html).toContain('Dead letters<span class="badge">1</span>');
});

test("what people and databases say is shown as text, never as mark-up", async () => {
  await register(browser.catalog, ["shop"]);
  const evil = `<script>alert("1")</script>`;
  const at = browser.now;
  const job = { id: "manual-20261120-110000-aaaaaa", kind: "manual", trigger: "api", date: "2026-11-20" } as const;
  await openManualJob(browser.catalog, { job: { ...job, scheduledFor: at, now: at, reason: evil }, names: null });
  await env.CATALOG.prepare("update databases set description = ?").bind(evil).run();
  for (const path of ["/dashboard", "/dashboard/jobs", `/dashboard/jobs/${job.id}`, "/dashboard/databases/shop"]) {
    const html = await browser.page(path);
    expect(html, path).not.toContain("<script>alert");
    expect(html, path).toContain("&lt;script&gt;");
  }
});

test.each([
  "/dashboard/nowhere",
  "/dashboard/jobs/nightly-2026-11-20",
  "/dashboard/jobs/..%2f..%2fetc",
  "/dashboard/databases/gone",
  "/dashboard/databases/%00",
  "/dashboard/archives/2026-W01",
  "/dashboard/archives/2026-W99",
  "/dashboard/prunes/..%2f",
  `/dashboard/databases/${"x".repeat(300)}`,
])("%s is a page that says it is not there", async (path) => {
  const answer = await browser.get(path);
  expect(answer.status).toBe(404);
  expect(wordsOf(await answer.text())).toContain("Cannot find this");
});

test.each([
  "/dashboard?page=99999&sort=S3CRET&show=S3CRET",
  "/dashboard?page=-1&q=%25%27",
  "/dashboard/jobs?after=S3CRET",
  "/dashboard/jobs/nightly-2026-11-20?page=0",
  "/dashboard/databases/blog?page=1e9",
  "/dashboard/archives?before=S3CRET",
  "/dashboard/archives/2026-W46?after=S3CRET&database=S3CRET%27",
  "/dashboard/retention/preview?decision=S3CRET&page=x&after=S3CRET%27",
  "/dashboard/retention/preview?kind=S3CRET&daily_days=S3CRET",
  "/dashboard/drills?verdict=S3CRET&after=S3CRET",
  "/dashboard/prunes/prune-2026-11-20?state=S3CRET&after=S3CRET",
])("%s is answered as if the nonsense were not there", async (path) => {
  await seed();
  const html = await browser.page(path);
  expect(html).not.toContain("S3CRET");
});

test("a page asks the catalog at most ten questions", async () => {
  await seed();
  for (const path of PAGES) {
    browser.cost.queries = 0;
    await browser.page(path);
    expect(browser.cost.queries, path).toBeLessThanOrEqual(10);
  }
});

test("a job that was rebuilt from the bucket does not look as if all of it had gone well", async () => {
  await seed();
  const at = browser.now - 3 * 3_600_000;
  await env.CATALOG.exec(`update backup_jobs set rebuilt_at = ${at}, status = 'completed' where date = '2026-11-20'`);
  const jobs = wordsOf(await browser.page("/dashboard/jobs"));
  expect(jobs).toMatch(/nightly-2026-11-20 by cron · rebuilt from the bucket rebuilt .*? 2 known/);
  const job = wordsOf(await browser.page("/dashboard/jobs/nightly-2026-11-20"));
  expect(job).toContain("2 backups of it are known, made in");
  expect(job).toMatch(
    /Rebuilt from the bucket 3 h(?:ours)? ago.* It was opened for 3 databases: how those ended that left no/,
  );
  await env.CATALOG.exec("update backup_jobs set databases = 2 where date = '2026-11-20'");
  const other = wordsOf(await browser.page("/dashboard/jobs/nightly-2026-11-20"));
  expect(other).toContain("a database that failed would not show");
});

test("a job leads to the one whose failures it makes up for, and to the one that made up for its own", async () => {
  await seed();
  const at = browser.now - 3_600_000;
  const links = `replay_of = 'nightly-2026-11-19', healed_by = 'manual-20261120-120000-abc123', healed_at = ${at}`;
  await env.CATALOG.exec(`update backup_jobs set ${links} where id = 'nightly-2026-11-20'`);
  const html = await browser.page("/dashboard/jobs/nightly-2026-11-20");
  expect(html).toContain('href="/dashboard/jobs/nightly-2026-11-19"');
  expect(html).toContain('href="/dashboard/jobs/manual-20261120-120000-abc123"');
  expect(wordsOf(html)).toContain("All that failed in it was made up for by manual-20261120-120000-abc123 1 h");
});
