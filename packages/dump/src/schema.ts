import type { Replacement } from "@patina/core/rules";
import { checksOf } from "./definition-text.ts";
import { folded, isInternalName } from "./name.ts";
import { shadowNames } from "./virtual-table.ts";

/** One column that is stored; generated ones are computed again on restore. */
export interface Column {
  readonly name: string;
  readonly type: string;
  /** What the dump has in place of its values; the values themselves when absent. */
  readonly redacted?: Replacement;
}

/** One column of a WITHOUT ROWID table's key, in key order. */
export interface KeyColumn {
  readonly name: string;
  readonly collation: string;
  readonly descending: boolean;
}

/** How the rows of a table are told apart and put in order. */
export type RowKey =
  /**
   * By rowid, under this name. It is a column of the table (INTEGER PRIMARY KEY), or is written besides the columns, or
   * not written at all because nobody can see it.
   */
  | { readonly by: "rowid"; readonly name: string; readonly place: "column" | "beside" | "unwritten" }
  | { readonly by: "key"; readonly columns: readonly KeyColumn[] }
  /** Columns are named rowid, oid and _rowid_: the real rowid cannot be reached in SQL. */
  | { readonly by: "hidden" };

export interface Table {
  readonly name: string;
  readonly sql: string;
  readonly columns: readonly Column[];
  /** Names of the generated columns. */
  readonly generated: readonly string[];
  readonly key: RowKey;
  readonly strict: boolean;
  /** Tables that its foreign keys point at, as the keys name them. */
  readonly parents: readonly string[];
  /** The expressions of its CHECK constraints. */
  readonly checks: readonly string[];
  /** An SQL condition for the rows that are read; all of them when absent. */
  readonly only?: string;
}

/** The condition that no row meets: for tables whose rows are left out. */
export const NO_ROW = "0";

/** An index, a view or a trigger. */
export interface Definition {
  readonly name: string;
  readonly sql: string;
}

export interface Trigger extends Definition {
  /** The table or view that it is on. */
  readonly table: string;
}

export interface Index extends Definition {
  /** Whether it makes unique what a foreign key points at, which thus cannot be used without it. */
  readonly isKey: boolean;
  readonly table: string;
}

/** A virtual table with the columns that can be read from it. */
export interface VirtualTable extends Definition {
  readonly columns: readonly Column[];
  /** Whether its rows are left out. */
  readonly isExcluded?: boolean;
}

/** Everything that `sqlite_schema` defines, internal tables left out, in the order of definition. */
export interface Schema {
  readonly tables: readonly Table[];
  readonly virtualTables: readonly VirtualTable[];
  readonly indexes: readonly Index[];
  readonly views: readonly Definition[];
  readonly triggers: readonly Trigger[];
  /** Whether the database has these tables of SQLite's own. */
  readonly hasSequences: boolean;
  readonly hasStatistics: boolean;
}

/** One row of `sqlite_schema`. */
export interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly sql: string | null;
}

/** What the pragmas say of one table. */
export interface TableFacts {
  readonly type: string;
  readonly withoutRowid: boolean;
  readonly strict: boolean;
  /** `hidden` is 0 for a stored column, 2 and 3 for generated ones, 1 for what a virtual table hides. */
  readonly columns: readonly { name: string; type: string; pk: number; hidden: number }[];
  /** The columns of the index behind a PRIMARY KEY that is no rowid. */
  readonly key: readonly KeyColumn[];
  /** The table that each foreign key points at, and the columns that it names there: none for the primary key. */
  readonly foreignKeys: readonly { parent: string; columns: readonly string[] }[];
  /** Indexes made by CREATE UNIQUE INDEX over whole columns and all rows. */
  readonly uniqueIndexes: readonly { name: string; columns: readonly string[] }[];
}

/** Puts a schema together from what sqlite_schema and the pragmas say. */
export function toSchema(objects: readonly SchemaObject[], facts: ReadonlyMap<string, TableFacts>): Schema {
  const own = objects.filter(({ type, name, sql }) => type === "table" && sql !== null && !isInternalName(name));
  const virtual = own.filter(({ name }) => facts.get(name)?.type === "virtual").map(defined);
  // pragma_table_list calls a user's own table "shadow" when its name merely looks like one.
  const shadows = new Set(virtual.flatMap((table) => shadowNames(table)).map(folded));
  const tables: Table[] = [];
  const virtualTables: VirtualTable[] = [];
  for (const object of own) {
    const table = facts.get(object.name);
    if (table === undefined || shadows.has(folded(object.name))) continue;
    const definition = defined(object);
    if (table.type === "virtual") virtualTables.push({ ...definition, columns: storedColumns(table) });
    else tables.push(toTable(definition, table));
  }
  const keys = keyIndexes(facts);
  const all = (wanted: string) =>
    objects
      .filter(({ type, sql }) => type === wanted && sql !== null)
      .map((object) => ({ ...object, ...defined(object) }));
  return {
    tables,
    virtualTables,
    indexes: all("index").map(({ name, sql, table }) => ({ name, sql, table, isKey: keys.has(name) })),
    views: all("view").map(defined),
    triggers: all("trigger").map(({ name, sql, table }) => ({ name, sql, table })),
    hasSequences: objects.some(({ name }) => name === "sqlite_sequence"),
    hasStatistics: objects.some(({ name }) => name === "sqlite_stat1"),
  };
}

/** The names of the unique indexes whose columns a foreign key points at, in whatever order (sqlite.org/foreignkeys.html). */
function keyIndexes(facts: ReadonlyMap<string, TableFacts>): Set<string> {
  const key = (table: string, columns: readonly string[]) =>
    JSON.stringify([folded(table), ...columns.map(folded).toSorted()]);
  const wanted = new Set<string>();
  for (const { foreignKeys } of facts.values())
    for (const { parent, columns } of foreignKeys) wanted.add(key(parent, columns));
  const found = [...facts].flatMap(([table, { uniqueIndexes }]) =>
    uniqueIndexes.filter(({ columns }) => wanted.has(key(table, columns))).map(({ name }) => name),
  );
  return new Set(found);
}

function defined({ name, sql }: { name: string; sql: string | null }): Definition {
  return { name, sql: sql ?? "" };
}

function toTable({ name, sql }: Definition, facts: TableFacts): Table {
  return {
    name,
    sql,
    columns: storedColumns(facts),
    generated: facts.columns.filter(({ hidden }) => hidden === 2 || hidden === 3).map((column) => column.name),
    key: rowKey(facts),
    strict: facts.strict,
    parents: [...new Set(facts.foreignKeys.map(({ parent }) => parent))],
    checks: checksOf(sql),
  };
}

function storedColumns({ columns }: TableFacts): Column[] {
  return columns.filter(({ hidden }) => hidden === 0).map(({ name, type }) => ({ name, type }));
}

function rowKey({ columns, key, withoutRowid }: TableFacts): RowKey {
  if (withoutRowid) return { by: "key", columns: key };
  // A rowid alias is a single INTEGER PRIMARY KEY that needed no index of its own; INTEGER PRIMARY KEY DESC has one.
  const [only, ...more] = columns.filter(({ pk }) => pk > 0);
  if (only !== undefined && more.length === 0 && key.length === 0 && /^integer$/i.test(only.type)) {
    return { by: "rowid", name: only.name, place: "column" };
  }
  return keyBeside(columns.map(({ name }) => name));
}

/** The key of a table whose rowid is no column: by the first of the rowid's names that no column has taken. */
export function keyBeside(columns: readonly string[]): RowKey {
  const taken = new Set(columns.map(folded));
  const free = ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
  return free === undefined ? { by: "hidden" } : { by: "rowid", name: free, place: "beside" };
}
