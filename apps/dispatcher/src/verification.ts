import { idleVerifyRuns, openVerifyRun, verifyReadiness } from "@patina/catalog/verify-runs";
import { dateOf, MINUTE } from "@patina/core/date";
import { scheduledJobId } from "@patina/core/job";
import { scheduledRunId, verificationDay } from "@patina/core/verification";
import { encode, type Verify } from "@patina/messages/message";
import type { DispatcherContext } from "./context.ts";

/** A run that has not come further for so long is nobody's: a lease lasts 20 minutes. */
const IDLE_AFTER = 25 * MINUTE;

/**
 * The tick's duty: opens the day's verification once its nightly job has closed and no archive is being made, which would
 * read the same backups.
 */
export async function openVerification(context: DispatcherContext): Promise<void> {
  const { catalog, clock, log } = context;
  const day = verificationDay(clock());
  if (day === null) return;
  const date = dateOf(day.start);
  const id = scheduledRunId(date);
  const { isOpened, hasNightly, isBusy } = await verifyReadiness(catalog, {
    run: id,
    nightly: scheduledJobId("nightly", date),
  });
  if (isOpened || isBusy || (day.needsNightly && !hasNightly)) return;
  const run = { id, scope: "due", database: null, date: null } as const;
  if (!(await openVerifyRun(catalog, { run, now: clock() }))) return;
  await sendVerify(run, context);
  log.info({ run: id }, "Verification opened");
}

/** The tick's duty: runs whose message is gone. As long as the queue has a backlog they may be waiting in it. */
export async function resumeLostVerifications(context: DispatcherContext): Promise<void> {
  const { catalog, upkeep, clock, log } = context;
  const idle = await idleVerifyRuns(catalog, { now: clock(), since: clock() - IDLE_AFTER });
  if (idle.length === 0 || (await upkeep.metrics()).backlogCount > 0) return;
  for (const run of idle) {
    log.warn({ run: run.id }, "Lost message was sent again");
    await sendVerify(run, context);
  }
}

/** Sends the message that stands for a run. Stopping before this loses it; the tick finds the run. */
export async function sendVerify(
  { id, database, date }: { readonly id: string; readonly database: string | null; readonly date: string | null },
  { upkeep }: Pick<DispatcherContext, "upkeep">,
): Promise<void> {
  const message: Verify = { kind: "verify", version: 1, run: id, database, date, snoozes: 0 };
  await upkeep.send(encode(message));
}
