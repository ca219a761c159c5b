import type { BucketUnit } from "@patina/archive/bucket-unit";
import { type Finding, findingsOf, MISSING, type UnitFacts } from "@patina/archive/findings";
import { archiveKey, dumpKey, parseArchiveKey, parseKey } from "@patina/archive/keys";
import {
  datesWithBackups,
  foundStatement,
  type InventoryEntry,
  inventoryOf,
  oldUploads,
  openTasksOf,
  weeksUnderWay,
} from "@patina/catalog/bucket-facts";
import { advancePlan, type NewStep, type PrunePlan } from "@patina/catalog/prune-plans";
import { ORPHAN_MARGIN } from "@patina/core/ageing";
import { roughly } from "@patina/core/wording";
import { inTurn } from "../in-turn.ts";
import type { ArchiverContext } from "../upkeep.ts";
import { confirm } from "./confirm.ts";
import { planned, skipped } from "./step.ts";
import { type UnitBatch, unitBatches } from "./unit-batches.ts";

/**
 * Holds the bucket against the catalog, page by page, and stores what is not as it should be as steps of the plan. Stops
 * when the budget is spent and goes on from there.
 */
export async function listBucket(start: PrunePlan, context: ArchiverContext): Promise<PrunePlan> {
  const { catalog, bucket, budget, clock } = context;
  let plan = start;
  for await (const batch of unitBatches(bucket, start.cursor)) {
    const { steps, statements, missing, orphans } = await judgeBatch(batch, { plan, context });
    const isLast = batch.end === null;
    plan = await advancePlan(catalog, {
      plan,
      to: {
        phase: isLast ? "deciding" : "listing",
        cursor: batch.end,
        added: {
          listed: batch.objects,
          foreignObjects: batch.units.filter(({ is }) => is === "foreign").length,
          missing,
          orphans,
        },
      },
      steps: isLast ? [...steps, ...(await uploadSteps(context))] : steps,
      statements,
      now: clock(),
    });
    budget.spend({ queries: 5, requests: 1 });
    if (budget.isSpent) return plan;
  }
  return plan;
}

interface Judged {
  readonly steps: readonly NewStep[];
  readonly statements: readonly ReturnType<typeof foundStatement>[];
  readonly missing: number;
  readonly orphans: number;
}

async function judgeBatch(
  batch: UnitBatch,
  { plan, context }: { plan: PrunePlan; context: ArchiverContext },
): Promise<Judged> {
  const { catalog, clock } = context;
  const now = clock();
  const keys = batch.units.flatMap((unit) => inventoryKey(unit) ?? []);
  const entries = await inventoryOf(catalog, { keys, from: plan.cursor ?? "", to: batch.end });
  const rows = new Map(entries.map((entry) => [entry.key, entry]));
  const dates = await datesWithBackups(
    catalog,
    batch.units.flatMap((unit) => (unit.is === "sums" ? [unit.date] : [])),
  );
  const units = [...batch.units, ...absentUnits(entries, new Set(keys))];
  const judge = (unit: BucketUnit, isUnderWay: boolean) => {
    const row = rows.get(inventoryKey(unit) ?? "") ?? null;
    const facts: UnitFacts = { row, isUnderWay, hasBackups: unit.is === "sums" && dates.has(unit.date) };
    return findingsOf(unit, { facts, now });
  };
  const suspect = units.filter((unit) => judge(unit, false).length > 0);
  const busy = await underWay(suspect, context);
  const found = suspect.flatMap((unit) => judge(unit, busy(unit)));
  const steps = await inTurn(found, (finding) => stepOf(finding, { rows, context, now }));
  return {
    steps: steps.filter((step) => step !== null),
    statements: foundAgain(units, { rows, suspect: new Set(suspect) }),
    missing: found.filter(({ is }) => is === "missing").length,
    orphans: found.filter(({ is }) => is === "orphan").length,
  };
}

/** The key under which the inventory has a unit; null for what is not in it. */
function inventoryKey(unit: BucketUnit): string | null {
  if (unit.is === "backup") return dumpKey(unit.ref);
  return unit.is === "archive" ? archiveKey({ is: "archive", week: unit.week }) : null;
}

/** What the inventory has and the list had nothing of. */
function absentUnits(entries: readonly InventoryEntry[], listed: ReadonlySet<string>): BucketUnit[] {
  return entries
    .filter(({ key, deletedAt }) => deletedAt === null && !listed.has(key))
    .flatMap(({ key }): BucketUnit[] => {
      const own = parseKey(key);
      if (own !== null) return [{ is: "backup", ref: own.ref, dump: null, manifest: null }];
      const week = parseArchiveKey(key)?.week;
      return week === undefined ? [] : [{ is: "archive", week, archive: null, manifest: null, pages: [] }];
    });
}

/** Says of a unit whether somebody may be writing it just now. */
async function underWay(units: readonly BucketUnit[], { catalog }: ArchiverContext) {
  const databaseOf = (unit: BucketUnit) =>
    unit.is === "backup" ? unit.ref.database : unit.is === "checkpoint" ? unit.database : null;
  const tasks = await openTasksOf(catalog, [...new Set(units.flatMap((unit) => databaseOf(unit) ?? []))]);
  const weeks = await weeksUnderWay(
    catalog,
    units.flatMap((unit) => (unit.is === "archive" ? [unit.week] : [])),
  );
  return (unit: BucketUnit): boolean => {
    if (unit.is === "archive") return weeks.has(unit.week);
    const own = tasks.filter(({ database }) => database === databaseOf(unit));
    if (unit.is === "checkpoint") return own.some(({ job }) => job === unit.job);
    return unit.is === "backup" && own.some((task) => writes(task, unit.ref));
  };
}

function writes(
  task: { kind: string; date: string; job: string },
  ref: { kind: string; date: string; job?: string },
): boolean {
  return ref.kind === "manual" ? task.job === ref.job : task.kind === "nightly" && task.date === ref.date;
}

/** The step that a finding leads to; null when it turns out to be none. */
async function stepOf(
  finding: Finding,
  options: { rows: ReadonlyMap<string, InventoryEntry>; context: ArchiverContext; now: number },
): Promise<NewStep | null> {
  const { rows, context, now } = options;
  if (finding.is === "orphan") {
    const { object, reason, isOld } = finding;
    const { key, etag, size } = object;
    const step = { key, action: "remove_orphan", database: null, etag, reason, size } as const;
    return isOld ? planned(step) : skipped(step, `it is less than ${roughly(ORPHAN_MARGIN)} old`);
  }
  return await confirm(finding, { row: rows.get(finding.key) ?? null, context, now });
}

/** Takes back that objects were missing which are there again, as they were. */
function foundAgain(
  units: readonly BucketUnit[],
  { rows, suspect }: { rows: ReadonlyMap<string, InventoryEntry>; suspect: ReadonlySet<BucketUnit> },
): Judged["statements"] {
  const damages = Object.values(MISSING);
  const isThereAgain = (key: string | null) => damages.some((damage) => rows.get(key ?? "")?.damage === damage);
  const keys = units.filter((unit) => !suspect.has(unit)).flatMap((unit) => inventoryKey(unit) ?? []);
  const found = keys.filter(isThereAgain);
  return found.length === 0 ? [] : [foundStatement(found, { damages })];
}

async function uploadSteps({ catalog, clock }: ArchiverContext): Promise<NewStep[]> {
  const uploads = await oldUploads(catalog, clock() - ORPHAN_MARGIN);
  return uploads.map(({ uploadId, key }) => {
    const reason = `an upload of ${key} that never ended`;
    return planned({ key: uploadId, action: "abort_upload", database: null, etag: null, reason, size: 0 });
  });
}
