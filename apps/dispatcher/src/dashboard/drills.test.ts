import { listAudit } from "@patina/catalog/audit";
import { findDrill } from "@patina/catalog/drills";
import { seedDrill, seedVerification } from "@patina/catalog/testing-custody";
import { seedHistory } from "@patina/catalog/testing-history";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestBrowser, wordsOf } from "./testing.ts";

let browser: TestBrowser;

beforeEach(async () => {
  browser = await TestBrowser.start();
  await browser.logIn();
});

const HOUR = 3_600_000;

/** Two databases with two nights each. */
async function seed(): Promise<void> {
  const of = () => ({ end: "good", bytes: 400, ms: 50 }) as const;
  await seedHistory(browser.catalog, { names: ["auth", "shop"], nights: 2, now: browser.now, of });
}

async function drilled(database: string, verdict: "passed" | "failed" | "unprovable", back = 3 * 24 * HOUR) {
  const facts = { id: `drill-${database}`, database, date: "2026-11-20", verdict, now: browser.now - back };
  await seedDrill(browser.catalog, facts);
}

test("without a drill the page says so, and the next command", async () => {
  const words = wordsOf(await browser.page("/dashboard/drills"));
  expect(words).toContain("No backup has been drilled yet");
  expect(words).toContain("Of the 25,000,000 rows that drills may write in 2026-11, 0 are written");
  expect(words).toContain("$PATINA_URL/drills");
  expect(words).toContain("$PATINA_URL/verify");
});

test("drills are listed with their verdicts, and what failed is said first", async () => {
  await seed();
  await drilled("auth", "passed");
  await drilled("shop", "failed");
  const html = await browser.page("/dashboard/drills");
  const words = wordsOf(html);
  expect(words).toContain("The last drill failed of shop");
  expect(words).toMatch(/auth its month passed 2026-11-20 3 days ago 1\.5 s 10 2\.0 KB nothing/);
  expect(words).toMatch(/shop its month failed .* Table "posts" has 9 rows, and 10 were backed up/);
  const failed = wordsOf(await browser.page("/dashboard/drills?verdict=failed"));
  expect(failed).not.toContain("auth its month");
  expect(wordsOf(await browser.page("/dashboard/drills?database=nobody"))).toContain("No drill matches.");
});

test("a drill's page tells each check in words, and what to do about one that failed", async () => {
  await seed();
  await drilled("shop", "failed");
  const words = wordsOf(await browser.page("/dashboard/drills/drill-shop"));
  expect(words).toContain("shop: not restorable as it was");
  expect(words).toContain("The stored object is what its manifest says object passed nothing");
  expect(words).toMatch(/Every table has the rows that were backed up rows failed Table "posts" has 9 rows/);
  expect(words).toContain("docs/runbooks/failed-drill.md");
});

test("a database's page says whether it is proven, what each backup was shown to be, and how long restoring took", async () => {
  await seed();
  expect(wordsOf(await browser.page("/dashboard/databases/shop"))).toContain("Not proven yet.");
  await drilled("shop", "passed");
  const html = await browser.page("/dashboard/databases/shop");
  const words = wordsOf(html);
  expect(words).toContain("Restorable, proven 3 days ago.");
  expect(words).toMatch(/drilled 3 days ago/);
  expect(html).toContain("2026-11-17: the backup of 2026-11-20 passed, restored in 1.5 s");
  expect(wordsOf(await browser.page("/dashboard"))).toMatch(/auth .* never drilled .* shop .* proven 3 days ago/);
});

test("the button drills the backup of a date, once, leads to it, and is in the audit log", async () => {
  await seed();
  const answer = await browser.post("/dashboard/databases/shop/drill", { date: "2026-11-19" });
  expect(answer.status).toBe(303);
  const path = answer.headers.get("location") ?? "";
  expect(path).toMatch(/^\/dashboard\/drills\/drill-[0-9a-f]{32}$/);
  expect(browser.exports.bodies).toMatchObject([{ kind: "drill", database: "shop", date: "2026-11-19" }]);
  expect((await browser.get(path)).headers.get("refresh")).toBe("4");
  expect(wordsOf(await browser.page(path))).toContain("shop is being drilled");
  expect(wordsOf(await browser.page("/dashboard/databases/shop"))).toContain("A drill is under way.");
  const again = await browser.post("/dashboard/databases/shop/drill", { date: "2026-11-20" });
  expect(again.headers.get("location")).toBe(path);
  expect(browser.exports.sent).toHaveLength(1);
  const [line] = await listAudit(browser.catalog, { limit: 5 });
  expect(line).toMatchObject({ action: "drill.ask", subject: "shop", detail: { date: "2026-11-19" } });
});

test("all are drilled at once, and the page lists what is under way", async () => {
  await seed();
  const answer = await browser.post("/dashboard/drills");
  expect(answer.headers.get("location")).toBe("/dashboard/drills");
  expect(browser.exports.sent).toHaveLength(2);
  expect((await browser.get("/dashboard/drills")).headers.get("refresh")).toBe("4");
});

test("a drill of a date without a backup is a page that says so", async () => {
  await seed();
  const answer = await browser.post("/dashboard/databases/shop/drill", { date: "2026-01-01" });
  expect(answer.status).toBe(404);
  expect(wordsOf(await answer.text())).toContain("Cannot drill: there is no such backup");
});

test("the button verifies the backups of a date, and leads to how far it came", async () => {
  await seed();
  const answer = await browser.post("/dashboard/databases/shop/verify", { date: "2026-11-19" });
  const path = answer.headers.get("location") ?? "";
  expect(path).toMatch(/^\/dashboard\/verify\/verify-20261120-120000-[0-9a-f]{6}$/);
  expect(browser.exports.bodies).toMatchObject([{ kind: "verify", database: "shop", date: "2026-11-19" }]);
  const words = wordsOf(await browser.page(path));
  expect(words).toContain("0 backups looked at");
  expect(words).toContain("Verifies shop of 2026-11-19");
  expect((await browser.post("/dashboard/verify")).headers.get("location")).toMatch(/^\/dashboard\/verify\/verify-/);
});

test("a verification says how far it came, what it found and what had to wait", async () => {
  const findings = [{ key: "daily/2026-11-19/shop.sql.gz", damage: "Its digest is another one" }];
  const running = { total: 40, checked: 12, bytes: 5_000 };
  const ended = {
    total: 3,
    checked: 3,
    damaged: 1,
    findings,
    postponed: 12,
    waiting: ["daily/2026-11-18/shop.sql.gz"],
  };
  const { catalog, now } = browser;
  await seedVerification(catalog, { id: "verify-2026-11-20", progress: running, now, isDone: false });
  await seedVerification(catalog, { id: "verify-2026-11-19", progress: ended, now: now - 1, isDone: true });
  const list = wordsOf(await browser.page("/dashboard/drills"));
  expect(list).toMatch(/verify-2026-11-20 running what was due .* 12 of 40 backups 5\.0 KB 0 0/);
  expect(list).toMatch(/verify-2026-11-19 damaged what was due .* 3 of 3 backups 0 B 1 12/);
  const html = await browser.page("/dashboard/verify/verify-2026-11-20");
  expect(html).toContain('<progress value="12" max="40"');
  const words = wordsOf(await browser.page("/dashboard/verify/verify-2026-11-19"));
  expect(words).toContain("1 of 3 backups is damaged");
  expect(words).toContain("daily/2026-11-19/shop.sql.gz Its digest is another one");
  expect(words).toContain("daily/2026-11-18/shop.sql.gz and 11 more");
});

test("whoever may only look sees the drills, and no form changes anything", async () => {
  await seed();
  await drilled("shop", "passed");
  browser.cookie = null;
  await browser.logIn(READ_TOKEN);
  for (const path of ["/dashboard/drills", "/dashboard/drills/drill-shop", "/dashboard/databases/shop"]) {
    const html = await browser.page(path);
    expect(html, path).not.toMatch(/<form method="post" action="(?!\/dashboard\/logout)/);
  }
  for (const path of ["/drills", "/verify", "/databases/shop/drill", "/databases/shop/verify"]) {
    expect((await browser.post(`/dashboard${path}`, { date: "2026-11-20" })).status, path).toBe(403);
  }
  expect(browser.exports.sent).toEqual([]);
  expect(await findDrill(browser.catalog, "drill-shop")).toMatchObject({ state: "done" });
});

test.each(["/dashboard/drills/drill-1", "/dashboard/verify/verify-2026-01-01", "/dashboard/verify/x"])(
  "%s is a page that says it is not there",
  async (path) => {
    const answer = await browser.get(path);
    expect(answer.status).toBe(404);
    expect(wordsOf(await answer.text())).toContain("Cannot find this");
  },
);
