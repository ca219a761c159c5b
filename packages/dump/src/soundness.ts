import type { Check } from "@patina/core/drill";
import { checkOf, unique } from "./check.ts";
import { contentOf } from "./content.ts";
import { isContentReadable } from "./doubts.ts";
import { quoteName } from "./name.ts";
import { readSchema } from "./schema-reader.ts";
import { asked, columns, type ResultSet, type Source, type Value } from "./source.ts";
import { isContentMissing, rowsOf } from "./warnings.ts";

/** Whether SQLite finds a restored database sound. What a source may break by itself is a flaw, all else a fault. */

/** SQLite's own check, which passes over CHECK constraints as long as they are switched off. */
export async function quickCheck(source: Source): Promise<Check> {
  await source.batch([{ sql: "PRAGMA ignore_check_constraints=OFF" }]);
  const rows = await asked(source, "PRAGMA quick_check");
  if (rows === null)
    return checkOf("quick_check", { flaws: ["An expression of a constraint or an index fails over a row"] });
  const complaints = rows.map(([row]) => String(row)).filter((row) => row !== "ok");
  const isFlaw = (complaint: string) => complaint.startsWith("CHECK constraint failed in ");
  return checkOf("quick_check", {
    flaws: unique(complaints.filter(isFlaw)),
    faults: unique(complaints.filter((complaint) => !isFlaw(complaint))),
  });
}

/** Rows whose parent is missing, counted by table and parent. */
export async function foreignKeys(source: Source): Promise<Check> {
  const rows = (await asked(source, ORPHANS)) ?? (await orphansOfPragma(source));
  if (rows === null) return checkOf("foreign_keys", { flaws: ["A foreign key points at columns that are not unique"] });
  const flaws = rows.map(([table, parent, count]) => {
    return `${rowsOf(Number(count))} of table "${table}" have no row in "${parent}"`;
  });
  return checkOf("foreign_keys", { flaws });
}

/** Counted by SQLite: there may be millions of them. */
const ORPHANS = `SELECT ${columns(['"table"', "parent", "count(*)"])}
  FROM pragma_foreign_key_check() GROUP BY "table", parent`;

/** A user's table named like a pragma's table function hides the function. */
async function orphansOfPragma(source: Source): Promise<ResultSet["rows"] | null> {
  const rows = await asked(source, "PRAGMA foreign_key_check");
  if (rows === null) return null;
  const counts = new Map<string, [Value, Value, number]>();
  for (const [table = null, , parent = null] of rows) {
    const pair = JSON.stringify([table, parent]);
    counts.set(pair, [table, parent, (counts.get(pair)?.[2] ?? 0) + 1]);
  }
  return [...counts.values()];
}

/** Lets every FTS5 index compare itself with what it indexes. */
export async function fullText(source: Source): Promise<Check> {
  const { schema } = await readSchema(source);
  const faults: string[] = [];
  for (const { definition, kind } of contentOf(schema).virtualTables) {
    if (!kind.startsWith("fts5") || kind === "fts5vocab" || isContentMissing(schema, definition)) continue;
    if (kind === "fts5-external" && !(await isContentReadable(source, definition))) continue;
    const name = quoteName(definition.name);
    // A rank above 0 compares with the content too, which a contentless table has not.
    const command =
      kind === "fts5-contentless"
        ? `INSERT INTO ${name}(${name}) VALUES('integrity-check')`
        : `INSERT INTO ${name}(${name},rank) VALUES('integrity-check',1)`;
    if ((await asked(source, command)) === null) {
      faults.push(`The full-text index of table "${definition.name}" does not fit its content`);
    }
  }
  return checkOf("fts", { faults });
}
