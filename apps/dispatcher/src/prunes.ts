import { duePrune } from "@patina/catalog/due-prune";
import { closePlan, idlePlans, MAX_RESENDS, markPlanResent, openPlan } from "@patina/catalog/prune-plans";
import { noteTick } from "@patina/catalog/ticks";
import { datesOf, weekOf } from "@patina/core/week";
import { encode, type Prune } from "@patina/messages/message";
import type { DispatcherContext } from "./context.ts";

/** The tick's duty: notes that it ran, which is what a prune trusts the clock by. */
export async function noteThisTick({ catalog, clock }: DispatcherContext): Promise<void> {
  await noteTick(catalog, clock());
}

/**
 * The tick's duty: asks for a prune once after each nightly job that has closed; on Sundays only after the weekly job of
 * that day has closed too, so that the dailies in its archive may go.
 */
export async function askForPrune({ catalog, upkeep, clock, log }: DispatcherContext): Promise<void> {
  const due = await duePrune(catalog);
  if (due === undefined) return;
  const { job, date, isArchived } = due;
  const isSunday = date === datesOf(weekOf(date))[6];
  if (isSunday && !isArchived) return;
  const id = `prune-${date}`;
  if (!(await openPlan(catalog, { id, jobId: job, now: clock() }))) return;
  // Stopping before this loses the message; the tick finds the plan.
  await upkeep.send(pruneRequest(id));
  log.info({ job, plan: id }, "Prune asked for");
}

/**
 * The tick's duty: plans whose message is gone. As long as the queue has a backlog they may be waiting in it; what was
 * sent again three times is given up, and the next prune decides anew.
 */
export async function resumeLostPrunes({ catalog, upkeep, clock, log }: DispatcherContext): Promise<void> {
  const idle = await idlePlans(catalog, clock());
  if (idle.length === 0 || (await upkeep.metrics()).backlogCount > 0) return;
  for (const plan of idle) {
    if (plan.resends >= MAX_RESENDS) {
      const error = `Nobody finished it, though its message was sent again ${MAX_RESENDS} times.`;
      await closePlan(catalog, { plan, state: "failed", error, now: clock() });
      log.error({ plan: plan.id }, "Prune was given up");
      continue;
    }
    await markPlanResent(catalog, { plan, now: clock() });
    await upkeep.send(pruneRequest(plan.id));
    log.warn({ plan: plan.id }, "Lost message was sent again");
  }
}

export function pruneRequest(plan: string): Prune {
  return encode({ kind: "prune", version: 1, plan, snoozes: 0 });
}
