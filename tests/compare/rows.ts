import type { DatabaseSync } from "node:sqlite";
import { describe, describeChange, fingerprint, type Row, sameAt, sameRow } from "./cell.ts";

/** What is read from both databases, and how its rows are told apart. */
export interface Source {
  /** What stands behind FROM; its alias is src. */
  readonly from: string;
  /** Names for the report, one for each expression. */
  readonly columns: readonly string[];
  /** SQL expressions over src, one for each column. */
  readonly expressions: readonly string[];
  /** Numbers of the columns that identify a row. None: rows are told apart by all they hold, and may repeat. */
  readonly key: readonly number[];
  /** What stands behind ORDER BY, if the order is not the one in which the table is stored. */
  readonly order?: string;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Reads a source row by row, each value exactly as it is stored. */
export function* readRows(database: DatabaseSync, source: Source): Generator<Row, undefined> {
  const types = source.expressions.map((e) => `substr(typeof(${e}), 1, 1)`).join(" || ");
  const values = source.expressions.map((e) => `CASE typeof(${e}) WHEN 'text' THEN CAST(${e} AS BLOB) ELSE ${e} END`);
  const order = source.order === undefined ? "" : ` ORDER BY ${source.order}`;
  const statement = database.prepare(`SELECT ${[types, ...values].join(", ")} FROM ${source.from}${order}`);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  // With setReturnArrays() each row is an array, whatever the declared type says.
  for (const row of statement.iterate() as unknown as Iterable<Row["cells"]>) {
    yield { types: String(row[0]), cells: row.slice(1) };
  }
  return undefined;
}

/** The message with which SQLite refuses to read a source to its end, or null. */
export function refusal(database: DatabaseSync, source: Source): string | null {
  try {
    for (const _ of readRows(database, source));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The differences between two readings of one source. As long as both give the same rows nothing is kept in memory;
 * from the first difference on, the rest of both is matched by key, or by content where there is no key.
 */
export function* compareRows(left: Iterator<Row>, right: Iterator<Row>, source: Source): Generator<string> {
  let a = left.next();
  let b = right.next();
  while (a.done !== true && b.done !== true && sameRow(a.value, b.value)) {
    a = left.next();
    b = right.next();
  }
  if (a.done === true && b.done === true) return;
  const before = collect(a, left, source);
  const after = collect(b, right, source);
  let found = 0;
  for (const difference of matchRows(before, after, source)) {
    found++;
    yield difference;
  }
  // Without a key the order in which rows are stored says nothing that SQL could restore.
  if (found === 0 && source.key.length > 0) yield "the same rows come in another order";
}

type Rows = Map<string, Row[]>;

function collect(first: IteratorResult<Row>, rest: Iterator<Row>, source: Source): Rows {
  const columns = source.key.length > 0 ? source.key : source.columns.map((_, i) => i);
  const rows: Rows = new Map();
  for (let next = first; next.done !== true; next = rest.next()) {
    const id = fingerprint(next.value, columns);
    const equals = rows.get(id);
    if (equals === undefined) rows.set(id, [next.value]);
    else equals.push(next.value);
  }
  return rows;
}

function* matchRows(before: Rows, after: Rows, source: Source): Generator<string> {
  for (const [id, rows] of before) {
    const others = after.get(id) ?? [];
    for (const [i, row] of rows.entries()) {
      const other = others[i];
      if (other === undefined) yield `${nameRow(row, source)} is missing`;
      else yield* compareCells(row, other, source);
    }
  }
  for (const [id, rows] of after) {
    for (const row of rows.slice(before.get(id)?.length ?? 0)) yield `${nameRow(row, source)} was not there before`;
  }
}

function* compareCells(left: Row, right: Row, source: Source): Generator<string> {
  for (const [i, column] of source.columns.entries()) {
    if (sameAt(left, right, i)) continue;
    yield `${nameRow(left, source)}, column ${quoteName(column)}: ${describeChange(left, right, i)}`;
  }
}

/** Names a row by its key, or by its first cells. */
function nameRow(row: Row, source: Source): string {
  const columns = source.key.length > 0 ? source.key : source.columns.map((_, i) => i).slice(0, 5);
  return `row ${columns.map((i) => `${source.columns[i]} = ${describe(row, i)}`).join(", ")}`;
}
