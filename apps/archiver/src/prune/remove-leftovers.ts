import type { ListedObject } from "@patina/archive/bucket-unit";
import { unitName, unitPrefix, unitsOf } from "@patina/archive/bucket-unit";
import type { PrunePlan, PruneStep } from "@patina/catalog/prune-plans";
import { noteSteps, openSteps, type StepEnd } from "@patina/catalog/prune-steps";
import { findUpload, forgetUpload } from "@patina/catalog/uploads";
import { asking } from "@patina/worker/bucket-error";
import { abortUpload } from "@patina/worker/stored-object";
import { inTurn } from "../in-turn.ts";
import type { ArchiverContext } from "../upkeep.ts";
import { judgeUnits } from "./judge-units.ts";
import { describe } from "./unit-batches.ts";

/** Below the 1,000 keys that R2 deletes in one call. */
const BATCH = 200;

/** Uploads that are ended before it is noted: each takes two queries. */
const UPLOADS = 50;

/**
 * Removes what nothing needs: each object is judged again just before, with all that belongs to it.
 *
 * @returns whether all of it is done
 */
export async function removeLeftovers(plan: PrunePlan, context: ArchiverContext): Promise<boolean> {
  const { catalog, bucket, budget, clock } = context;
  do {
    const steps = await openSteps(catalog, { plan: plan.id, action: "remove_orphan", limit: BATCH });
    if (steps.length === 0) return true;
    const orphans = await orphansAmong(steps, context);
    const going = steps.filter(({ key, etag }) => orphans.get(key) === etag).map(({ key }) => key);
    const isGoing = new Set(going);
    if (going.length > 0) await asking(going[0] ?? "", () => bucket.delete(going));
    const ends = steps.map(({ key }): StepEnd => {
      return isGoing.has(key)
        ? { key, state: "done" }
        : { key, state: "skipped", note: "it is needed, or gone by now" };
    });
    await noteSteps(catalog, { plan: plan.id, ends, now: clock() });
    budget.spend({ queries: 8, requests: steps.length + 1 });
  } while (!budget.isSpent);
  return false;
}

/** Etags by key of what among these objects, and what belongs to them, is still an old orphan. */
async function orphansAmong(
  steps: readonly PruneStep[],
  { catalog, bucket, clock }: ArchiverContext,
): Promise<Map<string, string>> {
  const keys = new Map(steps.map(({ key }) => [unitName(key), key]));
  const objects = await inTurn([...keys.values()], (key) => listUnit(key, bucket));
  const { findings } = await judgeUnits(unitsOf(objects.flat()), { catalog, now: clock() });
  const old = findings.filter((finding) => finding.is === "orphan").filter(({ isOld }) => isOld);
  return new Map(old.map(({ object }) => [object.key, object.etag]));
}

/** An object with all that belongs to it. */
async function listUnit(key: string, bucket: R2Bucket): Promise<ListedObject[]> {
  const prefix = unitPrefix(key);
  const found: ListedObject[] = [];
  for (let place: R2ListOptions | null = {}; place !== null; ) {
    const page: R2Objects = await asking(key, () => bucket.list({ prefix, ...place }));
    found.push(...page.objects.map(describe));
    place = page.truncated ? { cursor: page.cursor } : null;
  }
  return found.filter((object) => unitName(object.key) === unitName(key));
}

/** Ends uploads that nobody will end any more. @returns whether all of it is done */
export async function abortUploads(
  plan: PrunePlan,
  { catalog, bucket, budget, clock }: ArchiverContext,
): Promise<boolean> {
  do {
    const steps = await openSteps(catalog, { plan: plan.id, action: "abort_upload", limit: UPLOADS });
    if (steps.length === 0) return true;
    for (const { key: uploadId } of steps) {
      const upload = await findUpload(catalog, uploadId);
      if (upload !== undefined) await abortUpload(bucket, upload);
      await forgetUpload(catalog, uploadId);
    }
    const ends = steps.map(({ key }): StepEnd => ({ key, state: "done" }));
    await noteSteps(catalog, { plan: plan.id, ends, now: clock() });
    budget.spend({ queries: 2 * steps.length + 3, requests: steps.length });
  } while (!budget.isSpent);
  return false;
}
