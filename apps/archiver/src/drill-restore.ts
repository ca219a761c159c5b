import { definitionsDigest } from "@patina/archive/definitions-digest";
import type { Manifest } from "@patina/archive/manifest";
import type { StoredBytes } from "@patina/archive/range-reader";
import { stretchesOf } from "@patina/archive/stretches";
import type { Check } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import { askingScratch, TooMuch } from "./asking-scratch.ts";
import type { Budget } from "./budget.ts";
import { type Progress, type ScratchDatabase, type TableRange, tableAt } from "./scratch-state.ts";

/** Bytes of SQL up to which a backup is restored and compared in one transaction: a second or two of work. */
const WHOLE_BYTES = 8_000_000;

/** What reading and restoring a backup has shown. */
export interface Restored {
  readonly checks: readonly Check[];
  readonly rowsWritten: number;
  readonly restoreMs: number;
  /** SHA-256 of the restored schema; null when it was not looked at. */
  readonly schema: string | null;
}

/** What restoring and comparing needs. */
export interface Restoring {
  /** Reads the stored object from end to end: once, however many invocations it takes. */
  readonly check: () => Promise<Check>;
  readonly manifest: Manifest;
  readonly stored: StoredBytes;
  /** Stands for the stored bytes: others begin anew. */
  readonly subject: string;
  readonly scratch: () => ScratchDatabase;
  readonly budget: Budget;
  readonly clock: () => number;
  /** Milliseconds that earlier invocations have restored. */
  readonly restoreMs: number;
  /** Told how far restoring has come. */
  readonly note: (so: { rowsWritten: number; restoreMs: number }) => Promise<void>;
}

/**
 * Reads a backup, restores it into a scratch database and compares it with its manifest. Null when the budget is spent before the
 * end.
 *
 * @throws {PatinaError} `scratch_unavailable`, `bucket_unavailable`
 */
export async function restoreAndProve(restoring: Restoring): Promise<Restored | null> {
  const { manifest, subject, scratch, clock, note } = restoring;
  const isWhole = manifest.sql.bytes <= WHOLE_BYTES;
  let progress = await askingScratch(() => scratch().begin({ subject, isWhole }));
  let { restoreMs } = restoring;
  const object = progress.object ?? (await restoring.check());
  if (progress.object === null) progress = known(await askingScratch(() => scratch().keep(object)));
  const ended = (restore: Check): Restored => {
    const { checks, rowsWritten, schema } = progress;
    return { checks: [object, restore, ...checks], rowsWritten, restoreMs: restoreMs + progress.restoreMs, schema };
  };
  try {
    const begin = clock();
    progress = await load(progress, restoring);
    restoreMs += clock() - begin;
    await note({ rowsWritten: progress.rowsWritten, restoreMs });
    if (progress.refusal === null) {
      if (progress.at < manifest.sql.bytes) return null;
      progress = await prove(progress, restoring);
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

/** Hands the dump over, part after part, as far as the budget goes; one part at least, so that it ends some day. */
async function load(from: Progress, { manifest, stored, scratch, budget }: Restoring): Promise<Progress> {
  let progress = from;
  if (progress.at === manifest.sql.bytes) return progress;
  for await (const part of stretchesOf(manifest, { stored, start: progress.at })) {
    const tables = manifest.tables.filter(({ start, end }) => start < part.end && part.start < end).map(rangeOf);
    progress = known(await askingScratch(() => scratch().load({ ...part, tables })));
    budget.spend({ requests: 2 });
    if (progress.refusal !== null) break;
    if (progress.at !== part.end) {
      throw new PatinaError(
        "scratch_unavailable",
        "Cannot use the scratch database: somebody else is restoring into it",
      );
    }
    if (budget.isSpent) break;
  }
  return progress;
}

/** Compares piece after piece, as far as the budget goes; one piece at least. */
async function prove(from: Progress, { manifest, stored, scratch, budget }: Restoring): Promise<Progress> {
  const definitions = await definitionsDigest(manifest, stored);
  const { tables, schema, consistency } = manifest;
  const facts = { tables, schema, definitions, isFuzzy: consistency === "fuzzy" };
  let progress = from;
  while (progress.refusal === null && progress.next !== null) {
    progress = known(await askingScratch(() => scratch().prove(facts)));
    budget.spend({ requests: 1 });
    if (budget.isSpent) break;
  }
  return progress;
}

function known(progress: Progress | null): Progress {
  if (progress !== null) return progress;
  throw new PatinaError("scratch_unavailable", "Cannot use the scratch database: it was emptied meanwhile");
}

function rangeOf({ name, start, end }: Manifest["tables"][number]): TableRange {
  return { name, start, end };
}

/** Whether all statements ran. */
export function restoreCheck({ refusal, leftOut }: Progress, { tables }: Manifest): Check {
  if (refusal !== null) {
    const table = tableAt(tables, refusal.offset);
    const statement = table === "" ? (refusal.definition ?? "A statement") : `A statement of table "${table}"`;
    return { name: "restore", end: refusal.end, findings: [`${statement} cannot be run: ${refusal.reason}`] };
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
