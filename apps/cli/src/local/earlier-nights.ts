import { DAY, dateOf } from "@patina/core/date";
import { scheduledJobId } from "@patina/core/job";
import { CRONS, type CronName, previousRun } from "@patina/core/schedule";

/** The part of the local run that this needs. */
interface Nightly {
  fire(cron: CronName, scheduledTime: number): Promise<void>;
  /** Status of a job; null when there is none of this id. */
  statusOf(job: string): Promise<string | null>;
}

/** Four weeks with tonight. */
const NIGHTS = 27;

/**
 * Backs up the samples for the nights before the last one too, so that a first look at the dashboard finds a history: real
 * jobs of these dates, run now, one after the other. A night that has a job already is left alone.
 *
 * @param pause waits a moment before a night under way is looked at again
 * @returns how many nights were run
 */
export async function backUpEarlierNights(
  patina: Nightly,
  { now, signal, pause }: { now: number; signal: AbortSignal; pause: () => Promise<unknown> },
): Promise<number> {
  const last = previousRun(CRONS.nightly, now);
  let run = 0;
  for (let back = NIGHTS; back >= 1 && !signal.aborted; back -= 1) {
    const scheduledFor = last - back * DAY;
    const job = scheduledJobId("nightly", dateOf(scheduledFor));
    if ((await patina.statusOf(job)) !== null) continue;
    await patina.fire("nightly", scheduledFor);
    run += 1;
    while (!signal.aborted && (await patina.statusOf(job)) === "running") await pause();
  }
  return run;
}
