import type { RebuildPhase } from "@patina/catalog/rebuild-tables";
import { findRebuild, noteStep, type RebuildStep, reopenRebuild } from "@patina/catalog/rebuilds";
import { PatinaError } from "@patina/core/error";
import { DONE, type Outcome } from "@patina/core/outcome";
import { encode, type RebuildCatalog } from "@patina/messages/message";
import { rebuildArchives } from "./rebuild-archives.ts";
import { rebuildBackups } from "./rebuild-backups.ts";
import { rebuildDatabases } from "./rebuild-databases.ts";
import { rebuildReceipts } from "./rebuild-receipts.ts";
import type { ArchiverContext } from "./upkeep.ts";

/** One step of a phase: what lies in the bucket behind `after`, and how the catalog is to say so. */
type TakeStep = (after: string | null, context: ArchiverContext) => Promise<RebuildStep>;

/**
 * What each phase does. Their order keeps the tick from acting on half a catalog: the weekly jobs are there before the
 * nightly jobs that would make it open one, and the registry comes last, because only registered databases have runs that
 * can be missed.
 */
const PHASES: Readonly<Record<RebuildPhase, TakeStep>> = {
  archives: rebuildArchives,
  dailies: async (after, context) => await rebuildBackups({ prefix: "daily/", after, following: "manuals" }, context),
  manuals: async (after, context) => await rebuildBackups({ prefix: "manual/", after, following: "receipts" }, context),
  receipts: rebuildReceipts,
  databases: rebuildDatabases,
};

/**
 * Adds to the catalog what the bucket has and it does not, in as many invocations as that takes. What the catalog knows
 * stays as it is, so doing this to a whole catalog changes nothing.
 */
export async function rebuildCatalog(message: RebuildCatalog, context: ArchiverContext): Promise<Outcome> {
  const { catalog, budget, clock, upkeep, log } = context;
  await reopenRebuild(catalog, { id: message.rebuild, now: clock() });
  let rebuild = await findRebuild(catalog, message.rebuild);
  if (rebuild === undefined) {
    throw new PatinaError("unknown_task", `Cannot rebuild the catalog: it does not know "${message.rebuild}"`);
  }
  while (rebuild.state === "running" && !budget.isSpent) {
    const step = await PHASES[rebuild.phase](rebuild.after, context);
    budget.spend({ queries: step.statements.length + 3 });
    rebuild = await noteStep(catalog, { rebuild, step, now: clock() });
  }
  const { id, state, phase, counts } = rebuild;
  log.info({ rebuild: id, state, phase, counts }, state === "running" ? "Rebuild goes on" : "Rebuild ended");
  if (state === "running") await upkeep.send(encode({ ...message, snoozes: 0 }));
  return DONE;
}
