import { env } from "cloudflare:test";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { recordDeadLetters } from "@patina/catalog/dead-letters";
import { takeLease } from "@patina/catalog/leases";
import { backupJobs, deadLetters, verifyRuns } from "@patina/catalog/schema";
import { emptyCatalog } from "@patina/catalog/testing";
import { openWeeklyJob } from "@patina/catalog/weekly-jobs";
import { DAY, HOUR, MINUTE } from "@patina/core/date";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import type { DispatcherContext } from "./context.ts";
import { openVerification, resumeLostVerifications } from "./verification.ts";

const MIDNIGHT = Date.parse("2026-11-20T00:00:00Z");
const MORNING = MIDNIGHT + 5 * HOUR;
const RUN = "verify-2026-11-20";
const REQUEST = { kind: "verify", version: 1, run: RUN, database: null, date: null, snoozes: 0 };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

async function dispatcher(now: number, plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const upkeep = new RecordedQueue();
  const other = new RecordedQueue() as unknown as Queue;
  const context: DispatcherContext = {
    catalog: await openCatalog(faultyDatabase(env.CATALOG, faults)),
    ...{ exports: other, results: other, alerts: other },
    upkeep: faultyBinding(upkeep, faults) as unknown as DispatcherContext["upkeep"],
    clock: () => now,
    holder: "test",
    log: createLog("test"),
  };
  return { faults, upkeep, context };
}

async function nightly(status: "running" | "completed" | "failed"): Promise<void> {
  const at = MIDNIGHT + 3 * HOUR;
  const job = { id: "nightly-2026-11-20", kind: "nightly", trigger: "cron", date: "2026-11-20" } as const;
  await catalog
    .insert(backupJobs)
    .values({ ...job, scheduledFor: at, startedAt: at, status })
    .onConflictDoUpdate({ target: backupJobs.id, set: { status } });
}

test("the tick opens one verification a day, once the nightly job has closed", async () => {
  for (const { status, opened } of [
    { status: "running", opened: 0 },
    { status: "failed", opened: 1 },
    { status: "failed", opened: 0 },
  ] as const) {
    await nightly(status);
    const { context, upkeep } = await dispatcher(MORNING);
    await openVerification(context);
    expect(upkeep.bodies).toEqual(opened === 0 ? [] : [REQUEST]);
  }
  expect(await catalog.select().from(verifyRuns)).toMatchObject([{ id: RUN, scope: "due", state: "running" }]);
});

test("a verification is not opened in the night, nor while an archive is made", async () => {
  await nightly("completed");
  const early = await dispatcher(MIDNIGHT + 4 * HOUR);
  await openVerification(early.context);
  expect(early.upkeep.bodies).toEqual([]);
  const weekly = { id: "weekly-2026-11-15", trigger: "cron", date: "2026-11-15", scheduledFor: 0, now: 0 } as const;
  await openWeeklyJob(catalog, weekly);
  const busy = await dispatcher(MORNING);
  await openVerification(busy.context);
  expect(busy.upkeep.bodies).toEqual([]);
  await catalog.update(backupJobs).set({ status: "completed" });
  await openVerification(busy.context);
  expect(busy.upkeep.bodies).toEqual([REQUEST]);
});

test("what is stored is verified also when no nightly job comes any more", async () => {
  const waiting = await dispatcher(MORNING);
  await openVerification(waiting.context);
  expect(waiting.upkeep.bodies).toEqual([]);
  const later = await dispatcher(MORNING + 2 * HOUR);
  await openVerification(later.context);
  expect(later.upkeep.bodies).toEqual([REQUEST]);
});

test("a verification whose message is gone is asked for again, unless somebody has it or it waits for a person", async () => {
  const values = { id: RUN, database: "shop", date: null, startedAt: MORNING, updatedAt: MORNING };
  await catalog.insert(verifyRuns).values(values);
  const sent = async (now: number, backlog = 0) => {
    const { context, upkeep } = await dispatcher(now);
    upkeep.backlog = backlog;
    await resumeLostVerifications(context);
    return upkeep.bodies;
  };
  const late = MORNING + 30 * MINUTE;
  expect(await sent(MORNING + 20 * MINUTE)).toEqual([]);
  expect(await sent(late, 3)).toEqual([]);
  expect(await sent(late)).toEqual([{ ...REQUEST, database: "shop" }]);
  await takeLease(catalog, { name: `verify:${RUN}`, holder: "other", now: late, length: MINUTE });
  expect(await sent(late)).toEqual([]);
  expect(await sent(late + HOUR)).toHaveLength(1);
  await recordDeadLetters(catalog, [
    {
      ...{ id: "letter", queue: "patina-upkeep", body: JSON.stringify(REQUEST), jobId: null, database: "shop" },
      ...{ generation: null, attempts: 5, errorCode: "bucket_unavailable", error: "down", sentAt: 0, arrivedAt: 0 },
      alert: null,
    },
  ]);
  expect(await sent(late + HOUR)).toEqual([]);
  await catalog.update(deadLetters).set({ state: "replayed" });
  expect(await sent(late + HOUR)).toHaveLength(1);
  await catalog.update(verifyRuns).set({ state: "done" });
  expect(await sent(late + HOUR)).toEqual([]);
});

test.each(["before", "after"] as const)(
  "a fault %s any call opens the run all the same, a tick later",
  async (when) => {
    // The first call opens the catalog.
    for (let at = 2; ; at += 1) {
      catalog = await emptyCatalog();
      await nightly("completed");
      const faulted = await dispatcher(MORNING, { at, when, lasting: "once" });
      await openVerification(faulted.context).catch(() => undefined);
      const next = await dispatcher(MORNING + 5 * MINUTE);
      await openVerification(next.context);
      const later = await dispatcher(MORNING + HOUR);
      await resumeLostVerifications(later.context);
      const sent = [...faulted.upkeep.bodies, ...next.upkeep.bodies, ...later.upkeep.bodies];
      expect(sent.length, `call ${at}`).toBeGreaterThan(0);
      expect(await catalog.select().from(verifyRuns)).toHaveLength(1);
      if (!faulted.faults.struck) break;
      expect(at).toBeLessThan(20);
    }
  },
);

test("the next day has a run of its own", async () => {
  await nightly("completed");
  await openVerification((await dispatcher(MORNING)).context);
  const next = await dispatcher(MORNING + DAY + 2 * HOUR);
  await openVerification(next.context);
  expect(next.upkeep.bodies).toMatchObject([{ run: "verify-2026-11-21" }]);
});
