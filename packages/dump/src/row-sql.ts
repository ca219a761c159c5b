import { cellSize, easyCell, taggedCell, taggedCellOf } from "./cell-sql.ts";
import { D1_LIMITS } from "./d1-limits.ts";
import { guardOf } from "./guard.ts";
import { quoteName, quoteText } from "./name.ts";
import type { Column, Table } from "./schema.ts";
import { keyColumns, qualified, readColumns } from "./table-columns.ts";
import { tree } from "./tree.ts";

/**
 * Rows as SQL expressions. Every column is named once, in a subquery that gives it a short name: SQLite merges that
 * subquery into the query around it, so it costs nothing, and a table of a hundred columns with long names still makes a
 * statement below D1's 100,000 bytes. The names differ from those that columns() gives to results: ORDER BY would take
 * a result's.
 */

/** Stands in place of a row. Rows start with a parenthesis or with the tag of their first cell. */
export const MARK = "?";

/** Columns of one SELECT, and its aggregates. */
export const MAX_COLUMNS = D1_LIMITS.column;

/** Columns of which the cells go into one query at most when rows are tagged; and bytes of their full names. */
export const GROUP_COLUMNS = 45;
const GROUP_NAMES = 30_000;

/** A part of a table's columns under short names, as a query can select from it. */
export interface Selection {
  /** `(SELECT ... FROM table)` */
  readonly from: string;
  /** The short names of the read columns that belong to it. */
  readonly cells: readonly { readonly name: string; readonly column: Column }[];
  /** The short names of the key's columns, in key order. */
  readonly keys: readonly string[];
  /** The name of the guard's result, or null where it is not part of it. */
  readonly guard: string | null;
}

/** Selects read columns by their place, together with the key. Null when they are more than a SELECT takes. */
function select(table: Table, options: { places: readonly number[]; guarded: boolean }): Selection | null {
  const all = readColumns(table);
  const names = new Map<string, string>();
  const list: string[] = [];
  const add = (column: Column, name: string) => {
    names.set(column.name, name);
    list.push(`${shownValue(table, column)} AS ${name}`);
  };
  const cells = options.places.flatMap((place) => {
    const column = all[place];
    if (column === undefined) return [];
    add(column, `v${place}`);
    return [{ name: `v${place}`, column }];
  });
  const keys = keyColumns(table).map(({ name }, i) => {
    if (!names.has(name)) add({ name, type: "" }, `k${i}`);
    return names.get(name) ?? "";
  });
  const guard = options.guarded ? guardOf(table) : null;
  if (guard !== null) list.push(`${guard} AS g`);
  if (list.length > MAX_COLUMNS) return null;
  const only = table.only === undefined ? "" : ` WHERE ${table.only}`;
  return {
    from: `(SELECT ${list.length === 0 ? "1" : list.join(",")} FROM ${quoteName(table.name)}${only})`,
    cells,
    keys,
    guard: guard === null ? null : "g",
  };
}

/** What a query reads of a column: its value, or what stands in its place. A digest is made later, of the value. */
function shownValue(table: Table, { name, redacted }: Column): string {
  switch (redacted?.as) {
    case "null":
      return "NULL";
    case "text":
      return quoteText(redacted.text);
    default:
      return qualified(table, name);
  }
}

/**
 * All columns with the guard; null when they are too many, or when SQLite cannot write all of their values: it has no
 * keyed digest.
 */
export function selectAll(table: Table): Selection | null {
  if (table.columns.some(({ redacted }) => redacted?.as === "digest")) return null;
  return select(table, { places: [...readColumns(table).keys()], guarded: true });
}

/** All columns in groups of at most so many, without the guard. */
export function selectGroups(table: Table, most = GROUP_COLUMNS): Selection[] {
  const groups: number[][] = [];
  let bytes = 0;
  for (const [place, { name }] of readColumns(table).entries()) {
    const size = new TextEncoder().encode(qualified(table, name)).length;
    const last = groups.at(-1);
    if (last === undefined || last.length >= most || bytes + size > GROUP_NAMES) {
      groups.push([place]);
      bytes = size;
    } else {
      last.push(place);
      bytes += size;
    }
  }
  return groups.flatMap((places) => select(table, { places, guarded: false }) ?? narrow(table, places));
}

/** A key of so many columns that no group fits beside it holds all columns anyway. */
function narrow(table: Table, places: readonly number[]): Selection[] {
  return places.flatMap((place) => select(table, { places: [place], guarded: false }) ?? []);
}

/** The key and the guard alone. */
export function selectGuard(table: Table): Selection | null {
  return select(table, { places: [], guarded: true });
}

/** A row's finished literals in parentheses; NULL when the row needs more than that. */
export function easyRow(table: Table, { cells, guard }: Selection): string {
  const literals = cells.map(({ name, column }) => {
    const isRowid = table.key.by === "rowid" && table.key.name === column.name;
    return isRowid ? name : easyCell(name, { ...column, strict: table.strict });
  });
  const row = `'('||${tree(literals, "||','||")}||')'`;
  return guard === null ? row : `iif(${guard},${row},NULL)`;
}

/** A row's tagged cells with commas between, or a mark when they have more than `maxBytes`. */
export function taggedRow({ cells }: Selection, maxBytes: number): string {
  const size = tree(
    cells.map(({ name }) => cellSize(name)),
    "+",
  );
  const tagged = cells.map(({ name, column }) => taggedCellOf(name, column));
  return `iif(${size}>${maxBytes},'${MARK}',${tree(tagged, "||','||")})`;
}

/** The parts of a row's key, tagged, as one text. */
export function taggedKey({ keys }: Selection): string {
  return keys.length === 0 ? "NULL" : tree(keys.map(taggedCell), "||','||");
}

/** Type and size of a cell: `n`, `i1`, a REAL, or `t` or `b` and the number of bytes. */
export function describedCell(cell: string): string {
  return `CASE typeof(${cell}) WHEN 'text' THEN 't'||octet_length(${cell}) WHEN 'blob' THEN 'b'||octet_length(${cell}) ELSE ${taggedCell(cell)} END`;
}
