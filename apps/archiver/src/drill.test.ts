import { env, runDurableObjectAlarm } from "cloudflare:test";
import { decodeReceipt } from "@patina/archive/receipt";
import type { Catalog } from "@patina/catalog/catalog";
import { type DrillRow, findDrill } from "@patina/catalog/drills";
import {
  alertEvents,
  archiveMembers,
  backupInventory,
  backupJobs,
  backupTasks,
  drills,
  jobRequests,
} from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { MINUTE } from "@patina/core/date";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import { findBackup } from "./find-backup.ts";
import worker from "./index.ts";
import { emptyBucket } from "./testing.ts";
import { archiver, drilledRow, leftIn, messageOf, NOTHING_LEFT, openDrill, runDrill } from "./testing-drill.ts";
import { brokenDumpOf, dumpOf, storeDump } from "./testing-dump.ts";

const DATE = "2026-11-20";
const SHOP = { kind: "daily", date: DATE, database: "shop" } as const;
const KEY = `daily/${DATE}/shop.sql.gz`;
const MANIFEST = `daily/${DATE}/shop.manifest.json`;

const SQL = [
  "CREATE TABLE people(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, born REAL)",
  "CREATE TABLE notes(id INTEGER PRIMARY KEY, person REFERENCES people(id), text TEXT)",
  "CREATE INDEX by_name ON people(name)",
  "INSERT INTO people(name, born) VALUES('Ada', 1815.9), ('Grace', 1906.9)",
  "INSERT INTO notes VALUES(1, 1, 'first'), (2, 2, 'second')",
  "CREATE VIRTUAL TABLE words USING fts5(text, content='notes', content_rowid='id')",
  "INSERT INTO words(words) VALUES('rebuild')",
  "CREATE TRIGGER noted AFTER INSERT ON notes BEGIN UPDATE people SET name = name || '!' WHERE id = new.person; END",
];

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, ["shop"]);
});

async function open(date: string | null = DATE): Promise<string> {
  return await openDrill(catalog, "shop", date);
}

async function drilled(date: string | null = DATE): Promise<DrillRow> {
  return await drilledRow(catalog, "shop", date);
}

async function inventory() {
  const [row] = await catalog.select().from(backupInventory);
  return row;
}

test("a drill restores a backup, finds it to be what was backed up, writes that down and leaves nothing behind", async () => {
  const manifest = await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  const row = await drilled();
  expect(row).toMatchObject({
    state: "done",
    verdict: "passed",
    reason: null,
    date: DATE,
    jobId: `nightly-${DATE}`,
    key: KEY,
    rows: 4,
    bytes: manifest.sql.bytes,
    schemaDigest: manifest.schema?.sha256,
  });
  expect(row.rowsWritten).toBeGreaterThanOrEqual(4);
  expect(row.restoreMs).toBeGreaterThan(0);
  expect(row.checks?.map(({ name, end }) => `${name} ${end}`)).toEqual([
    "object passed",
    "restore passed",
    "quick_check passed",
    "foreign_keys passed",
    "rows passed",
    "digests passed",
    "definitions passed",
    "fingerprints passed",
    "fts passed",
  ]);
  expect((await inventory())?.drilledAt).toBe(row.finishedAt);
  const [receipt] = (await env.BUCKET.list({ prefix: "receipts/" })).objects;
  expect(receipt?.key).toMatch(new RegExp(`^receipts/\\d{4}-\\d\\d-\\d\\d/${row.id}\\.json$`));
  const text = (await (await env.BUCKET.get(receipt?.key ?? ""))?.text()) ?? "";
  expect(decodeReceipt(text)).toMatchObject({
    patina: "drill-receipt",
    id: row.id,
    database: "shop",
    backup: { key: KEY, etag: manifest.object.etag },
    askedAt: new Date(row.createdAt).toISOString(),
    verdict: "passed",
    checks: row.checks,
    rowsWritten: row.rowsWritten,
  });
  expect(await leftIn(row.id)).toEqual(NOTHING_LEFT);
});

test("a drill that fails marks the backup, tells people once and asks for a fresh one", async () => {
  const faults = ["DROP INDEX by_name"];
  await storeDump(catalog, SHOP, await brokenDumpOf(SHOP, { statements: SQL, faults }));
  const row = await drilled();
  const reason = 'Index "by_name" of table "people" is missing';
  expect(row).toMatchObject({ verdict: "failed", reason });
  expect(await inventory()).toMatchObject({ drilledAt: null, damage: `A drill failed: ${reason}` });
  expect(await catalog.select().from(alertEvents)).toMatchObject([
    { event: `drill-failed:${row.id}`, database: "shop", facts: { key: KEY, error: reason } },
  ]);
  expect(await catalog.select().from(jobRequests)).toMatchObject([{ id: row.id, database: "shop", jobId: null }]);
  expect(await leftIn(row.id)).toEqual(NOTHING_LEFT);
  // The fresh one is no better: asking for another one each time would never end.
  await catalog.update(jobRequests).set({ jobId: "manual" });
  expect(await drilled()).toMatchObject({ verdict: "failed" });
  expect(await catalog.select().from(jobRequests)).toHaveLength(1);
});

test("a source that breaks its own constraints is flawed, and counts as proven", async () => {
  const flaws = [
    "CREATE TABLE checked(a CHECK (a > 0))",
    "PRAGMA ignore_check_constraints=ON",
    "INSERT INTO checked VALUES(-1)",
    "PRAGMA ignore_check_constraints=OFF",
  ];
  await storeDump(catalog, SHOP, await dumpOf(SHOP, [...SQL, ...flaws]));
  const row = await drilled();
  expect(row).toMatchObject({ verdict: "flawed", reason: "CHECK constraint failed in checked", rows: 5 });
  expect((await inventory())?.drilledAt).toBe(row.finishedAt);
  expect(await catalog.select().from(alertEvents)).toEqual([]);
});

const ARCHIVE = "weekly/2026-W47.tar.gz";

async function archive(): Promise<void> {
  const at = Date.parse("2026-11-22T04:00:00Z");
  const job = { id: "weekly-2026-11-22", kind: "weekly", trigger: "cron", date: "2026-11-22" } as const;
  await catalog.insert(backupJobs).values({ ...job, scheduledFor: at, startedAt: at });
  await archiver().handle(batchOf(QUEUES.upkeep, [new TestMessage({ kind: "archive-week", version: 1, job: job.id })]));
}

/** Removes the daily as a prune does. */
async function pruned(): Promise<void> {
  await env.CATALOG.prepare("update backup_inventory set deleted_at = 1 where kind = 'daily'").run();
  await env.BUCKET.delete([KEY, MANIFEST]);
}

async function archived() {
  return await findBackup({ date: DATE, database: "shop" }, { catalog, bucket: env.BUCKET });
}

test.each(["daily", "weekly"] as const)(
  "a dump that fails its drill is damaged in the archive too, drilled as a %s, and is no last good backup there",
  async (from) => {
    const older = { ...SHOP, date: "2026-11-19" } as const;
    await storeDump(catalog, older, await dumpOf(older, SQL));
    await storeDump(catalog, SHOP, await brokenDumpOf(SHOP, { statements: SQL, faults: ["DROP INDEX by_name"] }));
    await archive();
    if (from === "weekly") await pruned();
    expect(await drilled()).toMatchObject({ verdict: "failed", key: from === "daily" ? KEY : ARCHIVE });
    await pruned();
    expect(await archived()).toMatchObject({ from: "weekly", damage: expect.stringContaining("damaged") });
    // The newest good one is that of the day before, in the archive as well.
    expect(await drilled(null)).toMatchObject({ verdict: "passed", date: older.date });
  },
);

test("an object that lost its bytes says nothing of its copy in an archive", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  await archive();
  await env.BUCKET.put(KEY, "x");
  expect(await drilled()).toMatchObject({ verdict: "passed", key: ARCHIVE });
  await env.BUCKET.delete(ARCHIVE);
  expect(await drilled()).toMatchObject({ verdict: "failed" });
  expect(await catalog.select().from(archiveMembers)).toMatchObject([{ damagedAt: null }]);
});

test("a backup of which only the weekly archive has a copy is drilled out of that", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  await archive();
  await pruned();
  expect(await drilled(null)).toMatchObject({ verdict: "passed", date: DATE, key: ARCHIVE });
});

test("a message that comes again after the end changes nothing", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  const row = await drilled();
  await emptyBucket();
  expect(await runDrill(row.id)).toEqual([]);
  expect(await catalog.select().from(drills)).toEqual([row]);
  expect((await env.BUCKET.list()).objects).toEqual([]);
});

test("a drill that nobody knows is a dead letter", async () => {
  expect(await runDrill("drill-00ff")).toMatchObject([{ error: { code: "unknown_task" } }]);
});

test("the newest backup is drilled when none is named, and a drill without any proves nothing", async () => {
  expect(await drilled(null)).toMatchObject({
    verdict: "unprovable",
    reason: "There is no backup of shop",
    date: null,
  });
  const earlier = { ...SHOP, date: "2026-11-19" } as const;
  await storeDump(catalog, earlier, await dumpOf(earlier, SQL));
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  expect(await drilled(null)).toMatchObject({ verdict: "passed", date: DATE });
  expect(await drilled("2026-11-19")).toMatchObject({ verdict: "passed", key: "daily/2026-11-19/shop.sql.gz" });
  const absent = { verdict: "unprovable", reason: "There is no backup of shop on 2026-11-01 any more" };
  expect(await drilled("2026-11-01")).toMatchObject(absent);
  expect((await env.BUCKET.list({ prefix: "receipts/" })).objects).toHaveLength(2);
});

test("a fresh backup of the same date is drilled in place of a damaged nightly", async () => {
  await storeDump(catalog, SHOP, await brokenDumpOf(SHOP, { statements: SQL, faults: ["DROP INDEX by_name"] }));
  expect(await drilled(null)).toMatchObject({ verdict: "failed", key: KEY });
  const job = "manual-20261120-120000-9f3a1c";
  const fresh = { ...SHOP, kind: "manual", job } as const;
  await storeDump(catalog, fresh, await dumpOf(fresh, SQL));
  expect(await drilled(null)).toMatchObject({ verdict: "passed", jobId: job });
});

test.each([
  ["whose object is gone", () => env.BUCKET.delete(KEY), `The object "${KEY}" is not there`],
  ["whose object was overwritten", () => env.BUCKET.put(KEY, "x"), `The object "${KEY}" is another one`],
  ["whose manifest is gone", () => env.BUCKET.delete(MANIFEST), `The manifest of "${KEY}" is not there`],
  ["whose manifest is broken", () => env.BUCKET.put(MANIFEST, "{"), "Cannot read manifest"],
])("a backup %s fails", async (_, breakIt, reason) => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  await breakIt();
  const row = await drilled();
  expect(row).toMatchObject({ verdict: "failed", reason: expect.stringContaining(reason), restoreMs: null });
  expect((await inventory())?.damage).toContain(reason);
});

test("a backup that is being written anew is not called damaged: its drill waits until that is done", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  const job = { id: `nightly-${DATE}`, kind: "nightly", trigger: "cron", date: DATE } as const;
  await catalog.insert(backupJobs).values({ ...job, scheduledFor: 0, startedAt: 0 });
  await catalog.insert(backupTasks).values({ jobId: job.id, database: "shop", priority: 0 });
  // Its object is there already, and its manifest is still the one of before.
  await env.BUCKET.put(KEY, "x");
  const id = await open();
  const one = archiver();
  await one.handle(batchOf(QUEUES.upkeep, [new TestMessage(messageOf(id))]));
  expect(one.upkeep.sent).toMatchObject([{ body: { drill: id, snoozes: 1 } }]);
  expect(await findDrill(catalog, id)).toMatchObject({ state: "running", verdict: null });
  expect(await inventory()).toMatchObject({ damagedAt: null });
  await storeDump(catalog, SHOP, await dumpOf(SHOP, [...SQL, "INSERT INTO notes VALUES(3, 1, 'third')"]));
  await catalog.delete(backupTasks);
  expect(await runDrill(id)).toEqual([]);
  expect(await findDrill(catalog, id)).toMatchObject({ verdict: "passed", rows: 5 });
});

test("a backup that is pruned while it is drilled is not called damaged", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  const id = await open();
  const one = archiver();
  const pruning = {
    async get(key: string, options: R2GetOptions) {
      // Everything but the manifest is read by range; from then on the object is gone.
      if (options?.range === undefined) return await env.BUCKET.get(key, options);
      await env.CATALOG.prepare("update backup_inventory set deleted_at = 1").run();
      await env.BUCKET.delete([KEY, MANIFEST]);
      return null;
    },
    head: (key: string) => env.BUCKET.head(key),
    put: (key: string, text: string) => env.BUCKET.put(key, text),
  };
  const bindings = { ...one.bindings, BUCKET: pruning } as unknown as Env;
  expect(await runDrill(id, { ...one, handle: (batch) => worker.queue(batch, bindings) })).toEqual([]);
  const reason = `There is no backup of shop on ${DATE} any more`;
  expect(await findDrill(catalog, id)).toMatchObject({ verdict: "unprovable", reason });
  expect(await catalog.select().from(alertEvents)).toEqual([]);
});

test.each(["before", "after"] as const)(
  "a fault %s any one call to a binding ends in one verdict, one receipt and an empty scratch database",
  async (when) => {
    await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
    let calls = 0;
    for (let at = 1; ; at += 1) {
      await env.BUCKET.delete((await env.BUCKET.list({ prefix: "receipts/" })).objects.map(({ key }) => key));
      const id = await open();
      const faulted = archiver({ at, when, lasting: "once" });
      expect(await runDrill(id, faulted), `call ${at}`).toEqual([]);
      expect(await findDrill(catalog, id), `call ${at}`).toMatchObject({ state: "done", verdict: "passed" });
      expect((await env.BUCKET.list({ prefix: "receipts/" })).objects, `call ${at}`).toHaveLength(1);
      expect(await leftIn(id), `call ${at}`).toEqual(NOTHING_LEFT);
      calls = at;
      if (!faulted.faults.struck) break;
    }
    expect(calls).toBeGreaterThan(20);
    expect(await catalog.select().from(alertEvents)).toEqual([]);
  },
);

test("a fault that lasts leaves a drill that a later message ends", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  for (let at = 1; at <= 25; at += 3) {
    const id = await open();
    await runDrill(id, archiver({ at, when: "after", lasting: "for ever" }));
    expect(await runDrill(id)).toEqual([]);
    expect(await findDrill(catalog, id)).toMatchObject({ verdict: "passed" });
    expect(await leftIn(id)).toEqual(NOTHING_LEFT);
  }
});

test("two messages at once make one drill", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  const id = await open();
  const one = archiver();
  await one.handle(batchOf(QUEUES.upkeep, [new TestMessage(messageOf(id)), new TestMessage(messageOf(id))]));
  expect(await findDrill(catalog, id)).toMatchObject({ verdict: "passed" });
  expect(one.upkeep.sent).toMatchObject([{ body: { drill: id, snoozes: 1 } }]);
  expect((await env.BUCKET.list({ prefix: "receipts/" })).objects).toHaveLength(1);
});

/** More than one transaction takes: 12 MB of SQL. */
const LARGE = [
  ...SQL,
  "CREATE TABLE bodies(id INTEGER PRIMARY KEY, note REFERENCES notes(id), body TEXT)",
  `INSERT INTO bodies SELECT value, 1 + value % 2, hex(zeroblob(20000)) || value
   FROM (WITH RECURSIVE n(value) AS (VALUES(1) UNION ALL SELECT value + 1 FROM n LIMIT 300) SELECT value FROM n)`,
];

test("a drill too large for one invocation goes on in the next ones, and comes to the same", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, LARGE));
  const atOnce = await drilled();
  expect(atOnce).toMatchObject({ verdict: "passed", rows: 304 });
  const id = await open();
  const slow = archiver();
  let invocations = 0;
  expect(await runDrill(id, { ...slow, handle: withLittleTime(slow.handle, () => (invocations += 1)) })).toEqual([]);
  const row = await findDrill(catalog, id);
  expect(row).toMatchObject({ verdict: "passed", rows: 304, checks: atOnce.checks, rowsWritten: atOnce.rowsWritten });
  expect(invocations).toBeGreaterThan(15);
  expect(await leftIn(id)).toEqual(NOTHING_LEFT);
});

test("a fault after any seventh call of a large drill ends in the same verdict and an empty scratch database", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, LARGE));
  for (let at = 7; ; at += 7) {
    const id = await open();
    const faulted = archiver({ at, when: "after", lasting: "once" });
    expect(await runDrill(id, faulted), `call ${at}`).toEqual([]);
    expect(await findDrill(catalog, id), `call ${at}`).toMatchObject({ verdict: "passed", rows: 304 });
    expect(await leftIn(id), `call ${at}`).toEqual(NOTHING_LEFT);
    if (!faulted.faults.struck) break;
  }
});

test("a large drill whose scratch database was emptied meanwhile begins anew", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, LARGE));
  const id = await open();
  const slow = archiver();
  let invocations = 0;
  const handle = withLittleTime(slow.handle, () => (invocations += 1));
  const forgetful = async (batch: MessageBatch) => {
    // As its alarm does when nobody has come back.
    if (invocations === 10) await runDurableObjectAlarm(env.SCRATCH.getByName(id));
    await handle(batch);
  };
  expect(await runDrill(id, { ...slow, handle: forgetful })).toEqual([]);
  expect(await findDrill(catalog, id)).toMatchObject({ verdict: "passed" });
  expect(invocations).toBeGreaterThan(20);
});

/** Handles a batch with a clock on which every look at it takes minutes. */
function withLittleTime(handle: (batch: MessageBatch) => Promise<void>, count: () => unknown) {
  return async (batch: MessageBatch) => {
    const real = Date.now;
    const start = real();
    let looks = 0;
    Date.now = () => start + looks++ * 2 * MINUTE;
    count();
    try {
      await handle(batch);
    } finally {
      Date.now = real;
    }
  };
}
