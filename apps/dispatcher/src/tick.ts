import { tell } from "@patina/catalog/alert-events";
import { releaseLease, takeLease } from "@patina/catalog/leases";
import { idleTasks, MAX_RESENDS, markResent, missedRuns, unclosedJobs, unsentJobs } from "@patina/catalog/lost-work";
import { handOverAlerts } from "@patina/catalog/outbox";
import { reportSlowJobs } from "@patina/catalog/slow-jobs";
import { raiseSummary } from "@patina/catalog/summary";
import type { Task, TaskRef } from "@patina/catalog/tasks";
import { DAY, dateOf } from "@patina/core/date";
import { scheduledJobId } from "@patina/core/job";
import { TICK_LEASE } from "@patina/core/lease";
import { CRONS, MISSED_AFTER, runsBetween } from "@patina/core/schedule";
import { MAX_BATCH_MESSAGES } from "@patina/messages/queues";
import type { DispatcherContext } from "./context.ts";
import { openDueDrills, sendDrills } from "./drills.ts";
import { fanOut, requestFor } from "./fan-out.ts";
import { openRequestedJobs } from "./job-requests.ts";
import { startNightly } from "./nightly.ts";
import { askForPrune, noteThisTick, resumeLostPrunes } from "./prunes.ts";
import { resumeLostRebuild } from "./rebuild.ts";
import { sendReplays } from "./replay.ts";
import { openVerification, resumeLostVerifications } from "./verification.ts";
import { openSkippedArchive, resumeLostArchives } from "./weekly.ts";

/** How far back missed runs are looked for: a tick that was away for longer has more to tell than their names. */
const LOOK_BACK = 7 * DAY;

/** Tasks that one tick takes on; the next is five minutes away. */
const LIMIT = 1_000;

/**
 * Finds what was lost or missed, every five minutes: one duty after the other, each idempotent and each on its own, so
 * that one that fails does not stop the rest. A lease keeps two ticks from running at once; it is short, so that one that
 * stopped costs no more than the next, and a tick that takes long renews it.
 */
export async function tick(context: DispatcherContext): Promise<void> {
  const { catalog, holder, clock, log } = context;
  const lease = { name: "tick", holder };
  let takenAt = clock();
  const take = async () => await takeLease(catalog, { ...lease, now: takenAt, length: TICK_LEASE });
  if (!(await take())) return;
  const failed: unknown[] = [];
  for (const duty of [
    noteThisTick,
    openMissedRuns,
    sendUnsentTasks,
    resendLostTasks,
    closeFinishedJobs,
    sendReplays,
    openSkippedArchive,
    resumeLostArchives,
    openRequestedJobs,
    openVerification,
    resumeLostVerifications,
    resumeLostRebuild,
    openDueDrills,
    sendDrills,
    askForPrune,
    resumeLostPrunes,
    reportSlow,
    summarize,
    drainOutbox,
  ]) {
    if (clock() - takenAt > TICK_LEASE / 2) {
      takenAt = clock();
      if (!(await take())) break;
    }
    try {
      await duty(context);
    } catch (error) {
      log.error({ duty: duty.name, error }, "Duty of the tick failed");
      failed.push(error);
    }
  }
  await releaseLease(catalog, lease);
  if (failed.length > 0) throw new AggregateError(failed, `${failed.length} duties of the tick failed`);
}

/**
 * Runs that should have happened and did not: the cron never came, or the catalog was down when it did. Each is told of
 * once; the last of them is made up for, the others were a day's backup each, which nobody can take any more.
 */
async function openMissedRuns(context: DispatcherContext): Promise<void> {
  const { catalog, clock, log } = context;
  const until = clock() - MISSED_AFTER;
  const runs = runsBetween(CRONS.nightly, { after: until - LOOK_BACK, until }).map((scheduledFor) => ({
    job: scheduledJobId("nightly", dateOf(scheduledFor)),
    scheduledFor,
  }));
  const missed = await missedRuns(catalog, runs);
  for (const { job, scheduledFor } of missed.filter(({ isTold }) => !isTold)) {
    log.warn({ job }, "Run was missed");
    await tell(catalog, { kind: "run-missed", job, scheduledFor }, clock());
  }
  const last = runs.at(-1);
  if (last === undefined || !missed.some(({ job }) => job === last.job)) return;
  await startNightly(last.scheduledFor, { ...context, trigger: "tick" });
}

/** A dispatcher that stopped between opening a job and sending its messages. */
async function sendUnsentTasks(context: DispatcherContext): Promise<void> {
  for (const job of await unsentJobs(context.catalog, context.clock())) {
    const sent = await fanOut(job, context);
    context.log.warn({ job, sent }, "Messages were never sent");
  }
}

/**
 * Tasks whose message is gone. As long as the queue has a backlog they may just be waiting in it, so nothing is sent
 * again; a task that was sent again three times is given up, which ends it as failed.
 */
async function resendLostTasks(context: DispatcherContext): Promise<void> {
  const { catalog, exports, results, clock, log } = context;
  const idle = await idleTasks(catalog, { now: clock(), limit: LIMIT });
  if (idle.length === 0 || (await backlogOf(exports)) > 0 || (await backlogOf(results)) > 0) return;
  const again = idle.filter((task) => task.resends < MAX_RESENDS);
  for (let i = 0; i < again.length; i += MAX_BATCH_MESSAGES) {
    const chunk = again.slice(i, i + MAX_BATCH_MESSAGES);
    // Noted before it is sent: stopping in between costs a five minutes' wait, the other way round a resend too many.
    await markResent(catalog, { tasks: chunk.map(refOf), now: clock() });
    await exports.sendBatch(chunk.map((task) => ({ body: requestFor(task) })));
    log.warn({ tasks: chunk.map(refOf) }, "Lost messages were sent again");
  }
  const abandoned = idle.filter((task) => task.resends >= MAX_RESENDS);
  for (let i = 0; i < abandoned.length; i += MAX_BATCH_MESSAGES) {
    const chunk = abandoned.slice(i, i + MAX_BATCH_MESSAGES).map(refOf);
    await results.sendBatch(chunk.map((task) => ({ body: { kind: "export-abandoned", version: 1, ...task } })));
    log.error({ tasks: chunk }, "Tasks were given up");
  }
}

async function backlogOf(queue: Queue<unknown>): Promise<number> {
  return (await queue.metrics()).backlogCount;
}

function refOf({ jobId, database, generation }: Task): TaskRef {
  return { job: jobId, database, generation };
}

/** Jobs whose last result was written by an aggregator that stopped before it closed them. */
async function closeFinishedJobs({ catalog, results }: DispatcherContext): Promise<void> {
  for (const job of await unclosedJobs(catalog)) await results.send({ kind: "job-check", version: 1, job });
}

async function reportSlow({ catalog, clock }: DispatcherContext): Promise<void> {
  await reportSlowJobs(catalog, clock());
}

/** Once a day, from its hour on: how every database stands. */
async function summarize({ catalog, clock }: DispatcherContext): Promise<void> {
  await raiseSummary(catalog, clock());
}

/** Alerts that were never handed to the queue, or were lost in it. */
async function drainOutbox({ catalog, alerts, clock }: DispatcherContext): Promise<void> {
  await handOverAlerts(catalog, { queue: alerts, now: clock(), lost: true });
}
