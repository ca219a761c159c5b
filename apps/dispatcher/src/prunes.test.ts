import { env } from "cloudflare:test";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { takeLease } from "@patina/catalog/leases";
import { forgetQueues } from "@patina/catalog/lost-work";
import { findPlan, listPlans } from "@patina/catalog/prune-plans";
import { backupJobs, prunePlans } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { readTicks } from "@patina/catalog/ticks";
import { DAY, HOUR, MINUTE } from "@patina/core/date";
import { CRONS } from "@patina/core/schedule";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { scheduled } from "./scheduled.ts";

const FRIDAY = Date.parse("2026-11-20T03:30:00Z");
const SUNDAY = FRIDAY + 2 * DAY;
const REQUEST = { kind: "prune", version: 1, plan: "prune-2026-11-20", snoozes: 0 };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["shop"]);
});

/** A tick at a time; the upkeep messages that it sends. */
async function tick(now: number, { plan = null, backlog = 0 }: { plan?: FaultPlan | null; backlog?: number } = {}) {
  const faults = new Faults(plan);
  const other = new RecordedQueue() as unknown as Queue;
  const upkeep = new RecordedQueue<{ kind: string }>();
  upkeep.backlog = backlog;
  const context = {
    catalog: await openCatalog(faultyDatabase(env.CATALOG, faults)),
    exports: other,
    results: other,
    alerts: other,
    upkeep: faultyBinding(upkeep, faults) as unknown as Queue,
    clock: () => now,
    holder: crypto.randomUUID(),
    log: createLog("test"),
  };
  await scheduled({ cron: CRONS.tick, scheduledTime: now }, context).catch(() => undefined);
  return { struck: faults.struck, sent: upkeep.bodies.filter(({ kind }) => kind === "prune") };
}

async function job(
  kind: "nightly" | "weekly",
  date: string,
  status: "running" | "completed" | "failed",
): Promise<void> {
  const at = Date.parse(`${date}T03:00:00Z`);
  const facts = { id: `${kind}-${date}`, kind, trigger: "cron", date, scheduledFor: at, startedAt: at } as const;
  await catalog
    .insert(backupJobs)
    .values({ ...facts, status })
    .onConflictDoUpdate({ target: backupJobs.id, set: { status } });
}

test("a prune is asked for once after each nightly job, however that ended, and not before", async () => {
  await job("nightly", "2026-11-20", "running");
  expect((await tick(FRIDAY)).sent).toEqual([]);
  await job("nightly", "2026-11-20", "failed");
  expect((await tick(FRIDAY + 5 * MINUTE)).sent).toEqual([REQUEST]);
  expect((await tick(FRIDAY + 10 * MINUTE)).sent).toEqual([]);
  await catalog.update(prunePlans).set({ state: "done" });
  await job("nightly", "2026-11-21", "completed");
  expect((await tick(FRIDAY + DAY)).sent).toEqual([{ ...REQUEST, plan: "prune-2026-11-21" }]);
});

test("on Sundays it is asked for when the weekly job has closed, too", async () => {
  await job("nightly", "2026-11-22", "completed");
  expect((await tick(SUNDAY)).sent).toEqual([]);
  await job("weekly", "2026-11-22", "running");
  expect((await tick(SUNDAY + HOUR)).sent).toEqual([]);
  await job("weekly", "2026-11-22", "failed");
  expect((await tick(SUNDAY + 2 * HOUR)).sent).toEqual([{ ...REQUEST, plan: "prune-2026-11-22" }]);
});

test("the next night's prune does not wait for a Sunday's archive that never ends", async () => {
  await job("nightly", "2026-11-22", "completed");
  await job("weekly", "2026-11-22", "running");
  await job("nightly", "2026-11-23", "completed");
  expect((await tick(SUNDAY + DAY)).sent).toEqual([{ ...REQUEST, plan: "prune-2026-11-23" }]);
});

test("a prune that was lost is sent again, unless it waits in the queue or somebody works on it", async () => {
  await job("nightly", "2026-11-20", "completed");
  await tick(FRIDAY);
  const late = FRIDAY + 31 * MINUTE;
  expect((await tick(FRIDAY + 25 * MINUTE)).sent).toEqual([]);
  expect((await tick(late, { backlog: 1 })).sent).toEqual([]);
  await takeLease(catalog, { name: "prune", holder: "archiver", now: late, length: 20 * MINUTE });
  expect((await tick(late + 5 * MINUTE)).sent).toEqual([]);
  expect((await tick(late + 25 * MINUTE)).sent).toEqual([REQUEST]);
  expect((await tick(late + 30 * MINUTE)).sent).toEqual([]);
});

test("a prune that nobody finishes is given up after three re-sends, and the next night's is asked for", async () => {
  await job("nightly", "2026-11-20", "completed");
  const sent: unknown[] = [];
  for (let at = FRIDAY; at < FRIDAY + 6 * HOUR; at += 31 * MINUTE) sent.push(...(await tick(at)).sent);
  expect(sent).toEqual([REQUEST, REQUEST, REQUEST, REQUEST]);
  expect(await findPlan(catalog, REQUEST.plan)).toMatchObject({
    state: "failed",
    error: "Nobody finished it, though its message was sent again 3 times.",
  });
  await job("nightly", "2026-11-21", "completed");
  expect((await tick(FRIDAY + DAY)).sent).toHaveLength(1);
});

test("after a stop of all Workers with their queues a prune goes on at once", async () => {
  await job("nightly", "2026-11-20", "completed");
  await tick(FRIDAY);
  await forgetQueues(catalog);
  expect((await tick(FRIDAY + MINUTE)).sent).toEqual([REQUEST]);
});

test("the tick notes when it ran, and since when it has run without a long silence", async () => {
  await tick(FRIDAY);
  await tick(FRIDAY + DAY);
  expect(await readTicks(catalog)).toEqual({ last: FRIDAY + DAY, since: FRIDAY });
  await tick(FRIDAY + 400 * DAY);
  expect(await readTicks(catalog)).toEqual({ last: FRIDAY + 400 * DAY, since: FRIDAY + 400 * DAY });
});

test.each(["before", "after"] as const)("a fault %s any one call of the tick loses no prune", async (when) => {
  await job("nightly", "2026-11-20", "completed");
  for (let at = 2; ; at += 1) {
    await catalog.delete(prunePlans);
    const { struck, sent } = await tick(FRIDAY, { plan: { at, when, lasting: "once" } });
    for (let later = FRIDAY + 5 * MINUTE; sent.length === 0 && later < FRIDAY + HOUR; later += 5 * MINUTE) {
      sent.push(...(await tick(later)).sent);
    }
    expect(sent, `call ${at}`).toEqual([REQUEST]);
    expect(await listPlans(catalog, { limit: 5 })).toHaveLength(1);
    if (!struck) break;
  }
});
