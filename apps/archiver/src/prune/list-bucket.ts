import { type Finding, MISSING } from "@patina/archive/findings";
import { foundStatements, type InventoryEntry, oldUploads } from "@patina/catalog/bucket-facts";
import { advancePlan, type NewStep, type PrunePlan } from "@patina/catalog/prune-plans";
import { ORPHAN_MARGIN } from "@patina/core/ageing";
import { roughly } from "@patina/core/wording";
import { inTurn } from "../in-turn.ts";
import type { ArchiverContext } from "../upkeep.ts";
import { confirm } from "./confirm.ts";
import { judgeUnits } from "./judge-units.ts";
import { planned, skipped } from "./step.ts";
import { unitBatches } from "./unit-batches.ts";

/**
 * Holds the bucket against the catalog, page by page, and stores what is not as it should be as steps of the plan. Stops
 * when the budget is spent and goes on from there.
 */
export async function listBucket(start: PrunePlan, context: ArchiverContext): Promise<PrunePlan> {
  const { catalog, bucket, budget, clock } = context;
  let plan = start;
  for await (const { units, objects, end } of unitBatches(bucket, start.cursor)) {
    const now = clock();
    const range = { from: plan.cursor ?? "", to: end };
    const { findings, rows, fine } = await judgeUnits(units, { catalog, range, now });
    const steps = await inTurn(findings, (finding) => stepOf(finding, { rows, context, now }));
    const isLast = end === null;
    plan = await advancePlan(catalog, {
      plan,
      to: {
        phase: isLast ? "marking" : "listing",
        cursor: end,
        added: {
          listed: objects,
          foreignObjects: units.filter(({ is }) => is === "foreign").length,
          missing: findings.filter(({ is }) => is === "missing").length,
          orphans: findings.filter(({ is }) => is === "orphan").length,
        },
      },
      steps: [...steps.filter((step) => step !== null), ...(isLast ? await uploadSteps(context) : [])],
      statements: foundAgain(fine, rows),
      now: clock(),
    });
    budget.spend({ queries: 9, requests: 1 });
    if (budget.isSpent) return plan;
  }
  return plan;
}

/** The step that a finding leads to; null when it turns out to be none. */
async function stepOf(
  finding: Finding,
  { rows, context, now }: { rows: ReadonlyMap<string, InventoryEntry>; context: ArchiverContext; now: number },
): Promise<NewStep | null> {
  if (finding.is !== "orphan") return await confirm(finding, { row: rows.get(finding.key) ?? null, context, now });
  const { object, reason, isOld } = finding;
  const { key, etag, size } = object;
  const step = { key, action: "remove_orphan", database: null, etag, reason, size } as const;
  return isOld ? planned(step) : skipped(step, `it is less than ${roughly(ORPHAN_MARGIN)} old`);
}

/** Takes back that objects were missing which are there again, as they were. */
function foundAgain(fine: readonly string[], rows: ReadonlyMap<string, InventoryEntry>) {
  const damages = Object.values(MISSING);
  const found = fine.filter((key) => damages.some((damage) => rows.get(key)?.damage === damage));
  return found.length === 0 ? [] : foundStatements(found, { damages });
}

async function uploadSteps({ catalog, clock }: ArchiverContext): Promise<NewStep[]> {
  const uploads = await oldUploads(catalog, clock() - ORPHAN_MARGIN);
  return uploads.map(({ uploadId, key }) => {
    const reason = `an upload of ${key} that never ended`;
    return planned({ key: uploadId, action: "abort_upload", database: null, etag: null, reason, size: 0 });
  });
}
