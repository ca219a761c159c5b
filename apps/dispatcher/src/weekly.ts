import { tell } from "@patina/catalog/alert-events";
import { findJob } from "@patina/catalog/jobs";
import { handOverAlerts } from "@patina/catalog/outbox";
import { hadDatabases, idleWeeklyJobs, nightlyJobs, openWeeklyJob } from "@patina/catalog/weekly-jobs";
import { DAY, dateOf, MINUTE } from "@patina/core/date";
import { type JobTrigger, scheduledJobId } from "@patina/core/job";
import { CRONS, MISSED_AFTER, previousRun } from "@patina/core/schedule";
import { datesOf, weekOf } from "@patina/core/week";
import { type ArchiveWeek, encode } from "@patina/messages/message";
import type { DispatcherContext } from "./context.ts";

/** An archive that has not come further for so long is nobody's: a lease lasts 20 minutes. */
const IDLE_AFTER = 25 * MINUTE;

/**
 * Opens the weekly job of a Sunday and asks for its archive, unless a nightly job of that week is still under way: then
 * the archive is skipped for now, people are told, and the tick tries again.
 */
export async function startWeekly(
  scheduledFor: number,
  { trigger, ...context }: DispatcherContext & { readonly trigger: JobTrigger },
): Promise<void> {
  const { catalog, clock, log, upkeep } = context;
  const date = dateOf(scheduledFor);
  const id = scheduledJobId("weekly", date);
  if ((await findJob(catalog, id)) !== undefined) return;
  const readiness = await readinessOf(scheduledFor, context);
  switch (readiness.is) {
    case "empty":
      return;
    case "waiting":
      log.warn({ job: id, reason: readiness.reason }, "Archive skipped for now");
      await tell(catalog, { kind: "archive-skipped", job: id, reason: readiness.reason }, clock());
      await handOverAlerts(catalog, { queue: context.alerts, now: clock() });
      return;
    case "ready":
      break;
  }
  const opened = await openWeeklyJob(catalog, { id, trigger, date, scheduledFor, now: clock() });
  // Stopping before this loses the message; the tick finds the job.
  if (opened) await upkeep.send(request(id));
  log.info({ job: id, opened }, opened ? "Job opened" : "Job was open already");
}

/** Whether the archive of a Sunday's week can be made: `waiting` for a nightly job, or `empty` without any. */
type Readiness = { readonly is: "ready" | "empty" } | { readonly is: "waiting"; readonly reason: string };

async function readinessOf(scheduledFor: number, { catalog, clock }: DispatcherContext): Promise<Readiness> {
  const date = dateOf(scheduledFor);
  const nightlies = await nightlyJobs(catalog, datesOf(weekOf(date)));
  const running = nightlies.find(({ status }) => status === "running");
  if (running !== undefined) {
    return { is: "waiting", reason: `Job ${running.id} is still running; the archive is made once it has ended.` };
  }
  if (nightlies.some((nightly) => nightly.date === date)) return { is: "ready" };
  // The tick opens a nightly that did not come, as long as it is the last one.
  if (clock() - scheduledFor < DAY && (await hadDatabases(catalog, scheduledFor))) {
    return { is: "waiting", reason: "Sunday's nightly job has not begun; the archive is made once it has ended." };
  }
  return { is: nightlies.length === 0 ? "empty" : "ready" };
}

/** The tick's duty: the last Sunday's archive, if it was skipped or its cron never came. */
export async function openSkippedArchive(context: DispatcherContext): Promise<void> {
  const scheduledFor = previousRun(CRONS.weekly, context.clock() - MISSED_AFTER);
  await startWeekly(scheduledFor, { ...context, trigger: "tick" });
}

/** The tick's duty: archives whose message is gone. As long as the queue has a backlog they may be waiting in it. */
export async function resumeLostArchives({ catalog, upkeep, clock, log }: DispatcherContext): Promise<void> {
  const idle = await idleWeeklyJobs(catalog, { now: clock(), since: clock() - IDLE_AFTER });
  if (idle.length === 0 || (await upkeep.metrics()).backlogCount > 0) return;
  for (const job of idle) {
    log.warn({ job }, "Lost message was sent again");
    await upkeep.send(request(job));
  }
}

function request(job: string): ArchiveWeek {
  return encode({ kind: "archive-week", version: 1, job, snoozes: 0 });
}
