import type { Manifest } from "@patina/archive/manifest";
import type { StoredBytes } from "@patina/archive/range-reader";
import { damageOf } from "@patina/archive/verification";
import type { Check } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import { checkOf } from "@patina/dump/check";
import { StatementCounter } from "@patina/dump/statement-counter";
import type { Budget } from "./budget.ts";

/** Bytes read at once. */
const READ_BYTES = 4_194_304;

/** Reads a stored dump from end to end and compares it with its manifest, and this with itself. */
export async function checkObject(
  manifest: Manifest,
  { database, stored, budget }: { database: string; stored: StoredBytes; budget: Budget },
): Promise<Check> {
  const faults = contradictions(manifest, database);
  try {
    const damage = await damageOf(manifest, { stored: inPieces(stored, budget), counter: new StatementCounter() });
    if (damage !== null) faults.push(damage);
  } catch (error) {
    if (!(error instanceof PatinaError) || error.code !== "backup_damaged") throw error;
    faults.push(error.message);
  }
  return checkOf("object", { faults });
}

/** What in a manifest cannot be true. */
function contradictions({ database, rows, tables }: Manifest, wanted: string): string[] {
  const faults: string[] = [];
  if (database !== wanted) faults.push(`It is a backup of ${database}`);
  if (rows !== tables.reduce((sum, table) => sum + table.rows, 0)) {
    faults.push("The manifest's tables have other rows than it says they have together");
  }
  return faults;
}

async function* inPieces(stored: StoredBytes, budget: Budget): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; at += READ_BYTES) {
    const bytes = await stored.read(at, READ_BYTES);
    budget.spend({ requests: 1 });
    if (bytes.length > 0) yield bytes;
    if (bytes.length < READ_BYTES) return;
  }
}
