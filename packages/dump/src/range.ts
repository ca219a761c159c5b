import { quoteName } from "./name.ts";
import { parseReal } from "./row-line.ts";
import type { Table } from "./schema.ts";
import { keyColumns, qualified } from "./table-columns.ts";
import { tree } from "./tree.ts";

/** The key of a row, each part tagged. Null stands before the first row. */
export type Cursor = readonly string[] | null;

/** A range of rows in key order, by conditions on the key's columns. */
export type Range =
  | { readonly kind: "all" }
  /** The first `equal` columns are the key's, and the next one, if `beyond`, lies behind it in key order. */
  | { readonly kind: "key"; readonly key: readonly string[]; readonly equal: number; readonly beyond: boolean }
  /** Rows that no key names, by the number of rows before them. */
  | { readonly kind: "offset"; readonly rows: number };

export const ALL: Range = { kind: "all" };

/**
 * What follows a cursor, as ranges of the key's index, nearest first: for a key (a, b) `a=? AND b>?`, then `a>?`. One OR
 * over both would scan the table.
 */
export function rangesAfter(table: Table, cursor: Cursor): Range[] {
  if (cursor === null) return [ALL];
  if (table.key.by === "hidden") return [{ kind: "offset", rows: Number(cursor[0]) }];
  const parts = keyColumns(table).length;
  return Array.from({ length: parts }, (_, i) => ({ kind: "key", key: cursor, equal: parts - 1 - i, beyond: true }));
}

/** The one row with this key. */
export function rangeAt(table: Table, key: readonly string[]): Range {
  if (table.key.by === "hidden") return { kind: "offset", rows: Number(key[0]) };
  return { kind: "key", key, equal: key.length, beyond: false };
}

/** The same condition on the table itself, for queries that name its columns. */
export function whereOf(
  table: Table,
  range: Range,
): { where: string; params: readonly (string | number)[]; offset: string } {
  const keys = keyColumns(table).map((key) => {
    const name = qualified(table, key.name);
    return { ...key, sql: table.key.by === "rowid" ? name : `${name} COLLATE ${quoteName(key.collation)}` };
  });
  const offset = range.kind === "offset" ? `OFFSET ${range.rows}` : "";
  return { ...conditions(range, keys), offset };
}

/** The condition of a range on the columns of the key, each as it is written in the query. */
export function conditions(range: Range, keys: readonly { sql: string; descending: boolean }[]) {
  const params: (string | number)[] = [];
  if (range.kind !== "key") return { where: "", params };
  const terms = keys.slice(0, range.beyond ? range.equal + 1 : range.equal).map(({ sql, descending }, i) => {
    const operator = i < range.equal ? "=" : descending ? "<" : ">";
    return `(${sql}${operator}${keyValue(range.key[i] ?? "n", params)})`;
  });
  return { where: `WHERE ${tree(terms, " AND ")} `, params };
}

/**
 * One part of a key. A leading `+` takes away the affinity that CAST would give it, so that it is compared as it is
 * stored. Parameters carry text and blobs as hexadecimal: a key may be longer than a statement.
 */
function keyValue(tagged: string, params: (string | number)[]): string {
  const body = tagged.slice(1);
  const parameter = (value: string | number) => {
    params.push(value);
    return `?${params.length}`;
  };
  switch (tagged[0]) {
    case "i":
      return `+CAST(${parameter(body)} AS INTEGER)`;
    case "r":
      return realKey(parseReal(body), parameter);
    case "t":
      return `+CAST(unhex(${parameter(body)}) AS TEXT)`;
    case "b":
      return `+unhex(${parameter(body)})`;
    default:
      throw new RangeError("Cannot continue after a row whose key has no value");
  }
}

/** JSON, in which parameters travel to D1, has no infinities. */
function realKey(value: number, parameter: (value: number) => string): string {
  if (Number.isFinite(value)) return parameter(value);
  return value > 0 ? "9e999" : "-9e999";
}
