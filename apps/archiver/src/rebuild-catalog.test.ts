import { env } from "cloudflare:test";
import { archiveKey } from "@patina/archive/keys";
import { listBackups } from "@patina/catalog/backups";
import type { Catalog } from "@patina/catalog/catalog";
import { openScheduledJob } from "@patina/catalog/jobs";
import { failRebuild, findRebuild, openRebuild } from "@patina/catalog/rebuilds";
import { claimTask } from "@patina/catalog/tasks";
import { emptyCatalog } from "@patina/catalog/testing";
import { datesOf } from "@patina/core/week";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import { emptyBucket, storeBackup } from "./testing.ts";
import { runUpkeep, testArchiver, withLittleTime } from "./testing-archiver.ts";
import {
  AUDIT,
  FRIDAY,
  keysOf,
  liveLittle,
  liveThrough,
  makeRebuild,
  NEXT_MONDAY,
  prune,
  REBUILD,
  REQUEST,
  rebuiltState,
  registerTwo,
  rulesOf,
  run,
  TODAY,
  tableOf,
  WEDNESDAY,
  wholeState,
} from "./testing-life.ts";
import { runNight, runWeekly } from "./testing-nights.ts";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
});

test("a catalog that was lost is rebuilt from the bucket alone: every row, but for what no object says", async () => {
  await liveThrough(catalog);
  const before = await rebuiltState();
  const listed = await listBackups(catalog, { filter: {}, limit: 100 });
  catalog = await emptyCatalog();
  const { counts, skipped, state } = await makeRebuild(catalog);
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
  await liveThrough(catalog);
  const live = await wholeState();
  const { counts } = await makeRebuild(catalog);
  expect(counts).toMatchObject({ backups: 11, addedBackups: 0, archived: 14, addedArchived: 0, addedDatabases: 0 });
  expect(await wholeState()).toEqual(live);
  catalog = await emptyCatalog();
  await makeRebuild(catalog);
  const rebuilt = await wholeState();
  await makeRebuild(catalog);
  expect(await wholeState()).toEqual(rebuilt);
});

test("what the catalog knows later or better than the bucket stays: failures, states, a task under way, rows that go", async () => {
  await liveThrough(catalog);
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
  // The next archive: its object is there, and is read back just now.
  await run("insert into archives (week, job_id, damaged, started_at, updated_at) values ('2026-W48', '', '[]', 0, 0)");
  await env.BUCKET.put(archiveKey({ is: "archive", week: "2026-W48" }), "on its way");
  // An archive that is being made again, while the one of before is still whole in the bucket.
  await run("update archives set state = 'writing', etag = null");
  await run("delete from archive_members where date >= ?", WEDNESDAY);
  const live = await wholeState();
  const { counts } = await makeRebuild(catalog);
  expect(await wholeState()).toEqual(live);
  expect(counts).toMatchObject({ archives: 1, addedBackups: 0, addedArchived: 0, skipped: 0 });
});

test("nights that were lived through with an empty catalog are kept, and those before are added", async () => {
  await liveThrough(catalog);
  const all = await rebuiltState();
  catalog = await emptyCatalog();
  await registerTwo(catalog);
  await env.BUCKET.delete(["shop", "blog"].flatMap((name) => keysOf(NEXT_MONDAY, name)));
  await runNight(catalog, { date: NEXT_MONDAY, names: ["shop", "blog"], rowsOf: (name) => [name, "after the loss"] });
  const [after] = await tableOf("backup_inventory");
  await makeRebuild(catalog);
  const rebuilt = await rebuiltState();
  expect(rebuilt["backup_inventory"]).toContainEqual(after);
  for (const name of ["archives", "archive_members", "archive_pages"]) expect(rebuilt[name]).toEqual(all[name]);
  expect(rebuilt["backup_results"]).toHaveLength(all["backup_results"]?.length ?? 0);
  const { results } = await env.CATALOG.prepare("select id, rebuilt_at from backup_jobs order by id").all();
  const own = results.filter((row) => row["rebuilt_at"] === null).map((row) => row["id"]);
  expect(own).toEqual([`nightly-${NEXT_MONDAY}`]);
});

test("a rebuild goes on over many invocations and comes to the same", async () => {
  await liveThrough(catalog);
  const before = await rebuiltState();
  catalog = await emptyCatalog();
  const slow = testArchiver();
  let invocations = 0;
  const { counts } = await makeRebuild(catalog, {
    ...slow,
    handle: withLittleTime(slow.handle, () => (invocations += 1)),
  });
  expect(invocations).toBeGreaterThan(3);
  expect(await rebuiltState()).toEqual(before);
  expect(counts).toMatchObject({ addedBackups: 11, addedArchived: 14, receipts: 3, addedDatabases: 2 });
});

test.each(["before", "after"] as const)(
  "a fault %s any one call to a binding ends in the same catalog",
  async (when) => {
    await liveLittle(catalog);
    const before = await rebuiltState();
    let runs = 0;
    for (let at = 1; ; at += 1) {
      catalog = await emptyCatalog();
      const faulted = testArchiver({ at, when, lasting: "once" });
      const { state, counts } = await makeRebuild(catalog, faulted);
      expect(state, `call ${at}`).toBe("done");
      expect(await rebuiltState(), `call ${at}`).toEqual(before);
      expect(counts, `call ${at}`).toMatchObject({ addedBackups: 1, addedArchived: 2, addedDatabases: 2, receipts: 1 });
      runs = at;
      if (!faulted.faults.struck) break;
    }
    expect(runs).toBeGreaterThan(30);
  },
);

test("a rebuild whose catalog was lost once more is a dead letter, and one that failed goes on when it is replayed", async () => {
  const lost = testArchiver();
  await lost.handle(batchOf(QUEUES.upkeep, [new TestMessage(REQUEST)]));
  expect(lost.dead.bodies).toMatchObject([{ error: { code: "unknown_task" } }]);
  await liveLittle(catalog);
  const before = await rebuiltState();
  catalog = await emptyCatalog();
  await openRebuild(catalog, { id: REBUILD, audit: AUDIT });
  await failRebuild(catalog, { id: REBUILD, error: "Cannot reach the bucket", now: 1 });
  expect(await runUpkeep(testArchiver(), REQUEST)).toEqual([]);
  expect(await findRebuild(catalog, REBUILD)).toMatchObject({ state: "done", error: null });
  expect(await rebuiltState()).toEqual(before);
});

test("the week that ends a year, and its backups of two years, come back under their own names", async () => {
  await registerTwo(catalog);
  const dates = datesOf("2026-W53");
  for (const date of dates)
    await runNight(catalog, { date, names: ["shop", "blog"], rowsOf: (name) => [name, date], change: rulesOf });
  await runWeekly(catalog, { week: "2026-W53", sunday: "2027-01-03" });
  for (const date of dates) await prune(date, "shop");
  const before = await rebuiltState();
  catalog = await emptyCatalog();
  await makeRebuild(catalog);
  expect(await rebuiltState()).toEqual(before);
  const rebuilt = await tableOf("backup_jobs");
  expect(rebuilt.map(({ id }) => id)).toContain("weekly-2027-01-03");
  expect((await tableOf("archives")).map(({ week }) => week)).toEqual(["2026-W53"]);
  expect((await tableOf("daily_rollup")).filter(({ database }) => database === "shop").map(({ day }) => day)).toEqual(
    dates,
  );
});
