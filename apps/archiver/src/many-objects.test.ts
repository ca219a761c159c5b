import { env } from "cloudflare:test";
import { decodeIndexPage } from "@patina/archive/archive-index";
import { ARCHIVE_END_BYTES } from "@patina/archive/archive-layout";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import { encodeReceipt, receiptKey } from "@patina/archive/receipt";
import { openArchive } from "@patina/catalog/archives";
import { openCatalog } from "@patina/catalog/catalog";
import { findRebuild, openRebuild } from "@patina/catalog/rebuilds";
import { emptyCatalog } from "@patina/catalog/testing";
import { DAY, dateOf, MINUTE } from "@patina/core/date";
import { datesOf } from "@patina/core/week";
import { type Cost, countedDatabase } from "@patina/testkit/counted";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { expect, test } from "vitest";
import { Budget } from "./budget.ts";
import { planArchive } from "./plan-archive.ts";
import { rebuildCatalog } from "./rebuild-catalog.ts";
import { etagOf, type MadeUp, ManyObjects } from "./testing-bucket.ts";
import type { ArchiverContext } from "./upkeep.ts";

/** What a Worker of the paid plan may use in one invocation: see budget.ts. */
const LIMITS = { queries: 1_000, requests: 10_000 };

const SHA = "5a".repeat(32);

/** A daily backup and its manifest. */
function daily(date: string, database: string): (readonly [string, MadeUp])[] {
  const ref = { kind: "daily", date, database } as const;
  return [
    [dumpKey(ref), { size: 4_321 }],
    [manifestKey(ref), { text: () => encodeManifest(manifestOf(date, database)) }],
  ];
}

function manifestOf(date: string, database: string): Manifest {
  const key = dumpKey({ kind: "daily", date, database });
  return {
    ...{ patina: "manifest", format: 1, database, environment: "production", job: `nightly-${date}`, generation: 1 },
    ...{ kind: "daily", date, startedAt: `${date}T03:00:00.000Z`, finishedAt: `${date}T03:00:09.000Z` },
    ...{ mode: "snapshot", consistency: "snapshot", object: { key, bytes: 4_321, sha256: SHA, etag: etagOf(key) } },
    sql: { format: 1, bytes: 20_000, sha256: SHA, body: { start: 0, end: 1, sha256: SHA } },
    ...{ rows: 7, tables: [], restartPoints: [], warnings: [], queries: 3, rowsRead: 9 },
  };
}

function names(count: number): string[] {
  // Some differ by their end alone, where "." and "-" decide the order of the keys.
  return Array.from({ length: count }, (_, i) => `db-${i >> 1}${i % 2 === 0 ? "" : "-b"}`);
}

/** Does work in as many invocations as it takes; each must stay within what the platform allows. */
async function invoke(objects: ManyObjects, act: (context: ArchiverContext) => Promise<boolean>): Promise<number> {
  const clock = () => Date.parse("2026-11-22T04:00:00Z");
  for (let invocations = 1; ; invocations += 1) {
    const cost: Cost = { queries: 0, rowsRead: 0 };
    const requests = objects.requests;
    const isDone = await act({
      catalog: await openCatalog(countedDatabase(env.CATALOG, cost)),
      bucket: objects.bucket,
      upkeep: new RecordedQueue() as unknown as Queue,
      results: new RecordedQueue() as unknown as Queue,
      scratch: () => {
        throw new TypeError("Nothing is drilled here");
      },
      budget: new Budget(clock),
      environment: "production",
      clock,
      holder: `${invocations}`,
      log: createLog("test", { write: () => undefined }),
    });
    expect(cost.queries).toBeLessThan(LIMITS.queries);
    expect(cost.queries + objects.requests - requests).toBeLessThan(LIMITS.requests);
    if (isDone) return invocations;
  }
}

test("the archive of a week of 25,000 objects is planned with each backup in it once, without a gap", async () => {
  const catalog = await emptyCatalog();
  const [week, databases] = ["2026-W47", names(1_786)];
  const dates = datesOf(week);
  const objects = new ManyObjects(dates.flatMap((date) => databases.flatMap((name) => daily(date, name))));
  expect(objects.size).toBe(25_004);
  let archive = await openArchive(catalog, { week, jobId: "weekly-2026-11-22", date: dates[0] ?? "", now: 0 });
  const invocations = await invoke(objects, async (context) => {
    archive = await planArchive(archive, context);
    return archive.state === "writing";
  });
  expect(invocations).toBeGreaterThan(1);
  expect(archive).toMatchObject({ backups: 12_502, rawBytes: 12_502 * 20_000 });
  const planned = new Set<string>();
  let end = 0;
  for (const text of objects.written.values()) {
    const page = decodeIndexPage(text);
    expect(page.start).toBe(end);
    expect(page.entries.length).toBeLessThanOrEqual(501);
    end = page.end;
    for (const entry of page.entries) if (entry.kind === "dump") planned.add(entry.path);
  }
  expect(end + ARCHIVE_END_BYTES).toBe(archive.bytes);
  expect(planned.size).toBe(12_502);
  expect(objects.mostAtOnce).toBeLessThanOrEqual(6);
});

test("25,000 objects are rebuilt into a catalog, a few pages at a time, and once more without reading a manifest", async () => {
  const catalog = await emptyCatalog();
  const databases = names(139);
  const dates = Array.from({ length: 90 }, (_, i) => dateOf(Date.parse("2026-11-21") - i * DAY));
  const receipts = Array.from({ length: 1_200 }, (_, i) => receiptOf(dates[i % 90] ?? "", databases[i % 139] ?? "", i));
  const objects = new ManyObjects([
    ...dates.flatMap((date) => databases.flatMap((name) => daily(date, name))),
    ...receipts,
  ]);
  expect(objects.size).toBeGreaterThan(25_000);
  const rebuild = async (id: string) => {
    const actor = { name: "admin-token", request: null };
    await openRebuild(catalog, { id, audit: { at: 0, actor, action: "catalog.rebuild", subject: id } });
    const before = objects.requests;
    const invocations = await invoke(objects, async (context) => {
      await rebuildCatalog({ kind: "rebuild-catalog", version: 1, rebuild: id, snoozes: 0 }, context);
      return (await findRebuild(catalog, id))?.state === "done";
    });
    return { invocations, counts: (await findRebuild(catalog, id))?.counts, requests: objects.requests - before };
  };
  const first = await rebuild("rebuild-1");
  expect(first.invocations).toBeGreaterThan(1);
  expect(first.counts).toMatchObject({ backups: 12_510, addedBackups: 12_510, receipts: 1_200, addedDatabases: 139 });
  expect(objects.mostAtOnce).toBeLessThanOrEqual(6);
  const state = await totals();
  expect(state).toEqual({ jobs: 90, tasks: 12_510, results: 12_510, days: 12_510, objects: 12_510, verified: 1_200 });
  const second = await rebuild("rebuild-2");
  expect(second.counts).toMatchObject({ backups: 12_510, addedBackups: 0, addedDatabases: 0 });
  expect(second.requests).toBeLessThan(1_300);
  expect(await totals()).toEqual(state);
});

/** The receipt of a verification of one backup. */
function receiptOf(date: string, database: string, i: number): readonly [string, MadeUp] {
  const key = dumpKey({ kind: "daily", date, database });
  const at = new Date(Date.parse("2026-11-22T05:00:00Z") + i * MINUTE).toISOString();
  const backups = [{ key, etag: etagOf(key), bytes: 4_321, damage: null }];
  const receipt = { patina: "verify-receipt", format: 1, id: `verify-${i}`, at, backups } as const;
  return [receiptKey(receipt), { text: () => encodeReceipt(receipt) }];
}

async function totals() {
  return await env.CATALOG.prepare(
    `select (select count(*) from backup_jobs) as jobs, (select count(*) from backup_tasks) as tasks,
       (select count(*) from backup_results) as results, (select count(*) from daily_rollup) as days,
       (select count(*) from backup_inventory) as objects,
       (select count(*) from backup_inventory where verified_at is not null) as verified`,
  ).first();
}
