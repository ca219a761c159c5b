import { env } from "cloudflare:test";
import { archiveKey, dumpKey, manifestKey } from "@patina/archive/keys";
import type { Manifest } from "@patina/archive/manifest";
import { encodeReceipt, type Receipt, receiptKey } from "@patina/archive/receipt";
import { listBackups } from "@patina/catalog/backups";
import type { Catalog } from "@patina/catalog/catalog";
import { listDatabases, registerDatabase } from "@patina/catalog/databases";
import { openScheduledJob } from "@patina/catalog/jobs";
import { failRebuild, findRebuild, openRebuild, type Rebuild } from "@patina/catalog/rebuilds";
import { claimTask } from "@patina/catalog/tasks";
import { emptyCatalog } from "@patina/catalog/testing";
import { datesOf } from "@patina/core/week";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import { emptyBucket, storeBackup } from "./testing.ts";
import { runUpkeep, type TestArchiver, testArchiver, withLittleTime } from "./testing-archiver.ts";
import { runManual, runNight, runWeekly } from "./testing-nights.ts";

const WEEK = "2026-W47";
const [MONDAY = "", TUESDAY = "", WEDNESDAY = "", , FRIDAY = "", , SUNDAY = ""] = datesOf(WEEK);
const NEXT_MONDAY = "2026-11-23";
const MANUAL = "manual-20261120-154501-9f3a1c";
const REBUILD = "rebuild-0f9e8d7c6b5a4938";
/** After the archives, which the tests make by the clock of this machine. */
const LATER = "2099-11-23T06:00:00.000Z";
const TODAY = "2026-11-24";
const AUDIT = { at: 0, actor: { name: "admin-token", request: null }, action: "catalog.rebuild", subject: REBUILD };
const REQUEST = { kind: "rebuild-catalog", version: 1, rebuild: REBUILD, snoozes: 0 };
const SHA = "ab".repeat(32);

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
});

async function run(sql: string, ...values: (string | number)[]): Promise<void> {
  await env.CATALOG.prepare(sql)
    .bind(...values)
    .run();
}

/** Every table that a rebuild fills, without the columns that no object in the bucket says anything of. */
const REBUILT = {
  databases: ["enabled", "created_at", "updated_at", "blocked_reason"],
  backup_jobs: ["closed_by", "finished_at", "healed_at", "healed_by", "rebuilt_at"],
  backup_tasks: ["sent_at", "next_attempt_at", "finished_at"],
  backup_results: ["finished_at", "failures_before", "baseline_bytes", "deviated"],
  daily_rollup: [],
  backup_inventory: [],
  archives: ["updated_at"],
  archive_pages: [],
  archive_members: [],
  drills: [],
} as const;

type Table = readonly Readonly<Record<string, unknown>>[];

async function tableOf(name: string, without: readonly string[] = []): Promise<Table> {
  const { results } = await env.CATALOG.prepare(`select * from ${name}`).all<Record<string, unknown>>();
  const rows = results.map((row) => {
    const kept = Object.entries(row).filter(([column]) => !without.includes(column));
    // JSON is compared as what it says.
    return Object.fromEntries(
      kept.map(([column, value]) => [column, /^[[{]/.test(`${value}`) ? JSON.parse(`${value}`) : value]),
    );
  });
  return rows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** What the catalog says in those columns that come back. */
async function rebuiltState(): Promise<Record<string, Table>> {
  const state: Record<string, Table> = {};
  for (const [name, without] of Object.entries(REBUILT)) state[name] = await tableOf(name, without);
  return state;
}

/** Everything that the catalog says, except of rebuilds themselves. */
async function wholeState(): Promise<Record<string, Table>> {
  const { results } = await env.CATALOG.prepare(
    "select name from sqlite_schema where type = 'table' and name not in ('catalog_rebuilds', 'audit_log', 'leases')",
  ).all<{ name: string }>();
  const state: Record<string, Table> = {};
  for (const { name } of results) if (!/^(sqlite|_cf|d1)_/.test(name)) state[name] = await tableOf(name);
  return state;
}

/** Rebuilds, from wherever the catalog is, and says what came of it. */
async function rebuild(archiver: Pick<TestArchiver, "handle" | "upkeep"> = testArchiver()): Promise<Rebuild> {
  await run("delete from catalog_rebuilds");
  await openRebuild(catalog, { id: REBUILD, audit: AUDIT });
  expect(await runUpkeep(archiver, REQUEST)).toEqual([]);
  const found = await findRebuild(catalog, REBUILD);
  if (found === undefined) throw new TypeError("Cannot find the rebuild");
  return found;
}

async function registerTwo(): Promise<void> {
  const shop = { name: "shop", binding: "DB_THE_SHOP", priority: 0, description: "The shop", d1Id: "d1-shop" };
  await registerDatabase(catalog, { ...shop, environment: "production", estimatedBytes: 9_000 }, 0);
  await registerDatabase(catalog, { name: "blog", binding: "DB_BLOG", priority: 2, description: "" }, 0);
  const retention = JSON.stringify({ kind: "age", dailyDays: 14, manualDays: 90, maxBytes: null });
  await run("update databases set owner = 'api', certain = 1, shard = 1, retention = ? where name = 'shop'", retention);
  const { redactions, excludedTables } = RULES;
  const rules = [JSON.stringify(redactions), JSON.stringify(excludedTables)];
  await run("update databases set redactions = ?, excluded_tables = ? where name = 'blog'", ...rules);
}

const RULES = {
  redactions: [{ table: "users", column: "email", as: "text" as const, text: "nobody" }],
  excludedTables: ["logs"],
  keyId: null,
};

async function putReceipt(receipt: Receipt): Promise<void> {
  await env.BUCKET.put(receiptKey(receipt), encodeReceipt(receipt));
}

/** What manifests say of the rules of a database. */
function rulesOf(database: string): Partial<Manifest> {
  return database === "blog" ? { rules: RULES } : {};
}

/** A verification of some objects, in the bucket and in the catalog. */
async function verifyObjects(id: string, { at, keys, damage }: { at: string; keys: string[]; damage: string | null }) {
  const rows = await Promise.all(keys.map(async (key) => ({ key, object: await env.BUCKET.head(key) })));
  const backups = rows.map(({ key, object }) => ({ key, etag: object?.etag ?? "", bytes: object?.size ?? 0, damage }));
  await putReceipt({ patina: "verify-receipt", format: 1, id, at, backups });
  const time = Date.parse(at);
  for (const key of keys) {
    if (damage === null) await run("update backup_inventory set verified_at = ? where key = ?", time, key);
    else await run("update backup_inventory set damaged_at = ?, damage = ? where key = ?", time, damage, key);
  }
}

async function drillOf(id: string, { at, key }: { at: string; key: string }): Promise<void> {
  const etag = (await env.BUCKET.head(key))?.etag ?? "";
  const checks = [{ name: "rows" as const, end: "flawed" as const, findings: ['Table "t" breaks its own rules'] }];
  const facts = { id, database: "shop", date: FRIDAY, cause: "monthly", verdict: "flawed", checks } as const;
  const counts = { rows: 2, bytes: 300, restoreMs: 1_200, rowsWritten: 5, schemaDigest: SHA };
  await putReceipt({
    patina: "drill-receipt",
    format: 1,
    at,
    job: `nightly-${FRIDAY}`,
    backup: { key, etag },
    ...facts,
    ...counts,
  });
  const ended = Date.parse(at);
  await run(
    `insert into drills (id, database, date, job_id, key, cause, state, verdict, reason, checks, rows, bytes,
       rows_written, restore_ms, schema_digest, created_at, updated_at, finished_at)
     values (?, 'shop', ?, ?, ?, 'monthly', 'done', 'flawed', ?, ?, 2, 300, 5, 1200, ?, ?, ?, ?)`,
    ...[id, FRIDAY, `nightly-${FRIDAY}`, key, checks[0]?.findings[0] ?? "", JSON.stringify(checks), SHA],
    ...[ended - 1_200, ended, ended],
  );
  await run("update backup_inventory set drilled_at = ? where key = ?", ended, key);
}

/**
 * Two databases over eight nights, the first seven of which are archived and the first three pruned since; a manual job;
 * a fuzzy backup; verifications, one of which found damage; a drill.
 */
async function liveThrough(): Promise<void> {
  await registerTwo();
  const names = ["shop", "blog"];
  for (const date of datesOf(WEEK)) {
    const rowsOf = (database: string) => [`${database} on ${date}`, "x".repeat(700)];
    await runNight(catalog, { date, names, rowsOf, change: rulesOf });
  }
  const at = Date.parse(`${FRIDAY}T15:45:01Z`);
  await runManual(catalog, { job: MANUAL, date: FRIDAY, at, names: ["shop"], rowsOf: () => ["one", "two", "three"] });
  await runWeekly(catalog, { week: WEEK, sunday: SUNDAY });
  for (const date of [MONDAY, TUESDAY, WEDNESDAY]) for (const database of names) await prune(date, database);
  await runNight(catalog, {
    date: NEXT_MONDAY,
    names,
    rowsOf: (database) => [database],
    change: (database) => ({ ...rulesOf(database), ...(database === "blog" ? { consistency: "fuzzy" } : {}) }),
  });
  const later = `daily/${NEXT_MONDAY}`;
  await verifyObjects("verify-1", { at: `${NEXT_MONDAY}T06:00:00.000Z`, keys: [`${later}/shop.sql.gz`], damage: null });
  await verifyObjects("verify-2", {
    at: `${NEXT_MONDAY}T06:00:01.000Z`,
    keys: [`${later}/blog.sql.gz`],
    damage: "Its digest is not the one that its manifest states",
  });
  await drillOf("drill-1", { at: "2026-11-24T05:00:00.000Z", key: `daily/${FRIDAY}/shop.sql.gz` });
}

/** As a prune leaves it: neither the objects nor their row. */
async function prune(date: string, database: string): Promise<void> {
  const keys = keysOf(date, database);
  await env.BUCKET.delete(keys);
  await run("delete from backup_inventory where key = ?", keys[0] ?? "");
}

/** The dump and the manifest of a daily backup. */
function keysOf(date: string, database: string): string[] {
  const ref = { kind: "daily", date, database } as const;
  return [dumpKey(ref), manifestKey(ref)];
}

async function textOf(key: string): Promise<string> {
  return (await (await env.BUCKET.get(key))?.text()) ?? "";
}

test("a catalog that was lost is rebuilt from the bucket alone: every row, but for what no object says", async () => {
  await liveThrough();
  const before = await rebuiltState();
  const listed = await listBackups(catalog, { filter: {}, limit: 100 });
  catalog = await emptyCatalog();
  const { counts, skipped, state } = await rebuild();
  expect(state).toBe("done");
  expect(skipped).toEqual([]);
  expect(await rebuiltState()).toEqual(before);
  expect(await listBackups(catalog, { filter: {}, limit: 100 })).toEqual(listed);
  expect(counts).toMatchObject({
    backups: 11,
    addedBackups: 11,
    archives: 1,
    addedArchives: 1,
    archived: 14,
    addedArchived: 14,
    receipts: 3,
    addedDrills: 1,
    addedDatabases: 2,
    skipped: 0,
  });
});

test("a rebuild of a catalog that was rebuilt, or never lost, changes nothing in it", async () => {
  await liveThrough();
  const live = await wholeState();
  const { counts } = await rebuild();
  expect(counts).toMatchObject({ backups: 11, addedBackups: 0, archived: 14, addedArchived: 0, addedDatabases: 0 });
  expect(await wholeState()).toEqual(live);
  catalog = await emptyCatalog();
  await rebuild();
  const rebuilt = await wholeState();
  await rebuild();
  expect(await wholeState()).toEqual(rebuilt);
});

test("what the catalog knows later or better than the bucket stays: failures, states, a task under way, rows that go", async () => {
  await liveThrough();
  await runNight(catalog, { date: TODAY, names: ["shop", "blog"], rowsOf: (name) => (name === "shop" ? null : ["b"]) });
  // An export that has stored its backup and not yet reported it.
  const date = "2026-11-25";
  const now = Date.parse(`${date}T03:00:00Z`);
  const id = `nightly-${date}`;
  await openScheduledJob(catalog, { id, kind: "nightly", trigger: "cron", date, scheduledFor: now, now });
  await claimTask(catalog, { task: { job: id, database: "shop", generation: 1 }, holder: "exporter", now });
  await storeBackup({ kind: "daily", date, database: "shop" }, { rows: ["not yet reported"] });
  await run("update databases set enabled = 0 where name = 'blog'");
  await run("update backup_inventory set verified_at = ?, drilled_at = ? where database = 'shop'", now, now);
  await run("update backup_inventory set deleted_at = ? where key = ?", now, `daily/${FRIDAY}/blog.sql.gz`);
  // An archive that is being made again, while the one of before is still whole in the bucket.
  await run("update archives set state = 'writing', etag = null");
  await run("delete from archive_members where date >= ?", WEDNESDAY);
  const live = await wholeState();
  const { counts } = await rebuild();
  expect(await wholeState()).toEqual(live);
  expect(counts).toMatchObject({ archives: 1, addedBackups: 0, addedArchived: 0 });
});

test("nights that were lived through with an empty catalog are kept, and those before are added", async () => {
  await liveThrough();
  const all = await rebuiltState();
  catalog = await emptyCatalog();
  await registerTwo();
  await env.BUCKET.delete(["shop", "blog"].flatMap((name) => keysOf(NEXT_MONDAY, name)));
  await runNight(catalog, { date: NEXT_MONDAY, names: ["shop", "blog"], rowsOf: (name) => [name, "after the loss"] });
  const [after] = await tableOf("backup_inventory");
  await rebuild();
  const rebuilt = await rebuiltState();
  expect(rebuilt["backup_inventory"]).toContainEqual(after);
  for (const name of ["archives", "archive_members", "archive_pages"]) expect(rebuilt[name]).toEqual(all[name]);
  expect(rebuilt["backup_results"]).toHaveLength(all["backup_results"]?.length ?? 0);
  const { results } = await env.CATALOG.prepare("select id, rebuilt_at from backup_jobs order by id").all();
  const own = results.filter((row) => row["rebuilt_at"] === null).map((row) => row["id"]);
  expect(own).toEqual([`nightly-${NEXT_MONDAY}`]);
});

test("a rebuild goes on over many invocations and comes to the same", async () => {
  await liveThrough();
  const before = await rebuiltState();
  catalog = await emptyCatalog();
  const slow = testArchiver();
  let invocations = 0;
  const { counts } = await rebuild({ ...slow, handle: withLittleTime(slow.handle, () => (invocations += 1)) });
  expect(invocations).toBeGreaterThan(3);
  expect(await rebuiltState()).toEqual(before);
  expect(counts).toMatchObject({ addedBackups: 11, addedArchived: 14, receipts: 3, addedDatabases: 2 });
});

/** As little as there may be of everything, for tests that go through it call by call. */
async function liveLittle(): Promise<void> {
  await registerTwo();
  await runNight(catalog, { date: MONDAY, names: ["shop", "blog"], rowsOf: (name) => [name], change: rulesOf });
  await runWeekly(catalog, { week: WEEK, sunday: SUNDAY });
  await prune(MONDAY, "blog");
  await verifyObjects("verify-1", {
    at: LATER,
    keys: keysOf(MONDAY, "shop").slice(0, 1),
    damage: null,
  });
}

test.each(["before", "after"] as const)(
  "a fault %s any one call to a binding ends in the same catalog",
  async (when) => {
    await liveLittle();
    const before = await rebuiltState();
    let runs = 0;
    for (let at = 1; ; at += 1) {
      catalog = await emptyCatalog();
      const faulted = testArchiver({ at, when, lasting: "once" });
      const { state, counts } = await rebuild(faulted);
      expect(state, `call ${at}`).toBe("done");
      expect(await rebuiltState(), `call ${at}`).toEqual(before);
      expect(counts, `call ${at}`).toMatchObject({ addedBackups: 1, addedArchived: 2, addedDatabases: 2, receipts: 1 });
      runs = at;
      if (!faulted.faults.struck) break;
    }
    expect(runs).toBeGreaterThan(30);
  },
);

test("objects that nothing can be made of are named and passed over", async () => {
  await liveThrough();
  const [thursday = ""] = datesOf(WEEK).slice(3);
  const saturday = "2026-11-21";
  await env.BUCKET.put(`daily/${thursday}/shop.manifest.json`, "{");
  await env.BUCKET.delete(`daily/${thursday}/blog.manifest.json`);
  await env.BUCKET.delete(`daily/${saturday}/shop.sql.gz`);
  await env.BUCKET.put(`daily/${saturday}/blog.sql.gz`, "another object");
  await env.BUCKET.put(
    `manual/${FRIDAY}/${MANUAL}/blog.manifest.json`,
    await textOf(`daily/${NEXT_MONDAY}/shop.manifest.json`),
  );
  await env.BUCKET.put(`manual/${FRIDAY}/${MANUAL}/blog.sql.gz`, "an object of its own");
  await env.BUCKET.put("receipts/2026-11-20/verify-9.json", "{}");
  await env.BUCKET.put("daily/2026-11-20/notes.txt", "somebody else's");
  await env.BUCKET.delete(archiveKey({ is: "page", week: WEEK, number: 0 }));
  await env.BUCKET.put("weekly/2026-W46.tar.gz", "an archive whose manifest is gone");
  await env.BUCKET.put("weekly/2026-W45.manifest.json", "[]");
  catalog = await emptyCatalog();
  const { state, counts, skipped } = await rebuild();
  expect(state).toBe("done");
  expect(skipped).toEqual([
    { key: "weekly/2026-W45.manifest.json", reason: "it cannot be read" },
    { key: "weekly/2026-W46.tar.gz", reason: "it has no manifest" },
    { key: "weekly/2026-W47.index-0000.json", reason: "it is missing" },
    { key: `daily/${thursday}/blog.sql.gz`, reason: "it has no manifest" },
    { key: `daily/${thursday}/shop.sql.gz`, reason: "its manifest cannot be read" },
    { key: `daily/${saturday}/blog.sql.gz`, reason: "its object is not the one that its manifest names" },
    { key: `daily/${saturday}/shop.sql.gz`, reason: "its object is missing" },
    { key: `manual/${FRIDAY}/${MANUAL}/blog.sql.gz`, reason: "its object is not the one that its manifest names" },
    { key: "receipts/2026-11-20/verify-9.json", reason: "it cannot be read" },
  ]);
  expect(counts).toMatchObject({ skipped: 9, addedBackups: 7, addedArchived: 12 });
  const known = await tableOf("backup_inventory");
  expect(known.map((row) => row["key"])).not.toContain(`daily/${thursday}/shop.sql.gz`);
});

test("manifests of before they said what the catalog says are enough: jobs by their ids, and rules that still redact", async () => {
  const old = { rules: { ...RULES, redactions: [{ table: "users", column: "email", as: "text" as const }] } };
  await storeBackup({ kind: "daily", date: FRIDAY, database: "the-blog" }, { rows: ["a"], change: old });
  await storeBackup({ kind: "manual", date: FRIDAY, job: MANUAL, database: "shop" }, { rows: ["b"] });
  await rebuild();
  const { results: jobs } = await env.CATALOG.prepare(
    "select id, kind, trigger, status, databases, succeeded, failed, scheduled_for as at from backup_jobs order by id",
  ).all();
  expect(jobs).toEqual([
    {
      ...{ id: MANUAL, kind: "manual", trigger: "api", status: "completed", databases: 1, succeeded: 1, failed: 0 },
      at: Date.parse(`${FRIDAY}T15:45:01Z`),
    },
    {
      ...{ id: `nightly-${FRIDAY}`, kind: "nightly", trigger: "cron", status: "completed", databases: 1, succeeded: 1 },
      ...{ failed: 0, at: Date.parse(`${FRIDAY}T03:00:00Z`) },
    },
  ]);
  const registered = await listDatabases(catalog);
  expect(registered).toMatchObject([
    { name: "shop", binding: "DB_SHOP", enabled: true, redactions: [], owner: "registry" },
    {
      ...{ name: "the-blog", binding: "DB_THE_BLOG", enabled: true, excludedTables: ["logs"] },
      redactions: [{ table: "users", column: "email", as: "text", text: "redacted" }],
    },
  ]);
});

test("a rebuild whose catalog was lost once more is a dead letter, and one that failed goes on when it is replayed", async () => {
  const lost = testArchiver();
  await lost.handle(batchOf(QUEUES.upkeep, [new TestMessage(REQUEST)]));
  expect(lost.dead.bodies).toMatchObject([{ error: { code: "unknown_task" } }]);
  await liveLittle();
  const before = await rebuiltState();
  catalog = await emptyCatalog();
  await openRebuild(catalog, { id: REBUILD, audit: AUDIT });
  await failRebuild(catalog, { id: REBUILD, error: "Cannot reach the bucket", now: 1 });
  expect(await runUpkeep(testArchiver(), REQUEST)).toEqual([]);
  expect(await findRebuild(catalog, REBUILD)).toMatchObject({ state: "done", error: null });
  expect(await rebuiltState()).toEqual(before);
});

test("the week that ends a year, and its backups of two years, come back under their own names", async () => {
  await registerTwo();
  const dates = datesOf("2026-W53");
  for (const date of dates)
    await runNight(catalog, { date, names: ["shop", "blog"], rowsOf: (name) => [name, date], change: rulesOf });
  await runWeekly(catalog, { week: "2026-W53", sunday: "2027-01-03" });
  for (const date of dates) await prune(date, "shop");
  const before = await rebuiltState();
  catalog = await emptyCatalog();
  await rebuild();
  expect(await rebuiltState()).toEqual(before);
  const rebuilt = await tableOf("backup_jobs");
  expect(rebuilt.map(({ id }) => id)).toContain("weekly-2027-01-03");
  expect((await tableOf("archives")).map(({ week }) => week)).toEqual(["2026-W53"]);
  expect((await tableOf("daily_rollup")).filter(({ database }) => database === "shop").map(({ day }) => day)).toEqual(
    dates,
  );
});
