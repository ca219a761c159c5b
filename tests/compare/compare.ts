import type { DatabaseSync } from "node:sqlite";
import { compareForeignKeys, compareIntegrity } from "./checks.ts";
import { openDatabaseFile } from "./d1-file.ts";
import { compareFts, ftsSubject } from "./fts.ts";
import { quoteName } from "./rows.ts";
import { compareSchemas, readSchema, type Table } from "./schema.ts";
import { compareSystemTables } from "./system-tables.ts";
import { compareTableRows } from "./table-rows.ts";

export interface CompareOptions {
  /** FTS5 tables whose index is left out, because SQL text cannot carry it. All else of them is still compared. */
  readonly exceptFts?: readonly string[] | undefined;
  /** How many differences of one table are told. Default 20; the rest is counted. */
  readonly limit?: number;
}

/**
 * Says in words how the right database differs from the left one; an empty list means that they are equal. It shares
 * no code with Patina's dumper, so that one fault cannot hide in both.
 *
 * Compared: schema objects and their exact SQL, columns, rows with type and every byte, rowids that a name reaches,
 * generated values, the order of keys, AUTOINCREMENT counters, statistics, FTS5 settings, words and search results,
 * R*Tree rows, foreign-key violations, integrity. Not compared: rowids hidden behind columns named rowid, oid and
 * _rowid_; user_version and application_id, which D1 does not reveal; page size and other layout.
 */
export function compare(
  left: DatabaseSync | string,
  right: DatabaseSync | string,
  options: CompareOptions = {},
): string[] {
  const opened: DatabaseSync[] = [];
  function open(database: DatabaseSync | string): DatabaseSync {
    if (typeof database !== "string") return database;
    const connection = openDatabaseFile(database);
    opened.push(connection);
    return connection;
  }
  try {
    return findDifferences(open(left), open(right), options);
  } finally {
    for (const connection of opened) connection.close();
  }
}

function findDifferences(left: DatabaseSync, right: DatabaseSync, options: CompareOptions): string[] {
  const found: string[] = [];
  const limit = options.limit ?? 20;
  const before = readSchema(left);
  const after = readSchema(right);

  const encodings = [left, right].map((database) => database.prepare("PRAGMA encoding").get()?.["encoding"]);
  if (encodings[0] !== encodings[1]) found.push(`encoding ${encodings[0]} became ${encodings[1]}`);
  found.push(...compareSchemas(before, after));

  for (const table of before.tables.values()) {
    const other = after.tables.get(table.name);
    if (other === undefined || table.type === "view" || other.type !== table.type) continue;
    const leaveOutIndex = options.exceptFts?.includes(table.name) === true;
    const lines = guard(table, () => compareContents(left, right, { table, other, leaveOutIndex }));
    found.push(...take(limit, lines));
  }
  for (const [name, lines] of Map.groupBy(compareSystemTables(left, right), ([table]) => table)) {
    const named = lines.map(([, line]) => `${name}: ${line}`);
    found.push(...take(limit, named));
  }
  found.push(...Array.from(compareIntegrity(left, right), (message) => `integrity_check: ${message}`));
  return found;
}

/** `table` as it is on the left, `other` as it is on the right, and whether the index of an FTS5 table is left out. */
interface Pair {
  readonly table: Table;
  readonly other: Table;
  readonly leaveOutIndex: boolean;
}

function* compareContents(left: DatabaseSync, right: DatabaseSync, pair: Pair): Generator<string> {
  const { table, other, leaveOutIndex } = pair;
  const name = `table ${quoteName(table.name)}`;
  const module = table.virtual?.module;
  if (columnNames(table) !== columnNames(other)) {
    yield `${name}: rows are not compared, because the columns differ`;
    return;
  }
  // The words of fts5vocab are those of its FTS5 table.
  if (module === "fts5vocab") return;
  if (module !== "fts5" || table.virtual?.options.get("content") === undefined) {
    for (const line of compareTableRows(left, right, table)) yield `${name}: ${line}`;
  }
  if (table.type === "table") {
    for (const line of compareForeignKeys(left, right, table)) yield `${name}: ${line}`;
  }
  if (module !== "fts5") return;
  for (const { message, ofIndex } of compareFts(left, right, table)) {
    if (!(leaveOutIndex && ofIndex)) yield `${ftsSubject(table)}: ${message}`;
  }
}

function columnNames(table: Table): string {
  return JSON.stringify(typeof table.columns === "string" ? table.columns : table.columns.map((column) => column.name));
}

/** What cannot be read cannot be called equal: the refusal is a difference, whichever database it came from. */
function* guard(table: Table, lines: () => Iterable<string>): Generator<string> {
  try {
    yield* lines();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    yield `table ${quoteName(table.name)}: cannot be compared: ${reason}`;
  }
}

function take(limit: number, lines: Iterable<string>): string[] {
  const taken: string[] = [];
  let more = 0;
  for (const line of lines) {
    if (taken.length < limit) taken.push(line);
    else more++;
  }
  if (more > 0) taken.push(`... and ${more} more of the same table`);
  return taken;
}
