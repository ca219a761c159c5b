import { env, runInDurableObject } from "cloudflare:test";
import { decodeReceipt } from "@patina/archive/receipt";
import type { Catalog } from "@patina/catalog/catalog";
import { findDrill, openDrills } from "@patina/catalog/drills";
import { alertEvents, backupInventory, drills, jobRequests } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase, faultyNamespace } from "@patina/testkit/faults";
import { batchOf, deliver, RecordedQueue, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import worker from "./index.ts";
import { emptyBucket } from "./testing.ts";
import { brokenDumpOf, dumpOf, storeDump } from "./testing-dump.ts";

const DATE = "2026-11-20";
const SHOP = { kind: "daily", date: DATE, database: "shop" } as const;
const KEY = `daily/${DATE}/shop.sql.gz`;

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
let number = 0;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, ["shop"]);
});

/** Opens a drill under a name that no test has used. */
async function open(date: string | null = DATE): Promise<string> {
  number += 1;
  const id = `drill-${number.toString(16).padStart(4, "0")}`;
  await openDrills(catalog, { wanted: [{ id, database: "shop", date, cause: "asked" }], now: Date.now() });
  return id;
}

function archiver(plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const upkeep = new RecordedQueue();
  const dead = new RecordedQueue();
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: faultyBinding(env.BUCKET, faults),
    SCRATCH: faultyNamespace(env.SCRATCH, faults),
    UPKEEP: faultyBinding(upkeep, faults),
    UPKEEP_DEAD: faultyBinding(dead, faults),
    RESULTS: new RecordedQueue(),
    ENVIRONMENT: "local",
  } as unknown as Env;
  return { faults, upkeep, dead, handle: (batch: MessageBatch) => worker.queue(batch, bindings) };
}

function messageOf(drill: string) {
  return { kind: "drill", version: 1, drill, database: "shop", date: null, snoozes: 0 };
}

/** Delivers as production does, until acknowledged or dead; leases of attempts that stopped run out in between. */
async function run(drill: string, { handle, upkeep, dead }: ReturnType<typeof archiver> = archiver()) {
  for (
    let waiting: unknown[] = [messageOf(drill)];
    waiting.length > 0;
    waiting = upkeep.sent.splice(0).map(({ body }) => body)
  ) {
    const options = { queue: QUEUES.upkeep, batchSize: 1, maxAttempts: 5 };
    const handled = async (batch: MessageBatch) => {
      await env.CATALOG.prepare("update leases set expires_at = 0").run();
      await handle(batch);
    };
    await deliver(waiting, { ...options, handle: handled });
  }
  return dead.bodies;
}

/** Drills a backup; the row. */
async function drilled(date: string | null = DATE) {
  const id = await open(date);
  expect(await run(id)).toEqual([]);
  return (await findDrill(catalog, id)) ?? expect.unreachable("the drill is gone");
}

/** What is left in a drill's scratch database. */
async function leftIn(drill: string) {
  return await runInDurableObject(env.SCRATCH.getByName(drill), async (_, { storage }) => ({
    tables: storage.sql.exec("SELECT name FROM sqlite_schema WHERE name NOT LIKE '\\_cf\\_%' ESCAPE '\\'").toArray(),
    keys: [...storage.kv.list()].length,
    alarm: await storage.getAlarm(),
  }));
}

const EMPTY = { tables: [], keys: 0, alarm: null };

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
    verdict: "passed",
    checks: row.checks,
    rowsWritten: row.rowsWritten,
  });
  expect(await leftIn(row.id)).toEqual(EMPTY);
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
  expect(await leftIn(row.id)).toEqual(EMPTY);
  // The fresh one is no better: asking for another one each time would never end.
  await catalog.update(jobRequests).set({ jobId: "manual" });
  expect(await drilled()).toMatchObject({ verdict: "failed" });
  expect(await catalog.select().from(jobRequests)).toHaveLength(1);
});

test("a message that comes again after the end changes nothing", async () => {
  await storeDump(catalog, SHOP, await dumpOf(SHOP, SQL));
  const row = await drilled();
  await emptyBucket();
  expect(await run(row.id)).toEqual([]);
  expect(await catalog.select().from(drills)).toEqual([row]);
  expect((await env.BUCKET.list()).objects).toEqual([]);
});

test("a drill that nobody knows is a dead letter", async () => {
  expect(await run("drill-00ff")).toMatchObject([{ error: { code: "unknown_task" } }]);
});
