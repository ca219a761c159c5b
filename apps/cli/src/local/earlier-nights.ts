import { DAY, dateOf } from "@patina/core/date";
import { scheduledJobId } from "@patina/core/job";
import { CRONS, type CronName, previousRun, runsBetween } from "@patina/core/schedule";

/** The part of the local run that this needs. */
interface Nightly {
  fire(cron: CronName, scheduledTime: number): Promise<void>;
  /** Status of a job; null when there is none of this id. */
  statusOf(job: string): Promise<string | null>;
}

/** Four weeks with tonight. */
const NIGHTS = 27;

/**
 * Backs up the samples for the nights before the last one too, and archives their weeks, so that a first look at the
 * dashboard finds a history: real jobs of these dates, run now, one after the other. What has a job already is left alone.
 *
 * @param pause waits a moment before a job under way is looked at again
 * @returns how many nights were run
 */
export async function backUpEarlierNights(
  patina: Nightly,
  { now, signal, pause }: { now: number; signal: AbortSignal; pause: () => Promise<unknown> },
): Promise<number> {
  const last = previousRun(CRONS.nightly, now);
  const after = last - (NIGHTS + 1) * DAY;
  const nights = runsBetween(CRONS.nightly, { after, until: last - DAY }).map((time) => ["nightly", time] as const);
  const weeks = runsBetween(CRONS.weekly, { after, until: now }).map((time) => ["weekly", time] as const);
  let run = 0;
  for (const [kind, scheduledFor] of [...nights, ...weeks].sort(([, a], [, b]) => a - b)) {
    if (signal.aborted) break;
    const job = scheduledJobId(kind, dateOf(scheduledFor));
    if ((await patina.statusOf(job)) !== null) continue;
    await patina.fire(kind, scheduledFor);
    if (kind === "nightly") run += 1;
    while (!signal.aborted && (await patina.statusOf(job)) === "running") await pause();
  }
  return run;
}
