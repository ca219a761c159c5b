import { env } from "cloudflare:test";
import { writeAudit } from "@patina/catalog/audit";
import { recordDeadLetters } from "@patina/catalog/dead-letters";
import { type Result, settleTasks } from "@patina/catalog/results";
import { beforeEach, expect, test } from "vitest";
import { type Ask, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start(["auth", "blog", "shop"]);
});

const all: Ask = { method: "POST", body: "{}" };

/** Settles the tasks of a manual job of all databases: as succeeded with these sizes, the others as failed. */
async function run(sizes: Readonly<Record<string, number>>): Promise<string> {
  const { job } = await api.json("/trigger", all);
  const results = ["auth", "blog", "shop"].map((database): Result => {
    const task = { job: job.id, database, generation: 1 };
    const size = sizes[database];
    if (size === undefined) return { status: "failed", task, errorCode: "source_failed", error: "no such table" };
    const key = `manual/2026-11-20/${job.id}/${database}.sql.gz`;
    return {
      status: "succeeded",
      task,
      kind: "manual",
      date: "2026-11-20",
      key,
      manifestKey: key.replace(".sql.gz", ".manifest.json"),
      consistency: database === "blog" ? "fuzzy" : "snapshot",
      tables: 2,
      rows: 10,
      rawBytes: size * 4,
      storedBytes: size,
      durationMs: 1_500,
      queries: 3,
      rowsRead: 10,
      bodyDigest: "b".repeat(64),
      storedDigest: "a".repeat(64),
      etag: "e",
      warnings: [],
      createdAt: api.now,
      verifiedAt: null,
    };
  });
  await settleTasks(api.catalog, { results, now: api.now });
  await env.CATALOG.exec(`update backup_jobs set status = 'failed', finished_at = ${api.now} where id = '${job.id}'`);
  return job.id;
}

test("GET /list shows what is stored, filters it and pages through it in a fixed order", async () => {
  const job = await run({ auth: 100, blog: 200, shop: 300 });
  const whole = await api.json("/list");
  expect(whole.backups.map(({ database }: { database: string }) => database)).toEqual(["auth", "blog", "shop"]);
  expect(whole.backups[2]).toMatchObject({
    job,
    kind: "manual",
    stored_bytes: 300,
    raw_bytes: 1_200,
    rows: 10,
    stored_digest: "a".repeat(64),
    consistency: "snapshot",
    verified_at: null,
    drilled_at: null,
  });
  const first = await api.json("/list?limit=2");
  const second = await api.json(`/list?limit=2&cursor=${first.next_cursor}`);
  expect([...first.backups, ...second.backups]).toEqual(whole.backups);
  await env.CATALOG.exec("update backup_inventory set verified_at = 1 where database = 'shop'");
  await env.CATALOG.exec("update backup_inventory set deleted_at = 1 where database = 'auth'");
  const names = async (query: string) =>
    (await api.json(`/list?${query}`)).backups.map(({ database }: { database: string }) => database);
  expect(await names("verified=true")).toEqual(["shop"]);
  expect(await names("verified=false")).toEqual(["blog"]);
  expect(await names("consistency=fuzzy")).toEqual(["blog"]);
  expect(await names("database=shop&from=2026-11-20&to=2026-11-20&kind=manual&drilled=false")).toEqual(["shop"]);
  expect(await names("to=2026-11-19")).toEqual([]);
  expect((await api.ask("/list?verified=yes")).status).toBe(400);
});

test("GET /status names the databases that are overdue or failing", async () => {
  await run({ auth: 100, blog: 200 });
  expect(await api.json("/status")).toMatchObject({
    databases: 3,
    needs_attention: [{ database: "shop", standing: "failing", failures_since: 1, last_good: null }],
  });
  api.now += 24 * 3_600_000;
  const later = await api.json("/status");
  expect(later.needs_attention).toMatchObject([
    { database: "auth", standing: "overdue", last_good: { consistency: "snapshot" } },
    { database: "blog", standing: "overdue" },
    { database: "shop", standing: "failing" },
  ]);
});

test("GET /metrics is what Prometheus reads, with the facts of the catalog", async () => {
  await run({ auth: 100, blog: 200 });
  await recordDeadLetters(api.catalog, [
    {
      id: "letter",
      queue: "patina-exports",
      body: "{}",
      jobId: null,
      database: null,
      generation: null,
      attempts: 3,
      errorCode: null,
      error: null,
      sentAt: 0,
      arrivedAt: 0,
      alert: null,
    },
  ]);
  const answer = await api.ask("/metrics");
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      "# TYPE patina_databases gauge",
      'patina_databases{standing="failing"} 1',
      'patina_databases{standing="good"} 1',
      'patina_databases{standing="fuzzy"} 1',
      'patina_failures_since_good{database="shop"} 1',
      'patina_last_good_stored_bytes{database="auth"} 100',
      'patina_last_good_duration_seconds{database="auth"} 1.5',
      `patina_last_good_timestamp_seconds{database="auth"} ${api.now / 1_000}`,
      "patina_dead_letters_open 1",
      "patina_jobs_running 0",
      `patina_next_run_timestamp_seconds{kind="nightly"} ${Date.parse("2026-11-21T03:00:00Z") / 1_000}`,
    ]),
  );
  for (const line of lines) expect(line).toMatch(/^$|^# (HELP|TYPE) patina_|^patina_\w+(\{\w+="[\w -]+"\})? [\d.e+]+$/);
});

test("GET /audit shows who did what, the newest first, in pages", async () => {
  const actor = { name: "admin-token", request: "r-1" };
  for (const subject of ["a", "b", "c"]) {
    await writeAudit(api.catalog, { at: api.now, actor, action: "backup.download", subject, detail: { bytes: 1 } });
  }
  const first = await api.json("/audit?limit=2");
  const second = await api.json(`/audit?limit=2&cursor=${first.next_cursor}`);
  const subjects = [...first.lines, ...second.lines].map(({ subject }: { subject: string }) => subject);
  expect(subjects).toEqual(["c", "b", "a"]);
  expect(first.lines[0]).toEqual({
    at: "2026-11-20T12:00:00.000Z",
    actor: "admin-token",
    action: "backup.download",
    subject: "c",
    detail: { bytes: 1 },
    request_id: "r-1",
  });
});
