import { DatabaseSync } from "node:sqlite";
import type { Content } from "../restore/content.ts";
import { openScratch, type Scratch } from "../restore/scratch.ts";
import { attach, diffRows, type RowDiff } from "./row-diff.ts";
import { diffSchemas, type SchemaDiff } from "./schema-diff.ts";

/** How two backups differ. */
export interface BackupDiff {
  readonly schema: SchemaDiff;
  /** Tables that both have and whose rows differ. */
  readonly tables: readonly RowDiff[];
  /** Tables whose rows differ, and cannot be told apart one by one. */
  readonly untold: readonly string[];
}

/** Compares two backups: their definitions, and row by row the tables whose digests differ. */
export async function diffBackups(
  contents: { readonly before: Content; readonly after: Content },
  { limit, onProgress }: { limit: number; onProgress: (bytes: number) => void },
): Promise<BackupDiff> {
  const before = await openScratch(contents.before, onProgress);
  try {
    const after = await openScratch(contents.after, onProgress);
    try {
      return compare({ before, after }, { contents, limit });
    } finally {
      after.close();
    }
  } finally {
    before.close();
  }
}

function compare(
  { before, after }: { before: Scratch; after: Scratch },
  { contents, limit }: { contents: { before: Content; after: Content }; limit: number },
): BackupDiff {
  const schema = diffSchemas(before.db, after.db);
  const db = new DatabaseSync(":memory:");
  try {
    attach(db, { before: before.path, after: after.path });
    const tables: RowDiff[] = [];
    const untold: string[] = [];
    for (const table of differing(contents)) {
      const diff = diffRows(db, { table, limit });
      const isSeen = diff !== null && diff.added + diff.removed + diff.changed > 0;
      if (isSeen) tables.push(diff);
      // Digests that differ without a row that does: only in what SQL does not tell, such as the sign of a zero.
      else if (diff === null || (diff.hasSameColumns && hasDigests(contents))) untold.push(table);
    }
    return { schema, tables, untold };
  } finally {
    db.close();
  }
}

function hasDigests({ before, after }: { before: Content; after: Content }): boolean {
  return before.manifest !== null && after.manifest !== null;
}

/** The tables that both have, without those that the digests say are equal. */
function differing({ before, after }: { before: Content; after: Content }): string[] {
  const old = new Map(before.expected().tables.map((table) => [table.name, table]));
  return after
    .expected()
    .tables.filter(({ name, digest }) => {
      const other = old.get(name);
      return other !== undefined && (digest === null || other.digest !== digest);
    })
    .map(({ name }) => name);
}
