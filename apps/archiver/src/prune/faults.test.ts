import { env } from "cloudflare:test";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import type { Catalog } from "@patina/catalog/catalog";
import { findPlan } from "@patina/catalog/prune-plans";
import { backupInventory } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { DAY, dateOf, HOUR } from "@patina/core/date";
import { weekOf } from "@patina/core/week";
import { QUEUES } from "@patina/messages/queues";
import type { FaultPlan } from "@patina/testkit/faults";
import { batchOf, TestMessage } from "@patina/testkit/queue";
import { beforeAll, expect, test } from "vitest";
import { emptyBucket, putObject } from "../testing.ts";
import { archiver, atTime, decide, keysInBucket, makeArchive, run, storeKnown, storeNight, tickTo } from "./testing.ts";

/** A prune that has something of everything to do, stopped at every call to a binding that it makes. */

/** A Monday, years later than anything that a test has uploaded. */
const MONDAY = Date.parse("2030-01-07T00:00:00Z");
const NOW = MONDAY + 100 * DAY + 5 * HOUR;
const REQUEST = { kind: "prune", version: 1, plan: "prune-1", snoozes: 0 };
const [FIRST, SECOND] = [weekOf(day(0)), weekOf(day(7))];
const HALF = "daily/2030-02-02/half.sql.gz";
const RESCUED = { kind: "daily", date: day(1), database: "gone" } as const;
const LOST = { kind: "daily", date: day(99), database: "shop" } as const;
const YOUNG = { kind: "daily", date: day(100), database: "shop" } as const;

let catalog: Catalog;
let objects: ReadonlyMap<string, Uint8Array>;
/** The catalog before the prune, and with a plan that has decided everything and done nothing. */
let before: Tables;
let decided: Tables;

type Tables = ReadonlyMap<string, readonly Record<string, unknown>[]>;

function day(n: number): string {
  return dateOf(MONDAY + n * DAY);
}

/** Two archives that are too old, of which the first alone holds a backup of `gone`; a daily that is; one that is lost. */
beforeAll(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, ["shop", "gone"]);
  await storeNight(catalog, { date: day(0), databases: ["shop"] });
  await storeNight(catalog, { date: RESCUED.date, databases: ["gone"] });
  await makeArchive(catalog, FIRST);
  await storeNight(catalog, { date: day(7), databases: ["shop"] });
  await makeArchive(catalog, SECOND);
  await storeKnown(catalog, YOUNG);
  await storeKnown(catalog, LOST);
  await env.BUCKET.delete([dumpKey(RESCUED), manifestKey(RESCUED)]);
  await env.CATALOG.prepare("update backup_inventory set deleted_at = 1 where key = ?").bind(dumpKey(RESCUED)).run();
  await env.CATALOG.prepare("delete from backup_inventory where key = ?").bind(dumpKey(LOST)).run();
  await putObject(HALF, new Uint8Array(3));
  await tickTo(catalog, NOW);
  await singleParts();
  objects = await readObjects();
  before = await readTables();
  await decide(catalog, { now: NOW, id: REQUEST.plan });
  decided = await readTables();
});

/** Archives as objects of one part, whose etag is the same when they are put once more. */
async function singleParts(): Promise<void> {
  for (const week of [FIRST, SECOND]) {
    const key = `weekly/${week}.tar.gz`;
    const { etag } = await putObject(key, await bytesOf(key));
    await env.CATALOG.batch([
      env.CATALOG.prepare("update archives set etag = ? where week = ?").bind(etag, week),
      env.CATALOG.prepare("update backup_inventory set etag = ? where key = ?").bind(etag, key),
    ]);
  }
}

async function bytesOf(key: string): Promise<Uint8Array> {
  return new Uint8Array((await (await env.BUCKET.get(key))?.arrayBuffer()) ?? new ArrayBuffer());
}

async function readObjects(): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for (const key of await keysInBucket()) found.set(key, await bytesOf(key));
  return found;
}

/** Parents first. */
const TABLES = [
  "databases",
  "backup_jobs",
  "archives",
  "archive_pages",
  "archive_members",
  "backup_inventory",
  "ticks",
  "prune_plans",
  "prune_steps",
];

async function readTables(): Promise<Tables> {
  const answers = await env.CATALOG.batch<Record<string, unknown>>(
    TABLES.map((name) => env.CATALOG.prepare(`select * from ${name}`)),
  );
  return new Map(TABLES.map((name, i) => [name, answers[i]?.results ?? []]));
}

/** Puts back what there was: the objects from before the prune, and the catalog as it was then or later. */
async function restore(tables: Tables): Promise<void> {
  const there = new Set(await keysInBucket());
  const extra = [...there].filter((key) => !objects.has(key));
  if (extra.length > 0) await env.BUCKET.delete(extra);
  for (const [key, bytes] of objects) if (!there.has(key)) await putObject(key, bytes);
  await env.CATALOG.batch([
    ...["open_uploads", "leases", ...TABLES.toReversed()].map((name) => env.CATALOG.prepare(`delete from ${name}`)),
    ...[...tables].flatMap(([name, rows]) => rows.map((row) => insert(name, row))),
  ]);
}

function insert(table: string, row: Record<string, unknown>): D1PreparedStatement {
  const columns = Object.keys(row);
  const places = columns.map(() => "?").join();
  const statement = env.CATALOG.prepare(`insert into ${table} (${columns.join()}) values (${places})`);
  return statement.bind(...columns.map((column) => row[column]));
}

/** One delivery of the message, as far as its faults let it come. */
async function deliverOnce(plan: FaultPlan) {
  const faulted = archiver(plan);
  const handled = atTime(NOW, () => faulted.handle(batchOf(QUEUES.upkeep, [new TestMessage(REQUEST)])));
  await handled.catch(() => undefined);
  return faulted;
}

/** Whatever is said to be stored is there, and no manifest is of a dump that is not. */
async function expectNothingPartial(where: string): Promise<void> {
  const keys = new Set(await keysInBucket());
  for (const { key, deletedAt, kind } of await catalog.select().from(backupInventory)) {
    if (deletedAt !== null) continue;
    expect(keys, `${where}: ${key}`).toContain(key);
    if (kind !== "weekly") expect(keys, where).toContain(key.replace(".sql.gz", ".manifest.json"));
  }
  for (const key of keys) {
    if (!key.startsWith("daily/") || !key.endsWith(".manifest.json")) continue;
    const manifest = JSON.parse(new TextDecoder().decode(await bytesOf(key)));
    expect((await env.BUCKET.head(manifest.object.key))?.etag, `${where}: ${key}`).toBe(manifest.object.etag);
  }
  // Whatever happens, the last good backup of each database can be had.
  expect(keys.has(dumpKey(YOUNG)), where).toBe(true);
  expect(keys.has(dumpKey(RESCUED)) || keys.has(`weekly/${FIRST}.tar.gz`), where).toBe(true);
}

async function expectPruned(where: string): Promise<void> {
  expect(await findPlan(catalog, REQUEST.plan), where).toMatchObject({
    state: "done",
    doubt: null,
    rescued: 1,
    adopted: 1,
    removed: 3,
  });
  const kept = [RESCUED, LOST, YOUNG];
  expect(await keysInBucket("daily/"), where).toEqual(
    [...kept.flatMap((ref) => [dumpKey(ref), manifestKey(ref)]), `daily/${RESCUED.date}/SHA256SUMS`].sort(),
  );
  expect(new Set((await keysInBucket("weekly/")).map((key) => key.slice(0, 15))), where).toEqual(
    new Set([`weekly/${FIRST}`]),
  );
  const stored = (await catalog.select().from(backupInventory)).filter(({ deletedAt }) => deletedAt === null);
  expect(stored.map(({ key }) => key).sort(), where).toEqual([...kept.map(dumpKey), `weekly/${FIRST}.tar.gz`].sort());
  expect(await bytesOf(dumpKey(RESCUED))).toHaveLength(stored.find(({ key }) => key === dumpKey(RESCUED))?.size ?? -1);
}

test("without a fault it does all of it", async () => {
  await restore(before);
  await run(REQUEST, { now: NOW });
  await expectPruned("no fault");
});

test("a prune that stops while it decides has removed nothing, and the next delivery does all of it", async () => {
  for (let at = 1; ; at += 3) {
    await restore(before);
    await deliverOnce({ at, when: "after", lasting: "for ever" });
    if ((await findPlan(catalog, REQUEST.plan))?.phase === "acting") break;
    expect((await keysInBucket()).length, `call ${at}`).toBe(objects.size);
    await run(REQUEST, { now: NOW });
    await expectPruned(`call ${at}`);
  }
});

/** Every call is in one of these, so that none of the tests takes long. */
const SLICES = [1, 2, 3];

test.each(SLICES)(
  "a prune that stops after any one call leaves nothing partial, and the next finishes it (%i)",
  async (from) => {
    let at = from;
    for (; ; at += SLICES.length) {
      await restore(decided);
      const faulted = await deliverOnce({ at, when: "after", lasting: "for ever" });
      await expectNothingPartial(`call ${at}`);
      await run(REQUEST, { now: NOW });
      await expectPruned(`call ${at}`);
      if (!faulted.faults.struck) break;
    }
    expect(at).toBeGreaterThan(40);
  },
);

test("a single failed call is made up for by the deliveries that follow", async () => {
  for (let at = 1; ; at += 3) {
    await restore(decided);
    const faulted = archiver({ at, when: "before", lasting: "once" });
    expect(await run(REQUEST, { now: NOW, by: faulted }), `call ${at}`).toEqual([]);
    await expectPruned(`call ${at}`);
    if (!faulted.faults.struck) break;
  }
});
