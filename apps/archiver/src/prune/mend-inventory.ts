import { parseKey } from "@patina/archive/keys";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import { inventoryOf } from "@patina/catalog/bucket-facts";
import type { PrunePlan, PruneStep } from "@patina/catalog/prune-plans";
import { noteSteps, openSteps, type StepEnd } from "@patina/catalog/prune-steps";
import { adoptStatement, markGone, unmarkGone } from "@patina/catalog/pruning";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { inTurn } from "../in-turn.ts";
import type { ArchiverContext } from "../upkeep.ts";
import { manifestOf } from "./confirm.ts";

/** Objects that are looked at before it is noted what came of them. */
const BATCH = 50;

/** Puts back into the inventory what the bucket holds whole. @returns whether all of it is done */
export async function adoptBackups(plan: PrunePlan, context: ArchiverContext): Promise<boolean> {
  return await takeSteps("adopt", { plan, context, take: adopt });
}

/** Takes out of the inventory what has been missing for long. @returns whether all of it is done */
export async function forgetRows(plan: PrunePlan, context: ArchiverContext): Promise<boolean> {
  return await takeSteps("forget_row", { plan, context, take: forget });
}

async function takeSteps(
  action: PruneStep["action"],
  options: {
    plan: PrunePlan;
    context: ArchiverContext;
    take: (step: PruneStep, context: ArchiverContext) => Promise<StepEnd>;
  },
): Promise<boolean> {
  const { plan, context, take } = options;
  const { catalog, budget, clock } = context;
  do {
    const steps = await openSteps(catalog, { plan: plan.id, action, limit: BATCH });
    if (steps.length === 0) return true;
    const ends = await inTurn(steps, (step) => take(step, context));
    await noteSteps(catalog, { plan: plan.id, ends, now: clock() });
    budget.spend({ queries: 2 * steps.length + 3, requests: 2 * steps.length });
  } while (!budget.isSpent);
  return false;
}

async function adopt({ key, etag }: PruneStep, { catalog, bucket }: ArchiverContext): Promise<StepEnd> {
  const skipped = (note: string): StepEnd => ({ key, state: "skipped", note });
  const object = await asking(key, () => bucket.head(key));
  if (object === null || object.etag !== etag) return skipped("another object lies there by now");
  const ref = parseKey(key)?.ref;
  if (ref === undefined) {
    // An archive whose row says that it went: it did not.
    await unmarkGone(catalog, [{ key, etag }]);
    return { key, state: "done" };
  }
  const manifest = await readManifest(manifestOf(key), bucket);
  if (manifest === null) return skipped("its manifest cannot be read: it is kept as it is");
  const { object: named, database, date, kind, job } = manifest;
  const isOfIt = named.key === key && named.etag === etag && database === ref.database && date === ref.date;
  if (!isOfIt || kind !== ref.kind) return skipped("its manifest is of another object: it is kept as it is");
  const createdAt = Date.parse(manifest.finishedAt);
  const { bytes: size, sha256: digest } = named;
  const backup = { key, etag, kind, database, date, job, size, digest, createdAt, verifiedAt: null };
  await catalog.run(adoptStatement(backup));
  return { key, state: "done" };
}

async function readManifest(key: string, bucket: R2Bucket): Promise<Manifest | null> {
  const stored = await asking(key, () => bucket.get(key));
  if (stored === null) return null;
  try {
    return decodeManifest(await asking(key, () => stored.text()));
  } catch (error) {
    if (error instanceof PatinaError && error.code === "manifest_invalid") return null;
    throw error;
  }
}

async function forget({ key, etag }: PruneStep, { catalog, bucket, clock }: ArchiverContext): Promise<StepEnd> {
  const manifest = manifestOf(key);
  const object = await asking(key, () => bucket.head(key));
  const document = await asking(manifest, () => bucket.head(manifest));
  const [row] = await inventoryOf(catalog, { keys: [key] });
  const isMissing = (object === null || document === null) && row?.etag === etag;
  if (!isMissing) return { key, state: "skipped", note: "it is there again" };
  await markGone(catalog, { objects: [{ key, etag: etag ?? "" }], now: clock() });
  return { key, state: "done" };
}
