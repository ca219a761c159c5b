import { parseArchiveKey, parseKey } from "@patina/archive/keys";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import { inventoryOf } from "@patina/catalog/bucket-facts";
import type { PrunePlan, PruneStep } from "@patina/catalog/prune-plans";
import { noteSteps, openSteps, type StepEnd } from "@patina/catalog/prune-steps";
import { adoptStatement, forgetArchiveStatement, markStatement, unmarkStatement } from "@patina/catalog/pruning";
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

/** How a step ended, and what is true by that. */
interface Taken {
  readonly end: StepEnd;
  readonly statements: readonly ReturnType<typeof adoptStatement>[];
}

function skipped({ key }: PruneStep, note: string): Taken {
  return { end: { key, state: "skipped", note }, statements: [] };
}

async function takeSteps(
  action: PruneStep["action"],
  options: {
    plan: PrunePlan;
    context: ArchiverContext;
    take: (step: PruneStep, context: ArchiverContext) => Promise<Taken>;
  },
): Promise<boolean> {
  const { plan, context, take } = options;
  const { catalog, budget, clock } = context;
  do {
    const steps = await openSteps(catalog, { plan: plan.id, action, limit: BATCH });
    if (steps.length === 0) return true;
    const taken = await inTurn(steps, (step) => take(step, context));
    const ends = taken.map(({ end }) => end);
    const statements = taken.flatMap((one) => one.statements);
    await noteSteps(catalog, { plan: plan.id, ends, statements, now: clock() });
    budget.spend({ queries: 2 * steps.length + 3, requests: 2 * steps.length });
  } while (!budget.isSpent);
  return false;
}

async function adopt(step: PruneStep, { bucket }: ArchiverContext): Promise<Taken> {
  const { key, etag } = step;
  const object = await asking(key, () => bucket.head(key));
  if (etag === null || object?.etag !== etag) return skipped(step, "another object lies there by now");
  const ref = parseKey(key)?.ref;
  // An archive whose row says that it went: it did not.
  if (ref === undefined) return { end: { key, state: "done" }, statements: [unmarkStatement([{ key, etag }])] };
  const manifest = await readManifest(manifestOf(key), bucket);
  if (manifest === null) return skipped(step, "its manifest cannot be read: it is kept as it is");
  const { object: named, database, date, kind, job } = manifest;
  const isOfIt = named.key === key && named.etag === etag && database === ref.database && date === ref.date;
  if (!isOfIt || kind !== ref.kind) return skipped(step, "its manifest is of another object: it is kept as it is");
  const createdAt = Date.parse(manifest.finishedAt);
  const { bytes: size, sha256: digest } = named;
  const backup = { key, etag, kind, database, date, job, size, digest, createdAt, verifiedAt: null };
  return { end: { key, state: "done" }, statements: [adoptStatement(backup)] };
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

async function forget(step: PruneStep, { catalog, bucket, clock }: ArchiverContext): Promise<Taken> {
  const { key, etag } = step;
  const manifest = manifestOf(key);
  const object = await asking(key, () => bucket.head(key));
  const document = await asking(manifest, () => bucket.head(manifest));
  const [row] = await inventoryOf(catalog, { keys: [key] });
  const isMissing = (object === null || document === null) && row?.etag === etag;
  if (etag === null || !isMissing) return skipped(step, "it is there again");
  const week = parseArchiveKey(key)?.week;
  const forgotten = week === undefined ? [] : [forgetArchiveStatement({ week, etag })];
  const statements = [markStatement({ objects: [{ key, etag }], now: clock() }), ...forgotten];
  return { end: { key, state: "done" }, statements };
}
