import { env } from "cloudflare:test";
import { recentEvents } from "@patina/catalog/alert-events";
import { findArchive, openArchive } from "@patina/catalog/archives";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { findJob } from "@patina/catalog/jobs";
import { takeLease } from "@patina/catalog/leases";
import { archives, backupJobs } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { DAY, HOUR, MINUTE } from "@patina/core/date";
import { CRONS } from "@patina/core/schedule";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { scheduled } from "./scheduled.ts";

const SUNDAY = Date.parse("2026-11-22T04:00:00Z");
const JOB = "weekly-2026-11-22";
const REQUEST = { kind: "archive-week", version: 1, job: JOB, snoozes: 0 };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["shop"]);
});

/** A dispatcher at a given time; its bindings fail as planned. */
async function dispatcher(now: number, plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const other = new RecordedQueue() as unknown as Queue;
  const upkeep = new RecordedQueue();
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
  return {
    faults,
    upkeep,
    /** Messages that ask for an archive. */
    asked: () => upkeep.bodies.filter((body) => (body as { kind: string }).kind === "archive-week"),
    weekly: () => scheduled({ cron: CRONS.weekly, scheduledTime: SUNDAY }, context),
    tick: () => scheduled({ cron: CRONS.tick, scheduledTime: now }, context),
  };
}

/** A nightly job of a date, in some state. */
async function nightly(date: string, status: "running" | "completed" | "failed"): Promise<void> {
  const at = Date.parse(`${date}T03:00:00Z`);
  const job = {
    id: `nightly-${date}`,
    kind: "nightly",
    trigger: "cron",
    date,
    scheduledFor: at,
    startedAt: at,
  } as const;
  await catalog
    .insert(backupJobs)
    .values({ ...job, status })
    .onConflictDoUpdate({ target: backupJobs.id, set: { status } });
}

test("the weekly cron opens one job of its Sunday and asks for its archive once, though it fires twice", async () => {
  await nightly("2026-11-22", "failed");
  const first = await dispatcher(SUNDAY);
  await first.weekly();
  const second = await dispatcher(SUNDAY + MINUTE);
  await second.weekly();
  expect([...first.asked(), ...second.asked()]).toEqual([REQUEST]);
  expect(await findJob(catalog, JOB)).toMatchObject({ kind: "weekly", status: "running", trigger: "cron" });
});

test("while a nightly of the week runs, the archive is skipped, told of once, and made by the tick when it has ended", async () => {
  await nightly("2026-11-22", "running");
  const early = await dispatcher(SUNDAY);
  await early.weekly();
  await (await dispatcher(SUNDAY + 10 * MINUTE)).tick();
  expect(await findJob(catalog, JOB)).toBeUndefined();
  const skipped = (await recentEvents(catalog, 10)).filter(({ kind }) => kind === "archive-skipped");
  expect(skipped.map(({ event }) => event)).toEqual([`archive-skipped:${JOB}`]);
  expect(JSON.stringify(skipped)).toContain("nightly-2026-11-22 is still running");
  await nightly("2026-11-22", "completed");
  const later = await dispatcher(SUNDAY + HOUR);
  await later.tick();
  expect(later.asked()).toEqual([REQUEST]);
  expect(await findJob(catalog, JOB)).toMatchObject({ trigger: "tick" });
});

test("an archive waits for a nightly that the tick may still open, but not for ever", async () => {
  await nightly("2026-11-21", "completed");
  await (await dispatcher(SUNDAY)).weekly();
  expect(await findJob(catalog, JOB)).toBeUndefined();
  // Nobody made Sunday's nightly; on Monday it cannot be made any more.
  await nightly("2026-11-23", "completed");
  const monday = await dispatcher(SUNDAY + DAY + MINUTE);
  await monday.tick();
  expect(monday.asked()).toEqual([REQUEST]);
});

test("a week without a nightly has no archive, and nobody is told", async () => {
  const { asked, tick } = await dispatcher(SUNDAY + 2 * DAY);
  await tick();
  expect(asked()).toEqual([]);
  expect((await recentEvents(catalog, 10)).filter(({ kind }) => kind === "archive-skipped")).toEqual([]);
});

test("a weekly cron that never came is made up for by the tick", async () => {
  await nightly("2026-11-22", "completed");
  const { asked, tick } = await dispatcher(SUNDAY + 2 * HOUR);
  await tick();
  expect(asked()).toEqual([REQUEST]);
});

test("the week that ends a year waits for the nights of both its years, and its archive is of the Sunday in January", async () => {
  const sunday = Date.parse("2027-01-03T04:00:00Z");
  await nightly("2026-12-31", "running");
  await nightly("2027-01-03", "completed");
  const early = await dispatcher(sunday + 10 * MINUTE);
  await early.tick();
  expect(early.asked()).toEqual([]);
  await nightly("2026-12-31", "failed");
  const later = await dispatcher(sunday + HOUR);
  await later.tick();
  expect(later.asked()).toEqual([{ ...REQUEST, job: "weekly-2027-01-03" }]);
});

test("an archive that nobody works on is asked for again, unless its message waits in the queue", async () => {
  await nightly("2026-11-22", "completed");
  await (await dispatcher(SUNDAY)).weekly();
  await openArchive(catalog, { week: "2026-W47", jobId: JOB, date: "2026-11-16", now: SUNDAY + HOUR });
  const soon = await dispatcher(SUNDAY + HOUR + 20 * MINUTE);
  await soon.tick();
  expect(soon.asked()).toEqual([]);
  const late = SUNDAY + HOUR + 26 * MINUTE;
  const waiting = await dispatcher(late);
  waiting.upkeep.backlog = 1;
  await waiting.tick();
  expect(waiting.asked()).toEqual([]);
  await takeLease(catalog, { name: `archive:${JOB}`, holder: "archiver", now: late, length: 20 * MINUTE });
  const held = await dispatcher(late);
  await held.tick();
  expect(held.asked()).toEqual([]);
  const lost = await dispatcher(late + 21 * MINUTE);
  await lost.tick();
  expect(lost.asked()).toEqual([REQUEST]);
});

test("an archive that is made is not asked for again", async () => {
  await nightly("2026-11-22", "completed");
  await (await dispatcher(SUNDAY)).weekly();
  await catalog.update(backupJobs).set({ status: "completed" });
  const { asked, tick } = await dispatcher(SUNDAY + 3 * HOUR);
  await tick();
  expect(asked()).toEqual([]);
});

test.each(["before", "after"] as const)("a fault %s any one call of the weekly cron loses no archive", async (when) => {
  await nightly("2026-11-22", "completed");
  for (let at = 2; ; at += 1) {
    await catalog.delete(archives);
    await env.CATALOG.prepare("delete from backup_jobs where kind = 'weekly'").run();
    const faulted = await dispatcher(SUNDAY, { at, when, lasting: "once" });
    await faulted.weekly().catch(() => undefined);
    const sent = [...faulted.asked()];
    for (let later = SUNDAY + 6 * MINUTE; sent.length === 0 && later < SUNDAY + HOUR; later += 5 * MINUTE) {
      const next = await dispatcher(later);
      await next.tick();
      sent.push(...next.asked());
    }
    expect(sent, `call ${at}`).toEqual([REQUEST]);
    expect(await findJob(catalog, JOB), `call ${at}`).toMatchObject({ status: "running" });
    expect(await findArchive(catalog, "2026-W47")).toBeUndefined();
    if (!faulted.faults.struck) break;
  }
});
