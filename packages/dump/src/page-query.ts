import { cellSize, easyCell, qualified, taggedCell, tree } from "./cell-sql.ts";
import { quoteName } from "./name.ts";
import { SEPARATOR_SQL } from "./row-block.ts";
import type { Column, KeyColumn, Table } from "./schema.ts";
import { columns, type Query } from "./source.ts";

/**
 * The queries that read rows. They come in two kinds.
 *
 * Easy: SQLite writes the literals and joins the rows, so that a page is one large string. A row that it cannot write
 * exactly, or that is larger than the page has room for, is a MARK and the row's key instead.
 *
 * Tagged: a row is one text of tagged cells (cell-sql.ts), from which literals are made here; exact for every value. A
 * row of more than `maxRow` bytes is a MARK.
 */

/** Stands in place of a row. Rows start with a parenthesis or with the tag of their first cell. */
export const MARK = "?";

/** Largest row in bytes that travels as one tagged text: as hexadecimal it stays below D1's 2,000,000 bytes a value. */
export const TAGGED_BYTES = 900_000;

/** The key of a row, each part tagged. Null stands before the first row. */
export type Cursor = readonly string[] | null;

/** A range of rows, in key order. */
export interface Range {
  readonly sql: string;
  readonly params: readonly (string | number)[];
  /** Rows to pass over; only for tables whose rows have no key that SQL can name. */
  readonly offset?: number;
}

interface PageOptions {
  readonly range: Range;
  readonly limit: number;
  readonly maxRow: number;
}

/** The columns an INSERT names: the rowid where it is no column, and every stored column. */
export function insertColumns(table: Table): string[] {
  return readColumns(table).map((column) => column.name);
}

function readColumns(table: Table): readonly Column[] {
  if (table.key.by !== "rowid" || table.key.place !== "beside") return table.columns;
  return [{ name: table.key.name, type: "INTEGER", pk: 0 }, ...table.columns];
}

/** One page of easy rows. Its result is one row of: rows in the page, their text, and the key of the last of them. */
export function easyPage(table: Table, { range, limit, maxRow }: PageOptions): Query {
  // A subquery with a LIMIT is not merged into the outer query, which would compute each row twice.
  const rows = (key: string) => `SELECT ${easyRow(table)} AS r,${key} AS k ${from(table, { range, limit })}`;
  const joined = (key: string) => `group_concat(iif(octet_length(r)<=${maxRow},r,${key}),${SEPARATOR_SQL})`;
  const page = (parts: { key: string; last: string; rows: string; more?: string[] }) => ({
    sql: `SELECT ${columns(["count(*)", joined(parts.key), parts.last, ...(parts.more ?? [])])} FROM (${parts.rows})`,
    params: range.params,
  });
  switch (table.key.by) {
    case "rowid":
      return page({ key: `'${MARK}i'||k`, last: "'i'||max(k)", rows: rows(qualified(table, table.key.name)) });
    case "key": {
      // Besides max(), a bare column comes from the row with the maximum (sqlite.org/lang_select.html, section 2.4).
      const numbered = `SELECT r,k,row_number() OVER () AS n FROM (${rows(taggedKey(table))})`;
      return page({ key: `'${MARK}'||k`, last: "k", more: ["max(n)"], rows: numbered });
    }
    case "hidden":
      return page({ key: `'${MARK}'`, last: "NULL", rows: rows("NULL") });
  }
}

/** Rows of any content. Each result row is: the tagged row or a mark, and its key. */
export function taggedPage(table: Table, { range, limit, maxRow }: PageOptions): Query {
  const cells = readColumns(table).map((column) => qualified(table, column.name));
  const size = tree(cells.map(cellSize), "+");
  const row = `iif(${size}>${maxRow},'${MARK}',${tree(cells.map(taggedCell), "||','||")})`;
  return { sql: `SELECT ${columns([row, taggedKey(table)])} ${from(table, { range, limit })}`, params: range.params };
}

/** The whole table as easy rows, one result row each; for databases that are read in one batch. */
export function easyTable(table: Table, maxRow: number): Query {
  const row = `iif(octet_length(r)<=${maxRow},r,'${MARK}')`;
  return {
    sql: `SELECT ${columns([row])} FROM (SELECT ${easyRow(table)} AS r ${from(table, { range: ALL, limit: -1 })})`,
  };
}

/** Type and size of each cell of one row: `n`, `i1`, `r1.5`, or `t` or `b` and the number of bytes. */
export function cellSizes(table: Table, range: Range): Query {
  const cells = readColumns(table).map((column) => qualified(table, column.name));
  const described = cells.map(
    (cell) =>
      `CASE typeof(${cell}) WHEN 'text' THEN 't'||octet_length(${cell}) WHEN 'blob' THEN 'b'||octet_length(${cell}) ELSE ${taggedCell(cell)} END`,
  );
  return { sql: `SELECT ${columns(described)} ${from(table, { range, limit: 1 })}`, params: range.params };
}

/** A piece of one cell as hexadecimal; `offset` counts bytes from 0. */
export function cellPiece(table: Table, piece: { range: Range; column: number; offset: number; bytes: number }): Query {
  const { range, column, offset, bytes } = piece;
  const name = readColumns(table)[column]?.name ?? "";
  const blob = `CAST(${qualified(table, name)} AS BLOB)`;
  return {
    sql: `SELECT ${columns([`hex(substr(${blob},${offset + 1},${bytes}))`])} ${from(table, { range, limit: 1 })}`,
    params: range.params,
  };
}

function easyRow(table: Table): string {
  const cells = readColumns(table).map((column) => {
    const cell = qualified(table, column.name);
    const isRowid = table.key.by === "rowid" && table.key.name === column.name;
    return isRowid ? cell : easyCell(cell, { ...column, strict: table.strict });
  });
  return `'('||${tree(cells, "||','||")}||')'`;
}

/** The parts of a row's key, tagged, as one text. */
function taggedKey(table: Table): string {
  const parts = keyColumns(table).map((key) => taggedCell(qualified(table, key.name)));
  return parts.length === 0 ? "NULL" : tree(parts, "||','||");
}

/** Every row. */
export const ALL: Range = { sql: "1", params: [] };

/**
 * What follows a cursor, as ranges of the key's index, nearest first: for a key (a, b) `a=? AND b>?`, then `a>?`. One OR
 * over both would scan the table.
 */
export function rangesAfter(table: Table, cursor: Cursor): Range[] {
  if (cursor === null) return [ALL];
  if (table.key.by === "hidden") return [{ ...ALL, offset: Number(cursor[0]) }];
  const keys = keyColumns(table);
  return keys.map((_, i) => rangeOf(table, { cursor, equal: keys.length - 1 - i, beyond: true }));
}

/** The one row with this key. */
export function rangeAt(table: Table, key: readonly string[]): Range {
  if (table.key.by === "hidden") return { ...ALL, offset: Number(key[0]) };
  return rangeOf(table, { cursor: key, equal: key.length, beyond: false });
}

function rangeOf(table: Table, options: { cursor: readonly string[]; equal: number; beyond: boolean }): Range {
  const { cursor, equal, beyond } = options;
  const params: (string | number)[] = [];
  const terms = keyColumns(table)
    .slice(0, beyond ? equal + 1 : equal)
    .map((key, i) => {
      const operator = i < equal ? "=" : key.descending ? "<" : ">";
      return `${collated(table, key)}${operator}${keyValue(cursor[i] ?? "n", params)}`;
    });
  return { sql: terms.join(" AND "), params };
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
      return parameter(Number(body));
    case "t":
      return `+CAST(unhex(${parameter(body)}) AS TEXT)`;
    case "b":
      return `+unhex(${parameter(body)})`;
    default:
      throw new RangeError("Cannot continue after a row whose key has no value");
  }
}

function keyColumns(table: Table): readonly KeyColumn[] {
  if (table.key.by === "key") return table.key.columns;
  if (table.key.by === "rowid") return [{ name: table.key.name, collation: "BINARY", descending: false }];
  return [];
}

function collated(table: Table, key: KeyColumn): string {
  const column = qualified(table, key.name);
  return table.key.by === "rowid" ? column : `${column} COLLATE ${quoteName(key.collation)}`;
}

function from(table: Table, { range, limit }: { range: Range; limit: number }): string {
  const terms = keyColumns(table).map((key) => `${collated(table, key)}${key.descending ? " DESC" : ""}`);
  const order = terms.length === 0 ? "" : `ORDER BY ${terms.join(",")}`;
  const offset = range.offset === undefined ? "" : `OFFSET ${range.offset}`;
  const where = table.only === undefined ? range.sql : `(${table.only}) AND ${range.sql}`;
  return `FROM ${quoteName(table.name)} WHERE ${where} ${order} LIMIT ${limit} ${offset}`;
}
