import { leastRoom, MAX_COUNTED_ROWS, type RowSums, rowSums } from "./fingerprint-sql.ts";
import { quoteName } from "./name.ts";
import { ALL, conditions, type Range } from "./range.ts";
import { SEPARATOR_SQL } from "./row-block.ts";
import {
  describedCell,
  easyRow,
  GROUP_COLUMNS,
  MARK,
  MAX_COLUMNS,
  type Selection,
  selectAll,
  selectGroups,
  selectGuard,
  taggedKey,
  taggedRow,
} from "./row-sql.ts";
import type { Table } from "./schema.ts";
import { columns, type Query } from "./source.ts";
import { keyColumns } from "./table-columns.ts";

/**
 * The queries that read rows. They come in two kinds.
 *
 * Easy: SQLite writes the literals and joins the rows, so that a page is one large string. A row that it cannot write
 * exactly, that is larger than the page has room for, or that could not be inserted again like any other (guard.ts) is a
 * MARK and the row's key instead.
 *
 * Tagged: a row is a text of tagged cells (cell-sql.ts), from which literals are made here; exact for every value. A row
 * of more than `maxRow` bytes is a MARK.
 */

/** Largest part of a row in bytes that travels as one tagged text: as hexadecimal it stays below D1's 2,000,000 a value. */
export const TAGGED_BYTES = 900_000;

/** Longest statement sent; D1 takes 100,000 bytes. */
const MAX_QUERY_BYTES = 95_000;

export interface PageOptions {
  readonly range: Range;
  readonly limit: number;
  readonly maxRow: number;
}

/** A query for a page, which also counts its rows; how its columns are understood, the last one by `sums`. */
export interface CountedPage {
  readonly query: Query;
  readonly sums: RowSums;
}

/**
 * One page of easy rows. Its result is one row of: rows in the page, their text, the key of the last of them, and their
 * sums. Null when the table has too many columns, or too long names, for one statement.
 */
export function easyPage(table: Table, options: PageOptions & { readonly maxLine: number }): CountedPage | null {
  const all = selectAll(table);
  if (all === null) return null;
  switch (table.key.by) {
    case "rowid":
      return joinedRows(table, {
        ...options,
        selection: all,
        key: { sql: all.keys[0] ?? "NULL", mark: `'${MARK}i'||k`, last: "'i'||max(k)" },
      });
    case "key":
      return joinedRows(table, {
        ...options,
        selection: all,
        // All keys, of which lastKey() takes the last: a window to find it makes D1 count every row three times.
        key: { sql: taggedKey(all), mark: `'${MARK}'||k`, last: `group_concat(k,'${KEYS}')` },
      });
    case "hidden":
      return joinedRows(table, { ...options, selection: all, key: KEYLESS });
  }
}

/**
 * A whole table as one page without keys, for databases that are read in one batch. It may be too long for one value, or
 * have more rows than can be counted: then it ends after MAX_COUNTED_ROWS and one.
 */
export function easyTable(table: Table, maxLine: number): CountedPage | null {
  const all = selectAll(table);
  if (all === null) return null;
  const options = { range: ALL, limit: MAX_COUNTED_ROWS + 1, maxRow: maxLine, maxLine };
  return joinedRows(table, { ...options, selection: all, key: KEYLESS });
}

/** How a page names its rows' keys: of each row, behind a mark, and of the last row. */
interface PageKey {
  readonly sql: string;
  readonly mark: string;
  readonly last: string;
}

const KEYLESS: PageKey = { sql: "NULL", mark: `'${MARK}'`, last: "NULL" };

function joinedRows(
  table: Table,
  options: PageOptions & { readonly maxLine: number; readonly selection: Selection; readonly key: PageKey },
): CountedPage | null {
  const { selection, key } = options;
  // Each sum is a column beside the row and its key, and an aggregate beside the count, the rows and the last key.
  const room = MAX_COLUMNS - 3;
  if (room < leastRoom(selection.cells.length)) return null;
  const sums = rowSums(table, { cells: selection.cells, room });
  // A subquery with a LIMIT is not merged into the outer query, which would compute each row twice.
  const { tail, params } = tailOf(table, options);
  const rows = `SELECT ${[`${easyRow(table, selection)} AS r`, `${key.sql} AS k`, ...sums.ofRow].join(",")} FROM ${selection.from} ${tail}`;
  const joined = `group_concat(iif(${fits(options)},r,${key.mark}),${SEPARATOR_SQL})`;
  const list = columns(["count(*)", joined, key.last, sums.aggregate]);
  const query = fitting({ sql: `SELECT ${list} FROM (${rows})`, params });
  return query === null ? null : { query, sums };
}

/** Stands between keys; tagged cells do not hold it. */
const KEYS = "|";

/** The key of a page's last row, its parts tagged, from what easyPage() gives. */
export function lastKey(keys: string): string[] {
  return keys.slice(keys.lastIndexOf(KEYS) + 1).split(",");
}

/**
 * The whole table as easy rows, a result row each: the row and its sums, or the row alone when both are too long for one
 * statement. Null when the row is.
 */
export function easyRows(
  table: Table,
  maxLine: number,
): { readonly query: Query; readonly sums: RowSums | null } | null {
  const all = selectAll(table);
  if (all === null) return null;
  const sums = rowSums(table, all);
  const { tail } = tailOf(table, { selection: all, range: ALL, limit: -1 });
  const row = `iif(${fits({ maxRow: maxLine, maxLine })},r,'${MARK}')`;
  const rows = (beside: string) => `(SELECT ${easyRow(table, all)} AS r${beside} FROM ${all.from} ${tail})`;
  const counted = fitting({ sql: `SELECT ${columns([row, "s"])} FROM ${rows(`,${sums.text} AS s`)}` });
  if (counted !== null) return { query: counted, sums };
  const query = fitting({ sql: `SELECT ${columns([row])} FROM ${rows("")}` });
  return query === null ? null : { query, sums: null };
}

/**
 * Whether an easy row is at most `maxRow` long, and its line at most `maxLine` once it is finished: a line break becomes a
 * mark of a few letters, with a replace() around its literal, and a keyword of transactions is split. Counted only where
 * that could matter; a row that might not fit is read cell by cell, which tells exactly.
 */
function fits({ maxRow, maxLine }: { maxRow: number; maxLine: number }): string {
  const breaks = "octet_length(r)-octet_length(replace(replace(r,char(10),''),char(13),''))";
  const finished = `octet_length(r)+8*(${breaks})+${LITERALS_BYTES}<=${maxLine}`;
  const isWhole = "NOT instr(r,'COMMIT;') AND NOT instr(r,'BEGIN TRANSACTION')";
  const isShort = `octet_length(r)<=${Math.floor(maxLine / 12) - LITERALS_BYTES}`;
  return `octet_length(r)<=${maxRow} AND (${isShort} OR (${finished} AND ${isWhole}))`;
}

/** What is put around the literals of one row at most, of which a hundred columns may each need some. */
const LITERALS_BYTES = 5_000;

function fitting(query: Query): Query | null {
  return isShort(query) ? query : null;
}

function isShort({ sql }: Query): boolean {
  return new TextEncoder().encode(sql).length <= MAX_QUERY_BYTES;
}

/** What is made of the table's columns, in as few groups as statements that D1 takes allow: the key is in each of them. */
export function groupQueries<T extends { readonly query: Query }>(
  table: Table,
  make: (group: Selection, place: number) => T,
): T[] {
  for (let most = GROUP_COLUMNS; ; most >>= 1) {
    const made = selectGroups(table, most).map(make);
    if (most === 1 || made.every(({ query }) => isShort(query))) return made;
  }
}

/**
 * Rows of any content: one query for each group of columns, all of them to be asked in one batch. A result row is the
 * group's tagged cells or a mark, and the key. Behind them, when `guarded`, a query whose rows are 1 or 0: whether the
 * row passes the guard.
 */
export function taggedPage(table: Table, options: PageOptions & { readonly guarded: boolean }): Query[] {
  const { maxRow } = options;
  const groups = groupQueries(table, (selection, i) => {
    const list = i === 0 ? [taggedRow(selection, maxRow), taggedKey(selection)] : [taggedRow(selection, maxRow)];
    return { query: asked(table, { ...options, selection, list }) };
  });
  return [...groups.map(({ query }) => query), ...(options.guarded ? guards(table, options) : [])];
}

/** A whole table as taggedPage() gives it, with the sums of each row as a third column: a query and its sums a group. */
export function taggedTable(table: Table, { guarded }: { guarded: boolean }) {
  const options = { range: ALL, limit: -1 };
  const groups = groupQueries(table, (selection, i) => {
    const sums = rowSums(table, selection);
    const list = [taggedRow(selection, TAGGED_BYTES), i === 0 ? taggedKey(selection) : "NULL", sums.text];
    return { sums, query: asked(table, { ...options, selection, list }) };
  });
  return { groups, guards: guarded ? guards(table, options) : [] };
}

function guards(table: Table, options: Pick<PageOptions, "range" | "limit">): Query[] {
  const selection = selectGuard(table);
  if (selection === null || selection.guard === null) return [];
  return [asked(table, { ...options, selection, list: [selection.guard] })];
}

function asked(
  table: Table,
  options: { selection: Selection; range: Range; limit: number; list: readonly string[] },
): Query {
  const { tail, params } = tailOf(table, options);
  return { sql: `SELECT ${columns(options.list)} FROM ${options.selection.from} ${tail}`, params };
}

/** Type and size of each cell of one row, one query for each group of columns. */
export function cellSizes(table: Table, range: Range): Query[] {
  return selectGroups(table).map((group) => {
    const { tail, params } = tailOf(table, { selection: group, range, limit: 1 });
    return {
      sql: `SELECT ${columns(group.cells.map(({ name }) => describedCell(name)))} FROM ${group.from} ${tail}`,
      params,
    };
  });
}

/** A piece of one cell as hexadecimal; `offset` counts bytes from 0. */
export function cellPiece(table: Table, piece: { range: Range; column: number; offset: number; bytes: number }): Query {
  const { range, column, offset, bytes } = piece;
  const group = selectGroups(table).find(({ cells }) => cells.some(({ name }) => name === `v${column}`));
  if (group === undefined) throw new RangeError(`Cannot read column ${column} of table "${table.name}"`);
  const { tail, params } = tailOf(table, { selection: group, range, limit: 1 });
  const part = `hex(substr(CAST(v${column} AS BLOB),${offset + 1},${bytes}))`;
  return { sql: `SELECT ${columns([part])} FROM ${group.from} ${tail}`, params };
}

/** WHERE, ORDER BY and LIMIT over a selection. */
export function tailOf(table: Table, options: { selection: Selection; range: Range; limit: number }) {
  const { selection, range, limit } = options;
  const keys = keyColumns(table).map((key, i) => {
    const name = selection.keys[i] ?? "";
    return { ...key, sql: table.key.by === "rowid" ? name : `${name} COLLATE ${quoteName(key.collation)}` };
  });
  const order = keys.map(({ sql, descending }) => `${sql}${descending ? " DESC" : ""}`).join(",");
  const { where, params } = conditions(range, keys);
  const offset = range.kind === "offset" ? `OFFSET ${range.rows}` : "";
  return { tail: `${where}${order === "" ? "" : `ORDER BY ${order}`} LIMIT ${limit} ${offset}`, params };
}
