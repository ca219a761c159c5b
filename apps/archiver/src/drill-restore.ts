import { definitionsDigest } from "@patina/archive/definitions-digest";
import type { Manifest } from "@patina/archive/manifest";
import { stretchesOf } from "@patina/archive/stretches";
import { type DrillRow, noteDrill } from "@patina/catalog/drills";
import type { Check } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import { askingScratch, TooMuch } from "./asking-scratch.ts";
import { bytesOf, type StoredBackup } from "./find-backup.ts";
import { type Progress, type ScratchDatabase, type TableRange, tableAt } from "./scratch-state.ts";
import type { ArchiverContext } from "./upkeep.ts";

/** Bytes of SQL up to which a backup is restored and compared in one transaction: a few seconds' work. */
export const WHOLE_BYTES = 16_000_000;

/** What restoring a backup has shown. */
export interface Restored {
  readonly checks: readonly Check[];
  readonly rowsWritten: number;
  readonly restoreMs: number;
  /** SHA-256 of the restored schema; null when it was not looked at. */
  readonly schema: string | null;
}

/**
 * Restores a backup into the drill's scratch database and compares it with its manifest. Null when the budget is spent
 * before the end.
 */
export async function restoreAndProve(
  backup: StoredBackup,
  { row, context }: { row: DrillRow; context: ArchiverContext },
): Promise<Restored | null> {
  const { catalog, clock } = context;
  const { manifest } = backup;
  const scratch = () => context.scratch(row.id);
  const subject = `${backup.key} ${backup.etag} ${backup.offset}`;
  const isWhole = manifest.sql.bytes <= WHOLE_BYTES;
  let progress = await askingScratch(() => scratch().begin({ subject, isWhole }));
  let restoreMs = row.restoreMs ?? 0;
  const ended = (restore: Check): Restored => {
    const { checks, rowsWritten, schema } = progress;
    return { checks: [restore, ...checks], rowsWritten, restoreMs: restoreMs + progress.restoreMs, schema };
  };
  try {
    const begin = clock();
    progress = await load(backup, { from: progress, scratch, context });
    restoreMs += clock() - begin;
    const { rowsWritten } = progress;
    await noteDrill(catalog, row.id, { rowsWritten, restoreMs, now: clock() });
    if (progress.refusal === null) {
      if (progress.at < manifest.sql.bytes) return null;
      progress = await prove(backup, { from: progress, scratch, context });
      if (progress.refusal === null && progress.next !== null) return null;
    }
    return ended(restoreCheck(progress, manifest));
  } catch (error) {
    if (error instanceof TooMuch) return ended(tooMuch(progress));
    if (error instanceof PatinaError && error.code === "backup_damaged") {
      return ended({ name: "restore", end: "failed", findings: [error.message] });
    }
    throw error;
  }
}

interface Step {
  readonly from: Progress;
  readonly scratch: () => ScratchDatabase;
  readonly context: ArchiverContext;
}

/** Hands the dump over, part after part, as far as the budget goes; one part at least, so that it ends some day. */
async function load(backup: StoredBackup, { from, scratch, context }: Step): Promise<Progress> {
  const { bucket, budget } = context;
  const { manifest } = backup;
  let progress = from;
  if (progress.at === manifest.sql.bytes) return progress;
  for await (const part of stretchesOf(manifest, { stored: bytesOf(backup, bucket), start: progress.at })) {
    const tables = manifest.tables.filter(({ start, end }) => start < part.end && part.start < end).map(rangeOf);
    progress = await askingScratch(() => scratch().load({ ...part, tables }));
    budget.spend({ requests: 2 });
    if (progress.refusal !== null) break;
    if (progress.at !== part.end) {
      throw new PatinaError("scratch_unavailable", "Cannot use the scratch database: somebody else is restoring into it");
    }
    if (budget.isSpent) break;
  }
  return progress;
}

function rangeOf({ name, start, end }: Manifest["tables"][number]): TableRange {
  return { name, start, end };
}

/** Compares piece after piece, as far as the budget goes; one piece at least. */
async function prove(backup: StoredBackup, { from, scratch, context }: Step): Promise<Progress> {
  const { bucket, budget } = context;
  const { manifest } = backup;
  const definitions = await definitionsDigest(manifest, bytesOf(backup, bucket));
  const facts = { tables: manifest.tables, definitions, schema: manifest.schema };
  let progress = from;
  while (progress.refusal === null && progress.next !== null) {
    progress = await askingScratch(() => scratch().prove(facts));
    budget.spend({ requests: 1 });
    if (budget.isSpent) break;
  }
  return progress;
}

/** Whether all statements ran. */
function restoreCheck({ refusal, leftOut }: Progress, { tables }: Manifest): Check {
  if (refusal !== null) {
    const table = tableAt(tables, refusal.offset);
    const where = table === "" ? "" : ` of table "${table}"`;
    return { name: "restore", end: refusal.end, findings: [`A statement${where} cannot be run: ${refusal.reason}`] };
  }
  const findings = leftOut.map(([table, reason]) => {
    const what = table === "" ? "Some statements" : `Rows of table "${table}"`;
    return `${what} cannot be inserted where foreign keys are enforced, as in a Durable Object: ${reason}`;
  });
  return { name: "restore", end: findings.length === 0 ? "passed" : "unprovable", findings };
}

function tooMuch({ next }: Progress): Check {
  const what = next === null ? "Restoring it" : `The check "${next}"`;
  const finding = `${what} takes more time or memory than the platform gives a Durable Object`;
  return { name: "restore", end: "unprovable", findings: [finding] };
}
