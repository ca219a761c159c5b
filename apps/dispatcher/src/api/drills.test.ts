import { env } from "cloudflare:test";
import { listAudit } from "@patina/catalog/audit";
import { endDrill, noteDrill } from "@patina/catalog/drills";
import { backupInventory, custodySettings, drills, idempotencyKeys } from "@patina/catalog/schema";
import { MINUTE } from "@patina/core/date";
import { beforeEach, expect, test } from "vitest";
import { jsonOf, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start(["auth", "shop", "blog"]);
});

/** A stored backup of a date. */
async function stored(database: string, date = "2026-11-20"): Promise<void> {
  await api.catalog.insert(backupInventory).values({
    key: `daily/${date}/${database}.sql.gz`,
    kind: "daily",
    database,
    date,
    jobId: `nightly-${date}`,
    size: 100,
    digest: "a".repeat(64),
    etag: "e",
    createdAt: Date.parse(`${date}T03:00:00Z`),
  });
}

function post(body: unknown, headers: Record<string, string> = {}) {
  return { method: "POST", body: JSON.stringify(body), headers };
}

/** Ends a drill as the archiver does. */
async function end(id: string, change: Partial<Parameters<typeof endDrill>[1]> = {}): Promise<void> {
  const row = await api.json(`/drills/${id}`);
  await noteDrill(api.catalog, id, { now: api.now, date: "2026-11-20", jobId: "nightly-2026-11-20", key: "k" });
  const ended = {
    id,
    database: row.database,
    verdict: "passed",
    reason: null,
    checks: [{ name: "rows", end: "passed", findings: [] }],
    rows: 10,
    bytes: 2_000,
    rowsWritten: 20,
    restoreMs: 1_500,
    schemaDigest: "c".repeat(64),
    subject: null,
    copy: null,
    ...change,
  } as const;
  await endDrill(api.catalog, ended, api.now);
}

test("POST /drills drills one database at once, is written down, and makes no second one beside it", async () => {
  await stored("shop");
  const answer = await api.ask("/drills", post({ database: "shop" }));
  expect(answer.status).toBe(202);
  const { opened, drills: made, already_running } = await jsonOf(answer);
  expect({ opened, already_running }).toEqual({ opened: 1, already_running: [] });
  const [{ id }] = made;
  expect(answer.headers.get("location")).toBe(`/drills/${id}`);
  expect(api.exports.bodies).toEqual([
    { kind: "drill", version: 1, drill: id, database: "shop", date: null, snoozes: 0 },
  ]);
  expect(await listAudit(api.catalog, { limit: 9 })).toMatchObject([
    { action: "drill.ask", subject: "shop", detail: { date: "newest", drills: [id] } },
  ]);
  const second = await api.json("/drills", post({ database: "shop" }));
  expect(second).toMatchObject({ opened: 0, drills: [], already_running: [{ database: "shop", drill: id }] });
  expect(api.exports.bodies).toHaveLength(1);
  expect(await listAudit(api.catalog, { limit: 9 })).toHaveLength(1);
});

test("POST /drills takes a date, and refuses what has no backup or is not registered", async () => {
  await stored("shop", "2026-11-18");
  expect(await api.json("/drills", post({ database: "shop", date: "2026-11-18" }))).toMatchObject({
    drills: [{ date: "2026-11-18", cause: "asked", state: "queued", verdict: null }],
  });
  const refused = async (body: unknown) => (await api.ask("/drills", post(body))).status;
  expect(await refused({ database: "shop", date: "2026-11-19" })).toBe(404);
  expect(await refused({ database: "auth" })).toBe(404);
  expect(await refused({ database: "nothing" })).toBe(404);
  expect(await refused({ date: "2026-11-18" })).toBe(400);
  expect(await refused({ database: "shop", date: "2026-13-01" })).toBe(400);
  const reader = await api.ask("/drills", {
    ...post({ database: "shop" }),
    token: "reader-0123456789-0123456789-0123456789",
  });
  expect(reader.status).toBe(403);
});

test("POST /drills without a database takes every one that is not paused and has a backup", async () => {
  await stored("shop");
  await stored("blog");
  await env.CATALOG.exec("update databases set enabled = 0 where name = 'blog'");
  const answer = await api.json("/drills", post({}));
  expect(answer).toMatchObject({ opened: 1, drills: [{ database: "shop" }], without_backup: ["auth"] });
});

test("a repeated request with its key makes one drill, also when the first stopped before it answered", async () => {
  await stored("shop");
  const again = post({ database: "shop" }, { "idempotency-key": "k" });
  const first = await api.json("/drills", again);
  expect(await api.json("/drills", again)).toEqual(first);
  await api.catalog.update(idempotencyKeys).set({ status: null, body: null, location: null });
  await end(first.drills[0].id);
  api.now += MINUTE;
  const late = await api.json("/drills", again);
  expect(late).toMatchObject({ opened: 1, drills: [{ id: first.drills[0].id, verdict: "passed" }] });
  expect(await api.catalog.select().from(drills)).toHaveLength(1);
  expect(api.exports.bodies).toHaveLength(1);
});

test("GET /drills/:id tells what a drill looked at", async () => {
  await stored("shop");
  const { drills: made } = await api.json("/drills", post({ database: "shop" }));
  const [{ id }] = made;
  expect(await api.json(`/drills/${id}`)).toMatchObject({ state: "queued", checks: [], restore_ms: null });
  const checks = [{ name: "rows", end: "failed", findings: ['Table "t" is missing'] }] as const;
  await end(id, { verdict: "failed", reason: 'Table "t" is missing', checks });
  expect(await api.json(`/drills/${id}`)).toMatchObject({
    state: "done",
    verdict: "failed",
    reason: 'Table "t" is missing',
    checks,
    rows: 10,
    restore_ms: 1_500,
    finished_at: "2026-11-20T12:00:00.000Z",
  });
  expect((await api.ask("/drills/drill-0")).status).toBe(404);
});

test("GET /drills filters and pages, and shows how long a database's restores took", async () => {
  await stored("shop");
  await stored("auth");
  const ids: string[] = [];
  for (const [database, restoreMs] of [
    ["shop", 1_000],
    ["auth", 50],
    ["shop", 1_200],
    ["shop", null],
  ] as const) {
    const { drills: made } = await api.json("/drills", post({ database }));
    ids.push(made[0].id);
    api.now += MINUTE;
    await end(made[0].id, { restoreMs, verdict: restoreMs === null ? "unprovable" : "passed" });
  }
  const first = await api.json("/drills?limit=3");
  const second = await api.json(`/drills?limit=3&cursor=${first.next_cursor}`);
  const shown = [...first.drills, ...second.drills].map(({ id }: { id: string }) => id);
  expect(shown).toEqual([...ids].reverse());
  expect(first.trend).toBeNull();
  const shop = await api.json("/drills?database=shop");
  expect(shop.trend.map(({ restore_ms }: { restore_ms: number }) => restore_ms)).toEqual([1_000, 1_200]);
  const count = async (query: string) => (await api.json(`/drills?${query}`)).drills.length;
  expect(await count("verdict=unprovable")).toBe(1);
  expect(await count("database=auth&verdict=passed&state=done&cause=asked&date=2026-11-20")).toBe(1);
  expect(await count("state=queued")).toBe(0);
  expect((await api.ask("/drills?verdict=nice")).status).toBe(400);
});

test("GET /drills/budget shows what drills have written this month, and who has to wait", async () => {
  await stored("shop");
  await stored("auth");
  const defaults = await api.json("/drills/budget");
  expect(defaults).toEqual({ month: "2026-11", rows: 25_000_000, used: 0, left: 25_000_000, due: 2, waiting: 0 });
  const { drills: made } = await api.json("/drills", post({ database: "auth" }));
  await end(made[0].id, { rowsWritten: 700 });
  const settings = {
    retention: { kind: "age", dailyDays: 7, manualDays: 30, maxBytes: null },
    weeklyWeeks: 12,
  } as const;
  await api.catalog.insert(custodySettings).values({ ...settings, verifyBytes: 1, drillRows: 500, updatedAt: 0 });
  expect(await api.json("/drills/budget")).toMatchObject({ rows: 500, used: 700, left: 0, due: 1, waiting: 1 });
  // A new month, a new budget.
  api.now = Date.parse("2026-12-01T00:00:00Z");
  expect(await api.json("/drills/budget")).toMatchObject({ month: "2026-12", used: 0, left: 500, waiting: 0 });
});

test("databases say whether their backups are proven, and metrics tell it", async () => {
  await stored("shop");
  const proven = async (database: string) => (await api.json(`/databases/${database}`)).proven;
  expect(await proven("shop")).toEqual({ phrase: "not proven yet", last_drill: null });
  const { drills: made } = await api.json("/drills", post({ database: "shop" }));
  await end(made[0].id);
  api.now += 3 * 24 * 60 * MINUTE;
  expect(await proven("shop")).toMatchObject({
    phrase: "restorable, proven 3 days ago",
    last_drill: { id: made[0].id, verdict: "passed", restore_ms: 1_500 },
  });
  const lines = (await (await api.ask("/metrics")).text()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      `patina_last_drill_timestamp_seconds{database="shop"} ${Date.parse("2026-11-20T12:00:00Z") / 1_000}`,
      'patina_last_drill_verdict{database="shop",verdict="passed"} 1',
      'patina_last_drill_verdict{database="shop",verdict="failed"} 0',
      'patina_last_drill_restore_seconds{database="shop"} 1.5',
      "patina_drill_rows_budget 25000000",
      "patina_drill_rows_used 20",
    ]),
  );
});
