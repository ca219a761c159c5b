import type { DatabaseSync } from "node:sqlite";
import { compareRows, quoteName, readRows, refusal, type Source } from "./rows.ts";
import type { Column, Table } from "./schema.ts";

/** The names that reach the rowid, unless a column has taken them. */
const ROWID_NAMES = ["rowid", "_rowid_", "oid"];

/** A name that reaches a table's rowid. An FTS5 table has a hidden column of its own name besides those it lists. */
export function rowidName({ columns }: Pick<Table, "columns">): string | undefined {
  if (typeof columns === "string") return undefined;
  const taken = new Set(columns.map((column) => column.name.toLowerCase()));
  return ROWID_NAMES.find((name) => !taken.has(name));
}

/**
 * How a table's rows are read: by rowid where a name reaches it, by primary key where there is no rowid, and by all
 * that they hold where columns named rowid, oid and _rowid_ hide it.
 */
function tableSource(database: DatabaseSync, table: Table, columns: readonly Column[]): Source {
  const plain = columns.filter((column) => column.hidden !== 1).map((column) => column.name);
  const expressions = plain.map((column) => `src.${quoteName(column)}`);
  const from = `main.${quoteName(table.name)} AS src`;
  if (table.withoutRowid) {
    const rows = database.prepare(`PRAGMA main.table_xinfo(${quoteName(table.name)})`).all();
    const keys = rows.filter((row) => Number(row["pk"]) > 0).map((row) => plain.indexOf(String(row["name"])));
    // NOT INDEXED reads the table in the order of its key, whatever covering index would be narrower.
    return { from: `${from} NOT INDEXED`, columns: plain, expressions, key: keys };
  }
  const rowid = rowidName(table);
  if (rowid === undefined) return { from: `${from} NOT INDEXED`, columns: plain, expressions, key: [] };
  return {
    from,
    columns: [rowid, ...plain],
    expressions: [`src.${rowid}`, ...expressions],
    key: [0],
    order: `src.${rowid}`,
  };
}

/** The differences between the rows of a table that has the same columns in both databases. */
export function* compareTableRows(left: DatabaseSync, right: DatabaseSync, table: Table): Generator<string> {
  if (typeof table.columns === "string") return;
  const source = tableSource(left, table, table.columns);
  const stored = table.columns.filter((column) => column.hidden !== 2);
  try {
    yield* compareRows(readRows(left, source), readRows(right, source), source);
    return;
  } catch (error) {
    if (stored.length === table.columns.length) throw error;
  }
  // ADD COLUMN takes a generated column that fails for rows that are there (malformed JSON, say), and from then on
  // nobody can read it. It is not stored: the same SQL over the same other columns is the same column.
  const before = refusal(left, source);
  const after = refusal(right, source);
  if (before !== after) yield `reading its generated columns: ${before ?? "works"}, now ${after ?? "works"}`;
  const rest = tableSource(left, table, stored);
  yield* compareRows(readRows(left, rest), readRows(right, rest), rest);
}
