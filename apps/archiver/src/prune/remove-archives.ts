import { archiveKey, parseArchiveKey } from "@patina/archive/keys";
import { weeksUnderWay } from "@patina/catalog/bucket-facts";
import { readRetention } from "@patina/catalog/custody-settings";
import type { PrunePlan, PruneStep } from "@patina/catalog/prune-plans";
import { noteSteps, openSteps, type StepEnd } from "@patina/catalog/prune-steps";
import { forgetArchiveStatement, markedSteps, markGone, type SeenObject, unmarkGone } from "@patina/catalog/pruning";
import { type JudgedArchive, judgeArchives } from "@patina/catalog/stored-archives";
import { transaction } from "@patina/catalog/transaction";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import type { ArchiverContext } from "../upkeep.ts";
import { manifestOf } from "./confirm.ts";

/** Archives that are decided on again at once: judging them reads what every old archive holds, a query for each. */
const BATCH = 10;

/**
 * Removes the archives that a plan says go; some are decided on again together, just before. The inventory is marked first,
 * then the manifest goes, then the archive, then its index.
 *
 * @returns whether all of it is done
 */
export async function removeArchives(plan: PrunePlan, context: ArchiverContext): Promise<boolean> {
  const { catalog, budget, clock } = context;
  for (const marked of await markedSteps(catalog, { plan: plan.id, action: "remove_archive", limit: 100 })) {
    const end = await finishMarked(marked, context);
    if (end !== null) await noteSteps(catalog, { plan: plan.id, ends: [end], now: clock() });
  }
  do {
    const steps = await openSteps(catalog, { plan: plan.id, action: "remove_archive", limit: BATCH });
    if (steps.length === 0) return true;
    const { weeklyWeeks } = await readRetention(catalog);
    const { judged, queries } = await judgeArchives(catalog, { weeklyWeeks, now: clock() });
    budget.spend({ queries: queries + 3 });
    for (const step of steps) {
      const note = await reasonToStay(step, { judged, context });
      const end: StepEnd =
        note === null ? await removeArchive(step, context) : { key: step.key, state: "skipped", note };
      await noteSteps(catalog, { plan: plan.id, ends: [end], now: clock() });
      budget.spend({ queries: 6, requests: 5 });
    }
  } while (!budget.isSpent);
  return false;
}

/** Goes on with an archive that an invocation has marked as gone and stopped at; null when it is all there. */
async function finishMarked(marked: SeenObject, context: ArchiverContext): Promise<StepEnd | null> {
  const { catalog, bucket } = context;
  const manifest = manifestOf(marked.key);
  const isThere = (await asking(manifest, () => bucket.head(manifest))) !== null;
  if (!isThere) return await removeObjects(marked, context);
  await unmarkGone(catalog, [marked]);
  return null;
}

/** Why an archive must not go after all, as things are now; null when it may. */
async function reasonToStay(
  { key, etag }: PruneStep,
  { judged, context: { catalog, bucket } }: { judged: readonly JudgedArchive[]; context: ArchiverContext },
): Promise<string | null> {
  const found = judged.find(({ archive }) => archive.key === key);
  if (found === undefined) return "it is not stored any more";
  if (found.archive.etag !== etag) return "it was written anew";
  if (found.verdict.isKept) return `it stays: ${found.verdict.reason}`;
  if ((await weeksUnderWay(catalog, [found.archive.week])).size > 0) return "it is being made again";
  const object = await asking(key, () => bucket.head(key));
  return object !== null && object.etag !== etag ? "another object lies there by now" : null;
}

async function removeArchive({ key, etag }: PruneStep, context: ArchiverContext): Promise<StepEnd> {
  const { catalog, clock } = context;
  const object = { key, etag: etag ?? "" };
  await markGone(catalog, { objects: [object], now: clock() });
  try {
    return await removeObjects(object, context);
  } catch (error) {
    if (!(error instanceof PatinaError) || error.code !== "object_locked") throw error;
    await unmarkGone(catalog, [object]);
    return { key, state: "skipped", note: "the bucket's lock still holds it" };
  }
}

async function removeObjects({ key, etag }: SeenObject, { bucket, catalog }: ArchiverContext): Promise<StepEnd> {
  const week = parseArchiveKey(key)?.week ?? "";
  const manifest = archiveKey({ is: "manifest", week });
  await asking(manifest, () => bucket.delete(manifest));
  await asking(key, () => bucket.delete(key));
  for (let more = true; more; ) {
    const prefix = `weekly/${week}.`;
    const { objects, truncated } = await asking(prefix, () => bucket.list({ prefix }));
    const pages = objects.map((object) => object.key).filter((name) => parseArchiveKey(name)?.is === "page");
    if (pages.length > 0) await asking(prefix, () => bucket.delete(pages));
    // What is not Patina's stays, and must not keep this going.
    more = truncated && pages.length > 0;
  }
  await transaction(catalog, [forgetArchiveStatement({ week, etag })]);
  return { key, state: "done" };
}
