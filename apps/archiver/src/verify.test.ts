import { env } from "cloudflare:test";
import { type BackupRef, dumpKey, manifestKey } from "@patina/archive/keys";
import { decodeReceipt, parseReceiptKey, type VerifyReceipt } from "@patina/archive/receipt";
import { readReport } from "@patina/catalog/alert-report";
import type { Catalog } from "@patina/catalog/catalog";
import {
  alertConfig,
  alertEvents,
  alertOutbox,
  backupInventory,
  custodySettings,
  jobRequests,
  verifyRuns,
} from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { MAX_TOLD } from "@patina/catalog/verify-results";
import { DAY, MINUTE } from "@patina/core/date";
import { DEFAULT_DUMPS, DEFAULT_WEEKLY_WEEKS } from "@patina/core/retention-policy";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { batchOf, deliver, RecordedQueue, TestMessage } from "@patina/testkit/queue";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import worker from "./index.ts";
import { changedBucket, emptyBucket, flipped, storeKnown } from "./testing.ts";

const NOW = Date.parse("2026-11-27T05:00:00Z");
const DUE = { kind: "verify", version: 1, run: "verify-2026-11-27", database: null, date: null, snoozes: 0 };

let catalog: Catalog;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, ["shop", "blog"]);
});

afterEach(() => void vi.useRealTimers());

function daily(database: string, date: string): BackupRef {
  return { kind: "daily", date, database };
}

/** A week of two databases, the older verified before the newer. */
async function storeWeek(days = 5): Promise<string[]> {
  const keys: string[] = [];
  for (let day = 0; day < days; day += 1) {
    for (const database of ["blog", "shop"]) {
      const ref = daily(database, `2026-11-1${day}`);
      await storeKnown(catalog, { ref, rows: [`${database} ${day}`], verifiedAt: NOW - (20 - day) * DAY });
      keys.push(dumpKey(ref));
    }
  }
  return keys;
}

function archiver(plan: FaultPlan | null = null, bucket = env.BUCKET) {
  const faults = new Faults(plan);
  const [upkeep, dead, results] = [new RecordedQueue(), new RecordedQueue(), new RecordedQueue()];
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: faultyBinding(bucket, faults),
    UPKEEP: faultyBinding(upkeep, faults),
    UPKEEP_DEAD: faultyBinding(dead, faults),
    RESULTS: faultyBinding(results, faults),
    ENVIRONMENT: "local",
  } as unknown as Env;
  return { faults, upkeep, dead, handle: (batch: MessageBatch) => worker.queue(batch, bindings) };
}

/** Delivers as production does, until acknowledged or dead; leases of attempts that stopped run out in between. */
async function run({ handle, upkeep }: ReturnType<typeof archiver>, request: object = DUE): Promise<unknown[]> {
  const dead: unknown[] = [];
  for (
    let waiting: unknown[] = [request];
    waiting.length > 0;
    waiting = upkeep.sent.splice(0).map(({ body }) => body)
  ) {
    dead.push(
      ...(await deliver(waiting, {
        queue: QUEUES.upkeep,
        batchSize: 1,
        maxAttempts: 5,
        async handle(batch) {
          await env.CATALOG.prepare("update leases set expires_at = 0").run();
          await handle(batch);
        },
      })),
    );
  }
  return dead;
}

async function theRun() {
  const [found] = await catalog.select().from(verifyRuns);
  return found;
}

async function verifiedKeys(): Promise<string[]> {
  const rows = await catalog.select().from(backupInventory).orderBy(backupInventory.key);
  return rows.filter(({ verifiedAt }) => (verifiedAt ?? 0) >= NOW).map(({ key }) => key);
}

async function receipts(): Promise<VerifyReceipt[]> {
  const { objects } = await env.BUCKET.list({ prefix: "receipts/" });
  return await Promise.all(
    objects.map(async ({ key }) => {
      const receipt = decodeReceipt((await (await env.BUCKET.get(key))?.text()) ?? "");
      expect(parseReceiptKey(key)).toEqual({ date: "2026-11-27", id: receipt.id });
      if (receipt.patina !== "verify-receipt") throw new Error(`${key} is of a drill`);
      return receipt;
    }),
  );
}

/** A bucket in which these objects have rotted. */
function rotten(...keys: string[]): R2Bucket {
  return changedBucket(env.BUCKET, (bytes, { key }) => (keys.includes(key) ? flipped(bytes, 30) : bytes));
}

test("a run verifies what is due, and leaves a receipt of each object that it read", async () => {
  const keys = await storeWeek();
  const fresh = await storeKnown(catalog, { ref: daily("shop", "2026-11-27"), rows: ["new"], verifiedAt: NOW - DAY });
  expect(await run(archiver())).toEqual([]);
  expect(await verifiedKeys()).toEqual(keys.toSorted());
  expect(await theRun()).toMatchObject({
    ...{ state: "done", scope: "due", total: 10, checked: 10, damaged: 0, unread: 0, postponed: 0, findings: [] },
    finishedAt: NOW,
  });
  const read = (await receipts()).flatMap(({ backups }) => backups);
  expect(read.map(({ key }) => key).toSorted()).toEqual(keys.toSorted());
  for (const { key, etag, bytes, damage } of read) {
    expect(await env.BUCKET.head(key)).toMatchObject({ etag, size: bytes });
    expect(damage).toBeNull();
  }
  expect(read.map(({ key }) => key)).not.toContain(fresh.object.key);
  expect(await catalog.select().from(alertEvents)).toEqual([]);
});

test("a damaged backup is marked, told of with the last good one, and asked for anew, once", async () => {
  const keys = await storeWeek();
  const [, bad = ""] = keys.filter((key) => key.includes("shop")).toReversed();
  await catalog.insert(alertConfig).values({
    ...{ id: "ops", kind: "discord" as const, events: ["verify-mismatch" as const], createdAt: 0, updatedAt: 0 },
  });
  expect(await run(archiver(null, rotten(bad)))).toEqual([]);
  // Another run finds it again.
  const again = { ...DUE, run: "verify-20261127-060000-abcdef", database: "shop" };
  expect(await run(archiver(null, rotten(bad)), again)).toEqual([]);

  const rows = await catalog.select().from(backupInventory);
  const damaged = rows.filter(({ damagedAt }) => damagedAt !== null);
  expect(damaged).toMatchObject([{ key: bad, damagedAt: NOW, damage: expect.stringContaining("do not decompress") }]);
  const events = await catalog.select().from(alertEvents);
  expect(events).toMatchObject([{ kind: "verify-mismatch", database: "shop", facts: { key: bad } }]);
  expect(await catalog.select().from(alertOutbox)).toHaveLength(1);
  const sender = { environment: "local", home: null, now: NOW };
  const report = await readReport(catalog, { id: events[0]?.event ?? "", ...sender });
  expect(report?.databases).toMatchObject([{ name: "shop", lastGood: { key: "daily/2026-11-14/shop.sql.gz" } }]);
  expect(await catalog.select().from(jobRequests)).toMatchObject([
    { database: "shop", reason: `A verification found ${bad} damaged`, jobId: null },
  ]);
  const found = (await receipts()).flatMap(({ backups }) => backups.filter(({ damage }) => damage !== null));
  expect(new Set(found.map(({ key }) => key))).toEqual(new Set([bad]));
});

test("the newest backup of a database may be the damaged one: then the one before it is the last good", async () => {
  await storeWeek();
  const newest = "daily/2026-11-14/blog.sql.gz";
  await run(archiver(null, rotten(newest)));
  const [event] = await catalog.select().from(alertEvents);
  const report = await readReport(catalog, { id: event?.event ?? "", environment: "local", home: null, now: NOW });
  expect(report?.databases).toMatchObject([{ name: "blog", lastGood: { key: "daily/2026-11-13/blog.sql.gz" } }]);
});

test("a bucket full of damage is told of a few times, and then once for all of it", async () => {
  const keys = await storeWeek(8);
  const all = changedBucket(env.BUCKET, (bytes, { key }) => (key.endsWith(".gz") ? flipped(bytes, 30) : bytes));
  await run(archiver(null, all));
  expect(await theRun()).toMatchObject({ state: "done", damaged: keys.length });
  const events = await catalog.select().from(alertEvents);
  expect(events).toHaveLength(MAX_TOLD + 1);
  expect(events.filter(({ facts }) => "many" in facts)).toMatchObject([{ facts: { many: keys.length } }]);
  expect(await catalog.select().from(jobRequests)).toHaveLength(2);
});

test("a run ends when its bytes are used up, names what has to wait, and the next goes on with the longest unverified", async () => {
  const keys = await storeWeek();
  const { object } = await storeKnown(catalog, {
    ref: daily("shop", "2026-11-01"),
    rows: ["x".repeat(5_000)],
    verifiedAt: null,
  });
  const set = { retention: DEFAULT_DUMPS, weeklyWeeks: DEFAULT_WEEKLY_WEEKS, drillRows: 1, updatedAt: 0 };
  await catalog.insert(custodySettings).values({ id: 1, ...set, verifyBytes: 3 * 190 });
  await run(archiver());
  const first = await theRun();
  expect(first).toMatchObject({ state: "done", total: 11, postponed: 11 - (first?.checked ?? 0) });
  // What was never verified comes first, then the oldest.
  const expected = [object.key, ...keys];
  expect(await verifiedKeys()).toEqual(expected.slice(0, first?.checked).toSorted());
  expect(first?.checked).toBeLessThan(5);
  expect(first?.waiting).toEqual(expected.slice(first?.checked, 11).slice(0, 10));

  for (let day = 2; (await verifiedKeys()).length < 11; day += 1) {
    expect(day).toBeLessThan(12);
    await run(archiver(), { ...DUE, run: `verify-2026-12-0${day % 10}` });
  }
});

test("what is larger than all the bytes of a run is verified when it comes first", async () => {
  const { object } = await storeKnown(catalog, { ref: daily("shop", "2026-11-01"), rows: ["x"], verifiedAt: null });
  const set = { retention: DEFAULT_DUMPS, weeklyWeeks: DEFAULT_WEEKLY_WEEKS, drillRows: 1, updatedAt: 0 };
  await catalog.insert(custodySettings).values({ id: 1, ...set, verifyBytes: 1 });
  await run(archiver());
  expect(await verifiedKeys()).toEqual([object.key]);
});

test("a run that somebody asked for looks at what was named, whatever its age and whatever that takes", async () => {
  await storeWeek();
  const manual = {
    kind: "manual",
    date: "2026-11-12",
    job: "manual-20261112-120000-abcdef",
    database: "shop",
  } as const;
  await storeKnown(catalog, { ref: manual, rows: ["by hand"], verifiedAt: NOW - MINUTE });
  await run(archiver(), { ...DUE, run: "verify-20261127-050000-aaaaaa", database: "shop", date: "2026-11-12" });
  expect(await verifiedKeys()).toEqual(["daily/2026-11-12/shop.sql.gz", dumpKey(manual)]);
  await run(archiver(), { ...DUE, run: "verify-20261127-050000-bbbbbb", date: "2026-11-13" });
  await run(archiver(), { ...DUE, run: "verify-20261127-050000-cccccc", database: "blog" });
  expect(await verifiedKeys()).toHaveLength(2 + 2 + 4);
  await catalog
    .insert(verifyRuns)
    .values({ id: "verify-20261127-050000-dddddd", scope: "asked", startedAt: NOW, updatedAt: NOW });
  await run(archiver(), { ...DUE, run: "verify-20261127-050000-dddddd" });
  expect(await verifiedKeys()).toHaveLength(11);
});

/** Handles a batch with a clock on which every look takes two minutes. */
function hurried(handle: (batch: MessageBatch) => Promise<void>, count: () => void) {
  return async (batch: MessageBatch) => {
    count();
    let looks = 0;
    const clock = vi.spyOn(Date, "now").mockImplementation(() => NOW + looks++ * 2 * MINUTE);
    try {
      await handle(batch);
    } finally {
      clock.mockRestore();
    }
  };
}

test("a run over many invocations finds the same as one in a single invocation", async () => {
  await storeWeek(8);
  const bad = ["daily/2026-11-11/shop.sql.gz", "daily/2026-11-15/blog.sql.gz"];
  await run(archiver(null, rotten(...bad)));
  const once = { run: await theRun(), rows: await catalog.select().from(backupInventory).orderBy(backupInventory.key) };

  catalog = await emptyCatalog();
  await register(catalog, ["shop", "blog"]);
  await emptyBucket();
  await storeWeek(8);
  let invocations = 0;
  const slow = archiver(null, rotten(...bad));
  await run({ ...slow, handle: hurried(slow.handle, () => (invocations += 1)) });
  expect(invocations).toBeGreaterThan(4);
  const facts = ({
    checked,
    damaged,
    unread,
    bytes,
    findings,
    total,
    state,
  }: NonNullable<Awaited<ReturnType<typeof theRun>>>) => ({
    ...{ checked, damaged, unread, bytes, total, state },
    findings: findings.map(({ key }) => key).toSorted(),
  });
  const often = await theRun();
  if (once.run === undefined || often === undefined) throw new Error("There was no run");
  expect(facts(often)).toEqual(facts(once.run));
  const rows = await catalog.select().from(backupInventory).orderBy(backupInventory.key);
  expect(rows.map(({ damage }) => damage)).toEqual(once.rows.map(({ damage }) => damage));
});

test.each(["before", "after"] as const)(
  "a fault %s any one call to a binding changes nothing of what a run finds, tells and asks for",
  async (when) => {
    const bad = "daily/2026-11-10/shop.sql.gz";
    const good = ["daily/2026-11-10/blog.sql.gz", "daily/2026-11-11/blog.sql.gz", "daily/2026-11-11/shop.sql.gz"];
    let runs = 0;
    for (let at = 1; ; at += 1) {
      catalog = await emptyCatalog();
      await register(catalog, ["shop", "blog"]);
      await emptyBucket();
      await storeWeek(2);
      const faulted = archiver({ at, when, lasting: "once" }, rotten(bad));
      expect(await run(faulted), `call ${at}`).toEqual([]);
      expect(await theRun(), `call ${at}`).toMatchObject({ state: "done", checked: 4, damaged: 1, unread: 0 });
      expect(await verifiedKeys(), `call ${at}`).toEqual(good);
      expect(await catalog.select().from(alertEvents), `call ${at}`).toHaveLength(1);
      expect(await catalog.select().from(jobRequests), `call ${at}`).toHaveLength(1);
      const read = (await receipts()).flatMap(({ backups }) => backups);
      expect(new Set(read.map(({ key }) => key)), `call ${at}`).toEqual(new Set([...good, bad]));
      for (const { key, damage } of read) expect(damage === null, `call ${at}`).toBe(key !== bad);
      runs = at;
      if (!faulted.faults.struck) break;
    }
    expect(runs).toBeGreaterThan(20);
  },
);

test("what the catalog knows to be verified has a receipt, whenever the archiver stops for good", async () => {
  for (let at = 1; at <= 26; at += 1) {
    catalog = await emptyCatalog();
    await emptyBucket();
    await storeWeek(2);
    await run(archiver({ at, when: "after", lasting: "for ever" }));
    const read = new Set((await receipts()).flatMap(({ backups }) => backups.map(({ key }) => key)));
    for (const key of await verifiedKeys()) expect(read, `call ${at}`).toContain(key);
    expect(await run(archiver())).toEqual([]);
    expect(await verifiedKeys()).toHaveLength(4);
  }
});

test("an object that the bucket does not give stays due and is counted, and the others are verified", async () => {
  await storeWeek();
  const lost = "daily/2026-11-12/shop.sql.gz";
  const bucket = changedBucket(env.BUCKET, (bytes, { key }) => {
    if (key === lost) throw new Error("We encountered an internal error. Please try again. (10001)");
    return bytes;
  });
  expect(await run(archiver(null, bucket))).toEqual([]);
  expect(await theRun()).toMatchObject({ state: "done", checked: 9, damaged: 0, unread: 1 });
  expect(await verifiedKeys()).not.toContain(lost);
  expect(await catalog.select().from(alertEvents)).toEqual([]);
});

test("a bucket that gives nothing any more is no damage: the message is tried again, and what was read is kept", async () => {
  const keys = await storeWeek();
  let isDown = false;
  const bucket = changedBucket(env.BUCKET, (bytes, { key }) => {
    isDown ||= key === keys[4];
    if (isDown) throw new Error("Network connection lost.");
    return bytes;
  });
  const one = archiver(null, bucket);
  const message = new TestMessage(DUE);
  await one.handle(batchOf(QUEUES.upkeep, [message]));
  expect(message.settled).toMatchObject({ end: "retried" });
  expect(await theRun()).toMatchObject({ state: "running", checked: 4, damaged: 0, unread: 0 });
  expect(await verifiedKeys()).toHaveLength(4);
  expect(await run(archiver())).toEqual([]);
  expect(await theRun()).toMatchObject({ state: "done", checked: 10, damaged: 0, unread: 0 });
});

test("two runs at once, and one message twice, say the same as one", async () => {
  await storeWeek();
  const bad = "daily/2026-11-12/shop.sql.gz";
  const one = archiver(null, rotten(bad));
  const all = { ...DUE, run: "verify-20261127-050000-dddddd", database: "shop" };
  await one.handle(batchOf(QUEUES.upkeep, [new TestMessage(DUE), new TestMessage(DUE), new TestMessage(all)]));
  expect(one.upkeep.sent).toMatchObject([{ body: { run: DUE.run, snoozes: 1 } }]);
  const runs = await catalog.select().from(verifyRuns);
  expect(runs.map(({ state }) => state)).toEqual(["done", "done"]);
  expect(await verifiedKeys()).toHaveLength(9);
  expect(await catalog.select().from(alertEvents)).toHaveLength(1);
  expect(await catalog.select().from(jobRequests)).toHaveLength(1);
  // A message for a run that has ended changes nothing.
  const before = (await receipts()).length;
  await run(archiver(), DUE);
  expect(await receipts()).toHaveLength(before);
});

test("a manifest that is gone is damage, and an object that an export replaces is not", async () => {
  await storeWeek(1);
  await env.BUCKET.delete(manifestKey(daily("shop", "2026-11-10")));
  await run(archiver());
  const rows = await catalog.select().from(backupInventory).orderBy(backupInventory.key);
  expect(rows.map(({ damage }) => damage)).toEqual([null, "Its manifest is missing"]);
});
