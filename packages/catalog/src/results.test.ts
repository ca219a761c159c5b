import { DAY } from "@patina/core/date";
import type { Consistency } from "@patina/core/job";
import { eq } from "drizzle-orm";
import { beforeEach, expect, test } from "vitest";
import { recentEvents } from "./alert-events.ts";
import type { Catalog } from "./catalog.ts";
import { closeJobs } from "./closing.ts";
import { findJob, jobTasks, openScheduledJob } from "./jobs.ts";
import { type Result, settleTasks } from "./results.ts";
import { backupInventory, backupResults, backupTasks, taskEvents } from "./schema.ts";
import { emptyCatalog, register } from "./testing.ts";
import { changeThresholds } from "./thresholds.ts";

const FIRST = Date.parse("2026-11-10T03:00:00Z");
const DIGEST = "0".repeat(64);

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["shop"]);
});

interface Night {
  /** Bytes of the backup; null: it failed. */
  readonly bytes: number | null;
  readonly consistency?: Consistency;
}

function jobOf(night: number): string {
  return `nightly-${new Date(FIRST + night * DAY).toISOString().slice(0, 10)}`;
}

function resultOf(night: number, { bytes, consistency = "snapshot" }: Night, generation = 1): Result {
  const task = { job: jobOf(night), database: "shop", generation };
  if (bytes === null) return { status: "failed", task, errorCode: "source_failed", error: "Cannot read" };
  return {
    status: "succeeded",
    task,
    kind: "daily",
    date: task.job.slice(8),
    key: `daily/${task.job.slice(8)}/shop.sql.gz`,
    manifestKey: `daily/${task.job.slice(8)}/shop.manifest.json`,
    consistency,
    tables: 1,
    rows: 1,
    rawBytes: bytes,
    storedBytes: 10,
    durationMs: 1,
    queries: 1,
    rowsRead: 1,
    bodyDigest: DIGEST,
    storedDigest: DIGEST,
    etag: "etag",
    warnings: [],
    verifiedAt: null,
    createdAt: FIRST + night * DAY + 1_000,
  };
}

/** Opens a night's job. */
async function openNight(night: number): Promise<{ id: string; at: number }> {
  const [id, at] = [jobOf(night), FIRST + night * DAY];
  await openScheduledJob(catalog, {
    id,
    kind: "nightly",
    trigger: "cron",
    date: id.slice(8),
    scheduledFor: at,
    now: at,
  });
  return { id, at };
}

/** One night after the other, each closed before the next. */
async function nights(all: readonly Night[], from = 0): Promise<void> {
  for (const [i, night] of all.entries()) {
    const { id, at } = await openNight(from + i);
    await settleTasks(catalog, { results: [resultOf(from + i, night)], now: at + 2_000 });
    await closeJobs(catalog, { jobIds: [id], holder: "test", now: at + 3_000 });
  }
}

async function told(): Promise<string[]> {
  const events = await recentEvents(catalog, 100);
  return events.map(({ event }) => event).filter((event) => !event.startsWith("job-"));
}

async function row(night: number) {
  const [found] = await catalog
    .select()
    .from(backupResults)
    .where(eq(backupResults.jobId, jobOf(night)));
  return found;
}

test("the first success after failures is a recovery, told once, and says how many failures there were", async () => {
  await nights([{ bytes: 100 }, { bytes: null }, { bytes: null }, { bytes: 100 }, { bytes: 100 }]);
  expect(await told()).toEqual([
    `recovered:${jobOf(3)}`,
    `backup-failed:${jobOf(2)}:shop:1`,
    `backup-failed:${jobOf(1)}:shop:1`,
  ]);
  expect(await row(2)).toMatchObject({ status: "failed", failuresBefore: 1 });
  expect(await row(3)).toMatchObject({ status: "succeeded", failuresBefore: 2 });
  expect(await row(4)).toMatchObject({ failuresBefore: 0 });
});

test("a database whose first backup ever succeeds has not recovered from anything", async () => {
  await nights([{ bytes: 100 }]);
  expect(await told()).toEqual([]);
});

test("a size far from the median of the good backups before it is told, and failures do not count among them", async () => {
  await nights([{ bytes: 100 }, { bytes: 110 }, { bytes: null }, { bytes: 120 }, { bytes: 165 }, { bytes: 173 }]);
  expect(await row(4)).toMatchObject({ baselineBytes: 110, deviated: false });
  expect(await row(5)).toMatchObject({ baselineBytes: 115, deviated: true });
  expect(await told()).toContain(`size-deviated:${jobOf(5)}`);
  expect(await told()).not.toContain(`size-deviated:${jobOf(4)}`);
});

test("the share by which a size may deviate is a setting, and changing it is in the audit log", async () => {
  await changeThresholds(catalog, {
    change: { deviationPercent: 5 },
    actor: { name: "admin-token", request: null },
    now: FIRST,
  });
  await nights([{ bytes: 100 }, { bytes: 100 }, { bytes: 100 }, { bytes: 106 }]);
  expect(await told()).toEqual([`size-deviated:${jobOf(3)}`]);
});

test("a fuzzy backup is told", async () => {
  await nights([
    { bytes: 100, consistency: "stable" },
    { bytes: 100, consistency: "fuzzy" },
  ]);
  expect(await told()).toEqual([`backup-fuzzy:${jobOf(1)}`]);
});

test("a job stays failed and is healed by the next backup of its last failed database", async () => {
  await nights([{ bytes: null }, { bytes: null }]);
  expect(await findJob(catalog, jobOf(0))).toMatchObject({ status: "failed", healedBy: null });
  await nights([{ bytes: 100 }], 2);
  for (const night of [0, 1]) {
    expect(await row(night)).toMatchObject({ status: "failed", healedBy: jobOf(2) });
    expect(await findJob(catalog, jobOf(night))).toMatchObject({
      status: "failed",
      failed: 1,
      healedBy: jobOf(2),
      healedAt: FIRST + 2 * DAY + 2_000,
    });
  }
});

test("a job with two failed databases is healed by the second of them, not by the first", async () => {
  await register(catalog, ["shop", "blog"]);
  await nights([{ bytes: null }]);
  const blog = { job: jobOf(0), database: "blog", generation: 1 };
  await settleTasks(catalog, {
    results: [{ status: "failed", task: blog, errorCode: null, error: null }],
    now: FIRST + 4_000,
  });
  await closeJobs(catalog, { jobIds: [jobOf(0)], holder: "test", now: FIRST + 5_000 });
  await nights([{ bytes: 100 }], 1);
  expect(await findJob(catalog, jobOf(0))).toMatchObject({ status: "failed", failed: 2, healedBy: null });
  const healed = { ...resultOf(1, { bytes: 100 }), task: { job: jobOf(1), database: "blog", generation: 1 } };
  await settleTasks(catalog, { results: [healed], now: FIRST + DAY + 5_000 });
  expect(await findJob(catalog, jobOf(0))).toMatchObject({ healedBy: jobOf(1) });
});

test("a failure that another job made up for before its own job closed does not need anybody", async () => {
  await register(catalog, ["shop", "slow"]);
  await nights([{ bytes: null }]);
  await nights([{ bytes: 100 }], 1);
  expect(await findJob(catalog, jobOf(0))).toMatchObject({ status: "running" });
  const late = { ...resultOf(0, { bytes: 100 }), task: { job: jobOf(0), database: "slow", generation: 1 } };
  await settleTasks(catalog, { results: [late], now: FIRST + 2 * DAY });
  await closeJobs(catalog, { jobIds: [jobOf(0)], holder: "test", now: FIRST + 2 * DAY });
  expect(await findJob(catalog, jobOf(0))).toMatchObject({ status: "failed", failed: 1, healedBy: jobOf(1) });
});

/** The second night, whose export was given up before its backup was finished by another copy of its message. */
async function givenUp(order: readonly Result[], { closed }: { closed: "between" | "after" }): Promise<void> {
  await nights([{ bytes: 100 }]);
  const { id, at } = await openNight(1);
  for (const [i, result] of order.entries()) {
    await settleTasks(catalog, { results: [result], now: at + 2_000 + i });
    if (closed === "between") await closeJobs(catalog, { jobIds: [id], holder: `${i}`, now: at + 3_000 });
  }
  await closeJobs(catalog, { jobIds: [id], holder: "test", now: at + 4_000 });
}

const MADE = resultOf(1, { bytes: 100 });
const GIVEN_UP = resultOf(1, { bytes: null });

test("a backup that is reported after its task had failed ends the task as done, and heals its job", async () => {
  await givenUp([GIVEN_UP, MADE], { closed: "between" });
  expect(await row(1)).toMatchObject({ status: "succeeded", errorCode: null, failuresBefore: 1 });
  expect((await jobTasks(catalog, jobOf(1))).map(({ task }) => task.state)).toEqual(["done"]);
  expect(await findJob(catalog, jobOf(1))).toMatchObject({ status: "failed", failed: 1, healedBy: jobOf(1) });
  const stored = await catalog.select().from(backupInventory);
  expect(stored.map(({ key, deletedAt }) => [key, deletedAt])).toContainEqual([
    `daily/${jobOf(1).slice(8)}/shop.sql.gz`,
    null,
  ]);
  // People were told that it failed, so they are told that it did not stay so.
  expect(await told()).toEqual([`recovered:${jobOf(1)}:shop:1`, `backup-failed:${jobOf(1)}:shop:1`]);
});

test("a job whose given-up task was backed up before it closed has not failed", async () => {
  await givenUp([GIVEN_UP, MADE], { closed: "after" });
  expect(await findJob(catalog, jobOf(1))).toMatchObject({ status: "completed", succeeded: 1, failed: 0 });
});

test("a failure and a backup of one generation end as the backup, in whatever order and however often they arrive", async () => {
  const orders = [
    [MADE, GIVEN_UP],
    [GIVEN_UP, MADE],
    [GIVEN_UP, GIVEN_UP, MADE, MADE, GIVEN_UP],
    [MADE, GIVEN_UP, MADE],
  ];
  for (const order of orders) {
    for (const closed of ["between", "after"] as const) {
      catalog = await emptyCatalog();
      await register(catalog, ["shop"]);
      await givenUp(order, { closed });
      expect(await row(1)).toMatchObject({ status: "succeeded" });
      const events = (await catalog.select().from(taskEvents)).filter(({ jobId }) => jobId === jobOf(1));
      expect(events.filter(({ event }) => event === "done")).toHaveLength(1);
      expect(events.filter(({ event }) => event === "failed").length).toBeLessThanOrEqual(1);
    }
  }
});

test("a backup of an older generation does not end a task that was started again", async () => {
  await givenUp([GIVEN_UP], { closed: "between" });
  await catalog.update(backupTasks).set({ generation: 2, state: "failed" });
  await settleTasks(catalog, { results: [MADE], now: FIRST + DAY + 5_000 });
  expect(await row(1)).toMatchObject({ status: "failed" });
});
