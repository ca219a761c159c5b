import { readRetention } from "@patina/catalog/custody-settings";
import {
  advancePlan,
  closePlan,
  countPlan,
  findPlan,
  openPlan,
  PLAN_LIFETIME,
  type PrunePlan,
} from "@patina/catalog/prune-plans";
import { DONE, type Outcome } from "@patina/core/outcome";
import { encode, type Prune } from "@patina/messages/message";
import type { Log } from "@patina/worker/log";
import { ageCatalog } from "./prune/age-catalog.ts";
import { decideArchives, decideDumps, doubtAt, markMissing } from "./prune/decide.ts";
import { listBucket } from "./prune/list-bucket.ts";
import { adoptBackups, forgetRows } from "./prune/mend-inventory.ts";
import { removeArchives } from "./prune/remove-archives.ts";
import { removeDumps } from "./prune/remove-dumps.ts";
import { abortUploads, removeLeftovers } from "./prune/remove-leftovers.ts";
import { rescueBackups } from "./prune/rescue.ts";
import type { ArchiverContext } from "./upkeep.ts";

/**
 * Makes a prune plan and carries it out: holds the bucket against the catalog, decides and stores what goes, then does it.
 * What does not fit into one invocation goes on in the next, from where the catalog says it stopped.
 */
export async function prune(message: Prune, context: ArchiverContext): Promise<Outcome> {
  const { catalog, clock, budget, upkeep, log } = context;
  await openPlan(catalog, { id: message.plan, jobId: null, now: clock() });
  let plan = await findPlan(catalog, message.plan);
  while (plan?.state === "running") {
    await takeTurn(plan, context);
    plan = await findPlan(catalog, message.plan);
    if (plan?.state === "running" && budget.isSpent) {
      await countPlan(catalog, plan.id);
      log.info({ plan: plan.id, phase: plan.phase, cursor: plan.cursor }, "Prune goes on");
      await upkeep.send(encode({ ...message, snoozes: 0 }));
      return DONE;
    }
  }
  if (plan !== undefined) tell(plan, log);
  return DONE;
}

function tell({ id: plan, doubt, error, ...rest }: PrunePlan, log: Log): void {
  const { state, kept, removed, removedBytes, rescued, missing, orphans, aged } = rest;
  const facts = { plan, state, kept, removed, removedBytes, rescued, missing, orphans, aged };
  const reason = doubt ?? error;
  if (reason === null) log.info(facts, "Prune finished");
  else log.warn({ ...facts, reason }, "Prune ended early");
}

/** Brings a plan further, unless it is too old or nothing may go. */
async function takeTurn(plan: PrunePlan, context: ArchiverContext): Promise<void> {
  const { catalog, clock } = context;
  if (clock() - plan.startedAt >= PLAN_LIFETIME) {
    const error = "It was not finished within a day; the next prune decides anew.";
    return await closePlan(catalog, { plan, state: "failed", error, now: clock() });
  }
  if (plan.doubt !== null) return await closePlan(catalog, { plan, state: "done", now: clock() });
  await goOn(plan, context);
}

/** Brings a plan further. */
export async function goOn(plan: PrunePlan, context: ArchiverContext): Promise<void> {
  switch (plan.phase) {
    case "listing":
      await listBucket(plan, context);
      return;
    case "marking":
      await markMissing(plan, context);
      return;
    case "archives":
      await decideArchives(plan, context);
      return;
    case "dumps":
      await decideDumps(plan, context);
      return;
    case "acting":
      await act(plan, context);
      return;
    case "ageing":
      if (await ageCatalog(plan, context))
        await closePlan(context.catalog, { plan, state: "done", now: context.clock() });
  }
}

/** In this order: nothing goes before what it leaves behind is safe. */
const ACTS = [rescueBackups, adoptBackups, forgetRows, removeDumps, removeArchives, removeLeftovers, abortUploads];

async function act(plan: PrunePlan, context: ArchiverContext): Promise<void> {
  const { catalog, clock, budget } = context;
  // What was right when it was decided may not be any more.
  const doubt = await doubtAt(clock(), { plan: plan.id, policy: await readRetention(catalog), catalog });
  budget.spend({ queries: 5 });
  if (doubt !== null) {
    await advancePlan(catalog, { plan, to: { phase: "acting", cursor: null, doubt }, now: clock() });
    return;
  }
  for (const step of ACTS) if (!(await step(plan, context))) return;
  await advancePlan(catalog, { plan, to: { phase: "ageing", cursor: null }, now: clock() });
}
