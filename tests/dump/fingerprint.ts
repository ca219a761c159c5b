import type { DatabaseSync } from "node:sqlite";
import { contentOf } from "@patina/dump/content";
import { type ColumnFingerprint, fingerprints } from "@patina/dump/fingerprint";
import { countedSums, fingerprintQueries } from "@patina/dump/fingerprint-sql";
import { readSchema } from "@patina/dump/schema-reader";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { readColumns } from "@patina/dump/table-columns";

/** The fingerprints of a database's tables, counted anew with plain SQL. */
export async function countAgain(db: DatabaseSync): Promise<{ name: string; columns: readonly ColumnFingerprint[] }[]> {
  const source = sqliteSource(db);
  const { tables, virtualTables } = contentOf((await readSchema(source)).schema);
  const all = [...tables, ...virtualTables.map(({ rows }) => rows)].filter((transfer) => transfer !== null);
  const counted = all.map(async ({ table }) => {
    const sums = countedSums(await source.batch(fingerprintQueries(table)));
    return { name: table.name, columns: fingerprints(sums, readColumns(table)) };
  });
  return await Promise.all(counted);
}
