import { env } from "cloudflare:test";
import { decodeArchiveManifest } from "@patina/archive/archive-index";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { decodeReceipt } from "@patina/archive/receipt";
import { readReport } from "@patina/catalog/alert-report";
import type { Catalog } from "@patina/catalog/catalog";
import {
  alertEvents,
  archiveMembers,
  archivePages,
  backupInventory,
  backupJobs,
  jobRequests,
  verifyRuns,
} from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { DAY, MINUTE } from "@patina/core/date";
import { QUEUES } from "@patina/messages/queues";
import { deliver, RecordedQueue } from "@patina/testkit/queue";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import worker from "./index.ts";
import { changedBucket, emptyBucket, flipped, storeKnown } from "./testing.ts";

const WEEK = "2026-W47";
const JOB = "weekly-2026-11-22";
const KEY = `weekly/${WEEK}.tar.gz`;
const MANIFEST = `weekly/${WEEK}.manifest.json`;
const DATES = ["2026-11-16", "2026-11-18"];
const NOW = Date.parse("2027-01-04T05:00:00Z");
const DUE = { kind: "verify", version: 1, run: "verify-2027-01-04", database: null, date: null, snoozes: 0 };

let catalog: Catalog;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW - 40 * DAY });
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, ["shop", "blog"]);
  const at = Date.parse("2026-11-22T04:00:00Z");
  await catalog.insert(backupJobs).values({
    ...{
      id: JOB,
      kind: "weekly" as const,
      trigger: "cron" as const,
      date: "2026-11-22",
      scheduledFor: at,
      startedAt: at,
    },
  });
  for (const date of DATES) {
    for (const database of ["blog", "shop"]) {
      await storeKnown(catalog, {
        ref: { kind: "daily", date, database },
        rows: [`${database} ${date}`],
        verifiedAt: at,
      });
    }
  }
  await run(env.BUCKET, { kind: "archive-week", version: 1, job: JOB, snoozes: 0 });
  const { object, digest } = decodeArchiveManifest((await (await env.BUCKET.get(MANIFEST))?.text()) ?? "");
  await catalog.insert(backupInventory).values({
    ...{
      key: KEY,
      kind: "weekly" as const,
      database: null,
      date: "2026-11-22",
      jobId: JOB,
      size: object.bytes,
      digest,
    },
    ...{ etag: object.etag, createdAt: at, verifiedAt: at },
  });
  vi.setSystemTime(NOW);
});

afterEach(() => void vi.useRealTimers());

/** Delivers a message and what it sends itself, until all is acknowledged. */
async function run(bucket: R2Bucket, request: object = DUE, handler = worker.queue): Promise<void> {
  const queues = { UPKEEP: new RecordedQueue(), UPKEEP_DEAD: new RecordedQueue(), RESULTS: new RecordedQueue() };
  const bindings = { CATALOG: env.CATALOG, BUCKET: bucket, ...queues, ENVIRONMENT: "local" } as unknown as Env;
  for (let waiting: unknown[] = [request]; waiting.length > 0; ) {
    const dead = await deliver(waiting, {
      queue: QUEUES.upkeep,
      batchSize: 1,
      maxAttempts: 5,
      handle: (batch) => handler(batch, bindings),
    });
    expect([...dead, ...queues.UPKEEP_DEAD.bodies]).toEqual([]);
    waiting = queues.UPKEEP.sent.splice(0).map(({ body }) => body);
  }
}

/** The dailies are gone, as after a prune: only the archive has them. */
async function pruneDailies(dates: readonly string[] = DATES): Promise<void> {
  for (const date of dates) {
    for (const database of ["blog", "shop"]) {
      const ref = { kind: "daily", date, database } as const;
      await env.CATALOG.prepare("update backup_inventory set deleted_at = 1 where key = ?").bind(dumpKey(ref)).run();
      await env.BUCKET.delete([dumpKey(ref), manifestKey(ref)]);
    }
  }
}

/** A bucket in which one byte of an object is another. */
function rotten(at: number, which = KEY): R2Bucket {
  return changedBucket(env.BUCKET, (bytes, { key, offset }) =>
    key === which && at >= offset && at < offset + bytes.length ? flipped(bytes, at - offset) : bytes,
  );
}

async function archive() {
  const rows = await catalog.select().from(backupInventory);
  return rows.find(({ key }) => key === KEY);
}

async function member(database: string, date: string) {
  const rows = await catalog.select().from(archiveMembers);
  const found = rows.find((row) => row.database === database && row.date === date);
  if (found === undefined) throw new Error(`The archive has no ${database} of ${date}`);
  return found;
}

test("an archive that is what its index says is verified as a whole, once a month", async () => {
  await pruneDailies();
  await run(env.BUCKET);
  expect(await archive()).toMatchObject({ verifiedAt: NOW, damagedAt: null });
  expect(await catalog.select().from(verifyRuns)).toMatchObject([{ state: "done", total: 1, checked: 1, damaged: 0 }]);
  const size = (await archive())?.size ?? 0;
  expect((await catalog.select().from(verifyRuns))[0]?.bytes).toBeLessThanOrEqual(size);
  const { objects } = await env.BUCKET.list({ prefix: "receipts/" });
  expect(objects).toHaveLength(1);
  const receipt = decodeReceipt((await (await env.BUCKET.get(objects[0]?.key ?? ""))?.text()) ?? "");
  expect(receipt).toMatchObject({ backups: [{ key: KEY, bytes: size, damage: null }] });
  expect(await catalog.select().from(alertEvents)).toEqual([]);
  await run(env.BUCKET, { ...DUE, run: "verify-2027-01-05" });
  expect((await catalog.select().from(verifyRuns)).map(({ checked }) => checked)).toEqual([1, 0]);
});

test("a bit flipped anywhere in an archive is damage, and says which backups it concerns", async () => {
  await pruneDailies();
  const size = (await archive())?.size ?? 0;
  const { offset, bytes } = await member("shop", "2026-11-16");
  // Everywhere in a while, and the edges of a dump.
  const places = new Set([0, size - 1, offset, offset + bytes - 1]);
  for (let at = 0; at < size; at += 211) places.add(at);
  for (const at of places) {
    await env.CATALOG.batch([
      env.CATALOG.prepare("delete from verify_runs"),
      env.CATALOG.prepare("update backup_inventory set damaged_at = null, damage = null, verified_at = 0"),
      env.CATALOG.prepare("update archive_members set damaged_at = null"),
    ]);
    await run(rotten(at));
    const { damage } = (await archive()) ?? {};
    expect(damage, `byte ${at} of ${size}`).toMatch(/damaged|differs/);
    const isInside = at >= offset && at < offset + bytes;
    if (isInside) expect(damage).toBe("1 of the backups in it is damaged. It alone holds shop of 2026-11-16");
    expect((await member("shop", "2026-11-16")).damagedAt !== null, `byte ${at}`).toBe(
      isInside || (damage?.includes("shop of 2026-11-16") ?? false),
    );
  }
});

test("an alert of a damaged archive names the databases that it alone holds, with the last good backup of each", async () => {
  await pruneDailies(["2026-11-16"]);
  const { offset } = await member("shop", "2026-11-16");
  await run(rotten(offset + 20));
  const [event] = await catalog.select().from(alertEvents);
  expect(event).toMatchObject({
    kind: "verify-mismatch",
    facts: { key: KEY, database: null, error: "1 of the backups in it is damaged. It alone holds shop of 2026-11-16" },
  });
  const report = await readReport(catalog, { id: event?.event ?? "", environment: "local", home: null, now: NOW });
  expect(report?.databases).toMatchObject([{ name: "shop", lastGood: { key: "daily/2026-11-18/shop.sql.gz" } }]);
  // It has another good backup: a new one would not bring that day back.
  expect(await catalog.select().from(jobRequests)).toEqual([]);
  // The same damage a month later is not told again.
  vi.setSystemTime(NOW + 35 * DAY);
  await run(rotten(offset + 20), { ...DUE, run: "verify-2027-02-08" });
  expect(await catalog.select().from(alertEvents)).toHaveLength(1);
});

test("a database that has nothing but a damaged part of an archive is backed up anew", async () => {
  await pruneDailies();
  const { offset } = await member("shop", "2026-11-16");
  await run(rotten(offset + 20));
  expect(await catalog.select().from(jobRequests)).toMatchObject([{ database: "shop" }]);
});

test("an archive that is missing has lost all that is in it", async () => {
  await pruneDailies();
  await env.BUCKET.delete(KEY);
  await run(env.BUCKET);
  expect((await archive())?.damage).toBe(
    "4 of the backups in it are damaged. It alone holds blog of 2026-11-16, shop of 2026-11-16, blog of 2026-11-18, shop of 2026-11-18. The object is missing, or is another one",
  );
});

test.each<[string, string, () => Promise<unknown>]>([
  ["manifest is missing", "Its manifest is missing", () => env.BUCKET.delete(MANIFEST)],
  ["manifest is no JSON", "Cannot read archive manifest: it is no JSON", () => env.BUCKET.put(MANIFEST, "{")],
  [
    "index has lost a page",
    'Cannot read "weekly/2026-W47.index-0001.json": it is missing',
    () => env.BUCKET.delete("weekly/2026-W47.index-0001.json"),
  ],
  [
    "index was changed",
    'Cannot read "weekly/2026-W47.index-0000.json": it was changed',
    () => env.BUCKET.put("weekly/2026-W47.index-0000.json", "{}"),
  ],
])("an archive whose %s is damaged, and its backups are not", async (_, damage, act) => {
  await act();
  await run(env.BUCKET);
  expect((await archive())?.damage).toContain(damage);
  expect((await catalog.select().from(archiveMembers)).filter(({ damagedAt }) => damagedAt !== null)).toEqual([]);
});

test("an archive is verified by its own index, when the catalog has lost its pages", async () => {
  await catalog.delete(archivePages);
  await run(env.BUCKET);
  expect(await archive()).toMatchObject({ verifiedAt: NOW, damagedAt: null });
});

test("an archive that is pruned while it is verified is not missing", async () => {
  let gets = 0;
  const bucket = changedBucket(env.BUCKET, async (bytes, { key }) => {
    if (key === KEY && gets++ === 0) {
      await env.CATALOG.prepare("update backup_inventory set deleted_at = 1 where key = ?").bind(KEY).run();
      await env.BUCKET.delete(KEY);
    }
    return bytes;
  });
  await run(bucket);
  expect(gets).toBe(1);
  expect(await archive()).toMatchObject({ damagedAt: null });
  expect(await catalog.select().from(alertEvents)).toEqual([]);
});

test("an archive that takes several invocations is read once, and ends as if there had been one", async () => {
  await pruneDailies();
  const { offset } = await member("blog", "2026-11-16");
  const { offset: other } = await member("shop", "2026-11-18");
  const reads: number[] = [];
  const bucket = changedBucket(env.BUCKET, (bytes, { key, offset: from }) => {
    if (key !== KEY) return bytes;
    reads.push(from);
    let changed: Uint8Array = bytes;
    for (const at of [offset + 20, other + 20]) {
      if (at >= from && at < from + bytes.length) changed = flipped(changed, at - from);
    }
    return changed;
  });
  let invocations = 0;
  await run(bucket, DUE, async (batch, bindings) => {
    invocations += 1;
    let looks = 0;
    const clock = vi.spyOn(Date, "now").mockImplementation(() => NOW + looks++ * 2 * MINUTE);
    await worker.queue(batch, bindings).finally(() => clock.mockRestore());
    await env.CATALOG.prepare("update leases set expires_at = 0").run();
  });
  expect(invocations).toBeGreaterThan(1);
  expect((await archive())?.damage).toBe(
    "2 of the backups in it are damaged. It alone holds blog of 2026-11-16, shop of 2026-11-18",
  );
  expect(await catalog.select().from(alertEvents)).toHaveLength(1);
  // Both pages differ and were read twice, the end once: nothing was read again by a later invocation.
  expect(reads.length).toBe(5);
});

test("a backup whose own object is gone is verified out of its archive, by database or date", async () => {
  await pruneDailies();
  await run(env.BUCKET, { ...DUE, run: "verify-20270104-050000-aaaaaa", database: "shop" });
  await run(env.BUCKET, { ...DUE, run: "verify-20270104-050000-bbbbbb", date: "2026-11-18" });
  const runs = await catalog.select().from(verifyRuns).orderBy(verifyRuns.id);
  expect(runs.map(({ checked, damaged }) => [checked, damaged])).toEqual([
    [2, 0],
    [2, 0],
  ]);
  const { objects } = await env.BUCKET.list({ prefix: "receipts/" });
  const receipt = decodeReceipt((await (await env.BUCKET.get(objects[0]?.key ?? ""))?.text()) ?? "");
  expect(receipt).toMatchObject({
    backups: [
      { key: "daily/2026-11-16/shop.sql.gz", archive: KEY, damage: null },
      { key: "daily/2026-11-18/shop.sql.gz", archive: KEY, damage: null },
    ],
  });
});

test("a damaged backup in an archive is told of by its name, and the others of the archive stay good", async () => {
  await pruneDailies();
  const { offset } = await member("shop", "2026-11-16");
  await run(rotten(offset + 20), { ...DUE, run: "verify-20270104-050000-aaaaaa", database: "shop" });
  const marked = (await catalog.select().from(archiveMembers)).filter(({ damagedAt }) => damagedAt !== null);
  expect(marked).toMatchObject([{ database: "shop", date: "2026-11-16" }]);
  expect(await archive()).toMatchObject({ damagedAt: NOW });
  expect(await catalog.select().from(alertEvents)).toMatchObject([{ database: "shop", facts: { key: KEY } }]);
  expect(await catalog.select().from(jobRequests)).toMatchObject([{ database: "shop" }]);
});
