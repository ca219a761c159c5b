import { parseKey, sumsKey } from "@patina/archive/keys";
import { openTasksOf } from "@patina/catalog/bucket-facts";
import { readRetention } from "@patina/catalog/custody-settings";
import type { PrunePlan, PruneStep } from "@patina/catalog/prune-plans";
import { noteSteps, openSteps, type StepEnd } from "@patina/catalog/prune-steps";
import { markedSteps, markGone, type SeenObject, unmarkGone } from "@patina/catalog/pruning";
import { type InventoryDump, storedDumps } from "@patina/catalog/stored-dumps";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { inTurn } from "../in-turn.ts";
import type { ArchiverContext } from "../upkeep.ts";
import { manifestOf } from "./confirm.ts";
import { verdictsOn } from "./decide.ts";
import { writes } from "./judge-units.ts";

/** R2 deletes at most 1,000 keys a call: a dump and its manifest are two. */
const BATCH = 500;

/**
 * Removes the dumps that a plan says go. Each is decided on again just before: what is by now the last good backup of its
 * database, was written anew or is being written stays. The inventory is marked first, then the manifests go, then the
 * dumps, so that nothing partial looks complete.
 *
 * @returns whether all of it is done
 */
export async function removeDumps(plan: PrunePlan, context: ArchiverContext): Promise<boolean> {
  const { catalog, budget, clock } = context;
  await finishMarked(plan, context);
  do {
    const steps = await openSteps(catalog, { plan: plan.id, action: "remove", limit: BATCH });
    if (steps.length === 0) return true;
    const { going, ends } = await lookAgain(steps, context);
    await markGone(catalog, { objects: going, now: clock() });
    const ended = await removeObjects(going, context);
    await noteSteps(catalog, { plan: plan.id, ends: [...ends, ...ended], now: clock() });
    budget.spend({ queries: 16, requests: steps.length + 2 });
  } while (!budget.isSpent);
  return false;
}

/** Goes on with what an invocation has marked as gone and stopped at: as far as its objects are all there, it is undone. */
async function finishMarked(plan: PrunePlan, context: ArchiverContext): Promise<void> {
  const { catalog, bucket, budget, clock } = context;
  do {
    const marked = await markedSteps(catalog, { plan: plan.id, action: "remove", limit: BATCH });
    if (marked.length === 0) return;
    const looked = await inTurn(marked, async (object) => {
      const manifest = manifestOf(object.key);
      const [document, dump] = await Promise.all([
        asking(manifest, () => bucket.head(manifest)),
        asking(object.key, () => bucket.head(object.key)),
      ]);
      return {
        object,
        isWhole: document !== null && dump !== null,
        isOther: dump !== null && dump.etag !== object.etag,
      };
    });
    await unmarkGone(
      catalog,
      looked.filter(({ isWhole, isOther }) => isWhole && !isOther).map(({ object }) => object),
    );
    const begun = looked.filter(({ isWhole, isOther }) => !isWhole && !isOther).map(({ object }) => object);
    const others = looked.filter(({ isOther }) => isOther).map(({ object }) => skip(object, OTHER));
    const ends = [...(await removeObjects(begun, context)), ...others];
    await noteSteps(catalog, { plan: plan.id, ends, now: clock() });
    budget.spend({ queries: 5, requests: 2 * marked.length + 2 });
  } while (!budget.isSpent);
}

const OTHER = "another object lies there by now";

function skip({ key }: { key: string }, note: string): StepEnd {
  return { key, state: "skipped", note };
}

interface Looked {
  readonly going: readonly SeenObject[];
  readonly ends: readonly StepEnd[];
}

/** Decides again on what was planned, as things are now. */
async function lookAgain(steps: readonly PruneStep[], context: ArchiverContext): Promise<Looked> {
  const { catalog, bucket } = context;
  const databases = [...new Set(steps.flatMap(({ database }) => database ?? []))];
  const now = await verdictsNow(databases, context);
  const tasks = Map.groupBy(await openTasksOf(catalog, databases), ({ database }) => database);
  const isBeingWritten = ({ key, database }: PruneStep) => {
    const ref = parseKey(key)?.ref;
    return (tasks.get(database ?? "") ?? []).some((task) => ref !== undefined && writes(task, ref));
  };
  const looked = await inTurn(steps, async (step): Promise<SeenObject | StepEnd> => {
    const { key, etag } = step;
    const found = now.get(key);
    if (found === undefined) return skip(step, "it is not stored any more");
    if (found.etag !== etag) return skip(step, "it was written anew");
    if (found.kept !== null) return skip(step, `it stays: ${found.kept}`);
    if (isBeingWritten(step)) return skip(step, "it is being written anew");
    const object = await asking(key, () => bucket.head(key));
    return object !== null && object.etag !== etag ? skip(step, OTHER) : { key, etag };
  });
  return {
    going: looked.filter((one) => "etag" in one),
    ends: looked.filter((one) => "state" in one),
  };
}

/** What retention says now of all dumps of some databases: why each stays, null of what goes. */
async function verdictsNow(databases: readonly string[], { catalog, clock }: ArchiverContext) {
  const policy = await readRetention(catalog);
  const verdicts = new Map<string, Pick<InventoryDump, "etag"> & { kept: string | null }>();
  for await (const page of storedDumps(catalog, { databases })) {
    for (const group of page) {
      const etags = new Map(group.dumps.map(({ key, etag }) => [key, etag]));
      for (const { key, isKept, reason } of verdictsOn(group, { policy, now: clock() })) {
        verdicts.set(key, { etag: etags.get(key) ?? "", kept: isKept ? reason : null });
      }
    }
  }
  return verdicts;
}

/** Removes dumps with their manifests, and the SHA256SUMS of dates of which nothing is left. */
async function removeObjects(objects: readonly SeenObject[], context: ArchiverContext): Promise<StepEnd[]> {
  if (objects.length === 0) return [];
  const { bucket, catalog } = context;
  const keys = objects.map(({ key }) => key);
  try {
    await asking(keys[0] ?? "", () => bucket.delete(keys.map(manifestOf)));
    await asking(keys[0] ?? "", () => bucket.delete(keys));
  } catch (error) {
    if (!(error instanceof PatinaError) || error.code !== "object_locked") throw error;
    const [only] = objects;
    if (objects.length > 1 || only === undefined) {
      // Which of them is locked R2 does not say.
      const ends: StepEnd[] = [];
      for (const object of objects) ends.push(...(await removeObjects([object], context)));
      return ends;
    }
    await unmarkGone(catalog, objects);
    return [skip(only, "the bucket's lock still holds it")];
  }
  await removeSums(keys, bucket);
  return keys.map((key) => ({ key, state: "done" }));
}

async function removeSums(keys: readonly string[], bucket: R2Bucket): Promise<void> {
  const dates = new Set(keys.flatMap((key) => (key.startsWith("daily/") ? (parseKey(key)?.ref.date ?? []) : [])));
  for (const date of dates) {
    const sums = sumsKey(date);
    const { objects } = await asking(sums, () => bucket.list({ prefix: `daily/${date}/`, limit: 2 }));
    if (objects.length === 1 && objects[0]?.key === sums) await asking(sums, () => bucket.delete(sums));
  }
}
