import { MISSING } from "@patina/archive/findings";
import { dumpKey } from "@patina/archive/keys";
import type { Catalog } from "@patina/catalog/catalog";
import { readRetention } from "@patina/catalog/custody-settings";
import { countMissing, missingStatements } from "@patina/catalog/missing-objects";
import { advancePlan, type NewStep, type PrunePlan } from "@patina/catalog/prune-plans";
import { doubtNow } from "@patina/catalog/retention-doubt";
import { datesOfRescues, type JudgedArchive, judgeArchives } from "@patina/catalog/stored-archives";
import { type DatabaseDumps, storedDumps } from "@patina/catalog/stored-dumps";
import { judgeDumps } from "@patina/core/dump-retention";
import { policyFor, type RetentionPolicy } from "@patina/core/retention-policy";
import type { Verdict } from "@patina/core/verdict";
import type { ArchiverContext } from "../upkeep.ts";
import { planned } from "./step.ts";

/** So few missing objects are no reason to think that it is not the right bucket. */
const MIN_MISSING = 10;

/**
 * Why nothing may be removed at a moment; null when there is no such reason. What a plan found in the bucket counts: a
 * bucket in which most of what is stored is missing is not the right one.
 */
export async function doubtAt(
  now: number,
  { plan, policy, catalog }: { plan: string; policy: RetentionPolicy; catalog: Catalog },
): Promise<string | null> {
  const doubt = await doubtNow(catalog, { policy, now });
  if (doubt !== null) return doubt;
  const { missing, stored } = await countMissing(catalog, plan);
  if (missing < MIN_MISSING || missing * 2 <= stored) return null;
  return `nothing is removed: ${missing} of ${stored} stored backups are not in the bucket; is it the right one?`;
}

/** Notes what was found to be missing, unless nothing may be removed now. The moment of the decision is fixed here. */
export async function markMissing(plan: PrunePlan, { catalog, clock, budget }: ArchiverContext): Promise<PrunePlan> {
  const now = clock();
  const doubt = await doubtAt(now, { plan: plan.id, policy: await readRetention(catalog), catalog });
  budget.spend({ queries: 30 });
  if (doubt !== null) {
    return await advancePlan(catalog, { plan, to: { phase: "marking", cursor: null, decidedAt: now, doubt }, now });
  }
  const statements = await missingStatements(catalog, { plan: plan.id, noManifest: MISSING.manifest, now });
  const to = { phase: "archives", cursor: null, decidedAt: now } as const;
  return await advancePlan(catalog, { plan, to, statements, now });
}

/** Decides what of the archives goes, and what has to be copied out of them before. */
export async function decideArchives(plan: PrunePlan, { catalog, clock, budget }: ArchiverContext): Promise<PrunePlan> {
  const { weeklyWeeks } = await readRetention(catalog);
  const { judged, queries } = await judgeArchives(catalog, { weeklyWeeks, now: plan.decidedAt ?? clock() });
  budget.spend({ queries: queries + 6 });
  const going = judged.filter(({ verdict }) => !verdict.isKept);
  const steps = [...going.map(removal), ...(await rescuesOf(judged, catalog))];
  return await advancePlan(catalog, {
    plan,
    to: { phase: "dumps", cursor: null, added: { kept: judged.length - going.length, removing: going.length } },
    steps,
    now: clock(),
  });
}

function removal({ archive, verdict }: JudgedArchive): NewStep {
  const { key, etag, bytes } = archive;
  return planned({ key, action: "remove_archive", database: null, etag, reason: verdict.reason, size: bytes });
}

async function rescuesOf(judged: readonly JudgedArchive[], catalog: Catalog): Promise<NewStep[]> {
  const rescues = await datesOfRescues(
    catalog,
    judged.flatMap(({ alone }) => alone),
  );
  return rescues.map(({ week, database, date, bytes }) => {
    const reason = `last good backup of ${database}, and only the archive of ${week} holds it`;
    const key = dumpKey({ kind: "daily", date, database });
    return planned({ key, action: "rescue", database, etag: null, reason, size: bytes });
  });
}

/** Decides what of the dumps goes, a page of databases at a time. Stops when the budget is spent and goes on from there. */
export async function decideDumps(start: PrunePlan, { catalog, clock, budget }: ArchiverContext): Promise<PrunePlan> {
  const policy = await readRetention(catalog);
  const now = start.decidedAt ?? clock();
  let plan = start;
  for await (const page of storedDumps(catalog, { after: start.cursor ?? "" })) {
    const judged = page.map((group) => ({ group, verdicts: verdictsOn(group, { policy, now }) }));
    const verdicts = judged.flatMap((one) => one.verdicts);
    const going = verdicts.filter(({ isKept }) => !isKept);
    plan = await advancePlan(catalog, {
      plan,
      to: {
        phase: "dumps",
        cursor: page.at(-1)?.database ?? "",
        added: { kept: verdicts.length - going.length, removing: going.length },
      },
      steps: judged.flatMap(removals),
      now: clock(),
    });
    budget.spend({ queries: 6 });
    if (budget.isSpent) return plan;
  }
  return await advancePlan(catalog, { plan, to: { phase: "acting", cursor: null }, now: clock() });
}

/** What retention decides on the dumps of a database. */
export function verdictsOn(
  { database, dumps, newestGood }: DatabaseDumps,
  { policy, now }: { policy: RetentionPolicy; now: number },
): readonly Verdict[] {
  const { weeklyWeeks } = policy;
  return judgeDumps(dumps, { rule: policyFor(policy, database), now, weeklyWeeks, newestGood });
}

function removals({ group, verdicts }: { group: DatabaseDumps; verdicts: readonly Verdict[] }): NewStep[] {
  const reasons = new Map(verdicts.filter(({ isKept }) => !isKept).map(({ key, reason }) => [key, reason]));
  return group.dumps.flatMap(({ key, database, etag, bytes }) => {
    const reason = reasons.get(key);
    return reason === undefined ? [] : [planned({ key, action: "remove", database, etag, reason, size: bytes })];
  });
}
