import { env } from "cloudflare:test";
import { checkpointKey, dumpKey, manifestKey } from "@patina/archive/keys";
import { recentEvents } from "@patina/catalog/alert-events";
import type { Catalog } from "@patina/catalog/catalog";
import { listSteps } from "@patina/catalog/prune-steps";
import { archives, backupInventory, backupTasks, jobRequests, openUploads } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { DAY, dateOf, HOUR, SECOND } from "@patina/core/date";
import { weekOf } from "@patina/core/week";
import { beforeEach, expect, test } from "vitest";
import { emptyBucket, putObject, storeBackup } from "../testing.ts";
import { keysInBucket, makeArchive, prune, stepsOf, storeKnown, storeNight } from "./testing.ts";

/** A Monday, years later than anything that a test has uploaded. */
const MONDAY = Date.parse("2030-01-07T00:00:00Z");
const NOW = MONDAY + 12 * HOUR;
const TODAY = { kind: "daily", date: dateOf(MONDAY), database: "shop" } as const;
const KEY = dumpKey(TODAY);

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, ["shop"]);
  await storeNight(catalog, { date: TODAY.date, databases: ["shop"] });
});

async function rowOf(key: string) {
  return (await catalog.select().from(backupInventory)).find((row) => row.key === key);
}

async function noteOf(plan: string, key: string): Promise<string | null | undefined> {
  const steps = await listSteps(catalog, { plan, filter: {}, limit: 100 });
  return steps.find((step) => step.key === key)?.note;
}

test("what nothing needs goes once it is old: halves of backups and archives, checkpoints, receipts, sums", async () => {
  const orphans = [
    "daily/2030-01-05/half.sql.gz",
    "daily/2030-01-05/other.manifest.json",
    "daily/2029-12-01/SHA256SUMS",
    "manual/2030-01-05/manual-20300105-030000-000000/shop.sql.gz",
    "receipts/2028-11-30/verify-1.json",
    "scratch/nightly-2030-01-05/shop.checkpoint",
    "weekly/2029-W50.index-0000.json",
    "weekly/2029-W50.tar.gz",
  ];
  for (const key of [...orphans, "receipts/2028-12-15/verify-2.json"]) await putObject(key, new Uint8Array(3));
  const plan = await prune(catalog, { now: NOW });
  expect(await stepsOf(catalog, plan)).toEqual(orphans.map((key) => `remove_orphan ${key}: done`).sort());
  expect(plan).toMatchObject({ orphans: orphans.length, removed: 0, missing: 0, listed: orphans.length + 3 });
  expect(await keysInBucket()).toEqual([manifestKey(TODAY), KEY, "receipts/2028-12-15/verify-2.json"]);
});

test("what is less than 7 days old is told of and left", async () => {
  const now = Date.now() + DAY;
  await catalog.delete(backupInventory);
  await emptyBucket();
  const key = `daily/${dateOf(now - DAY)}/half.sql.gz`;
  await putObject(key, new Uint8Array(3));
  const plan = await prune(catalog, { now });
  expect(await stepsOf(catalog, plan)).toEqual([`remove_orphan ${key}: skipped`]);
  expect(await noteOf(plan.id, key)).toBe("it is less than 7 days old");
  expect(await keysInBucket()).toEqual([key]);
});

test("what Patina does not write is counted and never touched", async () => {
  const foreign = [
    "daily/2020-01-01/notes.txt",
    "notes.txt",
    "receipts/2020-01-01/invoice.json",
    "weekly/2019-W01.zip",
  ];
  for (const key of foreign) await putObject(key, new Uint8Array(3));
  const plan = await prune(catalog, { now: NOW });
  expect(plan).toMatchObject({ foreignObjects: foreign.length, orphans: 0 });
  expect(await keysInBucket()).toEqual([...foreign, manifestKey(TODAY), KEY].sort());
});

test("the checkpoint of a task that has not ended stays, and so does what an unfinished archive has written", async () => {
  const key = checkpointKey({ job: `nightly-${TODAY.date}`, database: "shop" });
  await putObject(key, new Uint8Array(3));
  await putObject("weekly/2030-W02.index-0000.json", new Uint8Array(3));
  await catalog.insert(backupTasks).values({ jobId: `nightly-${TODAY.date}`, database: "shop", priority: 0 });
  const started = { startedAt: 0, updatedAt: 0, damaged: [] };
  await catalog.insert(archives).values({ week: "2030-W02", jobId: "weekly-2030-01-13", state: "writing", ...started });
  expect(await stepsOf(catalog, await prune(catalog, { now: NOW }))).toEqual([]);
  expect(await keysInBucket()).toHaveLength(4);
});

test("a whole backup that the inventory has lost is put back as it was, however old", async () => {
  const before = await rowOf(KEY);
  await catalog.delete(backupInventory);
  const plan = await prune(catalog, { now: NOW + 300 * DAY });
  expect(await stepsOf(catalog, plan)).toEqual([`adopt ${KEY}: done`]);
  expect(plan).toMatchObject({ adopted: 1, orphans: 0 });
  expect(await rowOf(KEY)).toEqual(before);
});

test("a whole backup whose manifest is of another object is kept, and not put into the inventory", async () => {
  await catalog.delete(backupInventory);
  await putObject(KEY, new Uint8Array(9));
  const plan = await prune(catalog, { now: NOW });
  expect(await noteOf(plan.id, KEY)).toBe("its manifest is of another object: it is kept as it is");
  expect(await keysInBucket()).toHaveLength(2);
  expect(await rowOf(KEY)).toBeUndefined();
});

test("a stored backup that is missing is told of, counts no more, and is forgotten after 7 days", async () => {
  const older = { ...TODAY, date: "2029-10-01" };
  await storeKnown(catalog, older);
  await env.BUCKET.delete(KEY);
  const first = await prune(catalog, { now: NOW });
  expect(first).toMatchObject({ missing: 1, removed: 0 });
  expect(await rowOf(KEY)).toMatchObject({ damage: "its object is missing", deletedAt: null });
  const told = await recentEvents(catalog, 10);
  expect(told.map(({ kind, database }) => [kind, database])).toEqual([["verify-mismatch", "shop"]]);
  const asked = await catalog.select().from(jobRequests);
  expect(asked).toMatchObject([{ database: "shop", reason: `A prune found that ${KEY} is not what was stored` }]);
  // The one before it, long past its time, is now the last good one.
  expect(await rowOf(dumpKey(older))).toMatchObject({ deletedAt: null, damagedAt: null });

  const later = await prune(catalog, { now: NOW + 8 * DAY });
  expect(await stepsOf(catalog, later)).toContain(`forget_row ${KEY}: done`);
  expect((await rowOf(KEY))?.deletedAt).not.toBeNull();
  expect(await recentEvents(catalog, 10)).toHaveLength(1);
});

test("a missing backup that is there again is good again", async () => {
  const bytes = (await (await env.BUCKET.get(KEY))?.arrayBuffer()) ?? new ArrayBuffer();
  await env.BUCKET.delete(KEY);
  await prune(catalog, { now: NOW });
  expect((await rowOf(KEY))?.damagedAt).not.toBeNull();
  await putObject(KEY, new Uint8Array(bytes));
  const plan = await prune(catalog, { now: NOW + HOUR });
  expect(plan.missing).toBe(0);
  expect(await rowOf(KEY)).toMatchObject({ damagedAt: null, damage: null, deletedAt: null });
});

test("another object under a stored backup's key does not pass for it, and is kept", async () => {
  await putObject(KEY, new Uint8Array(9));
  const plan = await prune(catalog, { now: NOW });
  expect(await noteOf(plan.id, KEY)).toBe("it is kept as it is, and does not count as a good backup");
  expect(await rowOf(KEY)).toMatchObject({ damage: "another object lies there than the one that was backed up" });
  expect((await env.BUCKET.head(KEY))?.size).toBe(9);
});

test("a backup that was written anew without the catalog being told is noted", async () => {
  const manifest = await storeBackup(TODAY, { rows: ["written anew"] });
  const plan = await prune(catalog, { now: NOW });
  expect(await stepsOf(catalog, plan)).toEqual([`adopt ${KEY}: done`]);
  expect(await rowOf(KEY)).toMatchObject({
    etag: manifest.object.etag,
    digest: manifest.object.sha256,
    damagedAt: null,
  });
});

test("an archive that is missing counts no more, and is forgotten with what it held", async () => {
  await makeArchive(catalog, weekOf(TODAY.date));
  const key = `weekly/${weekOf(TODAY.date)}.tar.gz`;
  await env.BUCKET.delete(key);
  await prune(catalog, { now: NOW + 7 * DAY });
  expect(await rowOf(key)).toMatchObject({ damage: "its object is missing", deletedAt: null });
  const later = await prune(catalog, { now: NOW + 15 * DAY });
  expect(await stepsOf(catalog, later)).toContain(`forget_row ${key}: done`);
  expect(await catalog.select().from(archives)).toEqual([]);
  // Its manifest and index are of no use any more.
  await prune(catalog, { now: NOW + 16 * DAY });
  expect(await keysInBucket("weekly/")).toEqual([]);
});

test("a bucket in which most of what is stored is missing is not taken for the right one", async () => {
  for (let n = 1; n <= 12; n += 1) await storeKnown(catalog, { ...TODAY, date: dateOf(MONDAY - n * DAY) });
  const half = "daily/2030-01-05/half.sql.gz";
  await putObject(half, new Uint8Array(3));
  await env.BUCKET.delete(
    (await keysInBucket()).filter((key) => key !== half && key !== KEY && key !== manifestKey(TODAY)),
  );
  const plan = await prune(catalog, { now: NOW });
  expect(plan.doubt).toBe("nothing is removed: 12 of 13 stored backups are not in the bucket; is it the right one?");
  expect(await keysInBucket()).toContain(half);
  const rows = await catalog.select().from(backupInventory);
  expect(rows.every(({ damagedAt, deletedAt }) => damagedAt === null && deletedAt === null)).toBe(true);
  expect(await recentEvents(catalog, 10)).toEqual([]);
});

test("uploads that never ended are ended once they are 7 days old", async () => {
  const old = await env.BUCKET.createMultipartUpload("daily/2029-12-01/shop.sql.gz");
  const young = await env.BUCKET.createMultipartUpload("daily/2030-01-07/blog.sql.gz");
  await catalog.insert(openUploads).values([
    { uploadId: old.uploadId, key: old.key, startedAt: NOW - 8 * DAY },
    { uploadId: young.uploadId, key: young.key, startedAt: NOW - 6 * DAY },
  ]);
  const plan = await prune(catalog, { now: NOW });
  expect(await stepsOf(catalog, plan)).toEqual([`abort_upload ${old.uploadId}: done`]);
  expect((await catalog.select().from(openUploads)).map(({ uploadId }) => uploadId)).toEqual([young.uploadId]);
  await expect(old.uploadPart(1, new Uint8Array(9))).rejects.toThrow();
  await young.abort();
});

test("an archive that the catalog has lost is told of and never removed", async () => {
  await makeArchive(catalog, weekOf(TODAY.date));
  const keys = await keysInBucket("weekly/");
  const key = `weekly/${weekOf(TODAY.date)}.tar.gz`;
  await env.CATALOG.batch([
    env.CATALOG.prepare("delete from archives"),
    env.CATALOG.prepare("delete from backup_inventory where kind = 'weekly'"),
    env.CATALOG.prepare("delete from backup_jobs where kind = 'weekly'"),
  ]);
  const plan = await prune(catalog, { now: NOW + 200 * DAY });
  expect(await noteOf(plan.id, key)).toBe("what it holds is not known: rebuild the catalog from the bucket");
  expect(await keysInBucket("weekly/")).toEqual(keys);
});

test.each([1, 2, 3, 7, 1_000])(
  "a bucket that is listed %i objects at a time is held against the catalog whole",
  async (limit) => {
    const names = Array.from({ length: 12 }, (_, n) => `db${String(n).padStart(2, "0")}`);
    for (const database of names) await storeKnown(catalog, { ...TODAY, database });
    for (const n of [0, 1, 2]) await putObject(`weekly/2029-W50.index-000${n}.json`, new Uint8Array(3));
    const absent = { ...TODAY, database: "db04" };
    await env.BUCKET.delete([dumpKey(absent), manifestKey(absent)]);
    await env.BUCKET.delete(manifestKey({ ...TODAY, database: "db06" }));
    const listed = await inPages(limit, () => prune(catalog, { now: NOW, step: 40 * SECOND }));
    expect(await stepsOf(catalog, listed)).toEqual([
      `forget_row ${dumpKey(absent)}: skipped`,
      `forget_row ${dumpKey({ ...TODAY, database: "db06" })}: skipped`,
      ...[0, 1, 2].map((n) => `remove_orphan weekly/2029-W50.index-000${n}.json: done`),
    ]);
    expect(listed).toMatchObject({ state: "done", listed: 26, missing: 2, orphans: 3, kept: 13 });
  },
);

/** A list may give fewer objects than it was asked for, and still have more. */
async function inPages<T>(limit: number, act: () => Promise<T>): Promise<T> {
  const { list } = env.BUCKET;
  env.BUCKET.list = async (options) => await list.call(env.BUCKET, { ...options, limit });
  try {
    return await act();
  } finally {
    env.BUCKET.list = list;
  }
}
