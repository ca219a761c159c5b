import type { DatabaseSync } from "node:sqlite";
import { quoteName } from "./rows.ts";
import { tokens } from "./tokens.ts";
import { parseVirtual, shadowNames, type VirtualTable } from "./virtual.ts";

export interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly sql: string | null;
}

export interface Table {
  readonly name: string;
  readonly type: "table" | "view" | "virtual";
  readonly withoutRowid: boolean;
  readonly strict: boolean;
  /** Set for virtual tables. */
  readonly virtual: VirtualTable | null;
  /** Every column of pragma table_xinfo, in order, or the message with which SQLite refuses to say. */
  readonly columns: readonly Column[] | string;
}

export interface Column {
  readonly name: string;
  /** 0 plain, 1 hidden in a virtual table, 2 generated virtual, 3 generated stored. */
  readonly hidden: number;
  /** All that the pragma says, to be compared as it is. */
  readonly all: string;
}

export interface Schema {
  /** In the order of their creation. Without D1's own tables, SQLite's own and those inside virtual tables. */
  readonly objects: readonly SchemaObject[];
  readonly tables: ReadonlyMap<string, Table>;
  /** Tables in which virtual tables keep what they hold, by name. */
  readonly shadows: readonly string[];
}

/** D1's own tables. Their names begin with exactly this, in any case; LIKE '_cf_%' would take acf_fields along. */
function isInternal(name: string): boolean {
  return name.slice(0, 4).toLowerCase() === "_cf_";
}

/** SQLite's own tables, which system-tables.ts compares. Indexes made for UNIQUE and PRIMARY KEY are not among them. */
export function isSystemTable(object: SchemaObject): boolean {
  return object.type === "table" && object.name.slice(0, 7).toLowerCase() === "sqlite_";
}

export function readObjects(database: DatabaseSync): readonly SchemaObject[] {
  const rows = database.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid").all();
  return rows
    .map((row) => ({
      type: String(row["type"]),
      name: String(row["name"]),
      table: String(row["tbl_name"]),
      sql: row["sql"] === null ? null : String(row["sql"]),
    }))
    .filter((object) => !isInternal(object.name) && !isInternal(object.table));
}

export function readSchema(database: DatabaseSync): Schema {
  const all = readObjects(database).filter((object) => !isSystemTable(object));
  const virtual = new Map<string, VirtualTable>();
  for (const object of all) {
    if (object.type === "table" && /^CREATE\s+VIRTUAL\s/i.test(object.sql ?? "")) {
      virtual.set(object.name, parseVirtual(object.sql ?? ""));
    }
  }
  const inside = new Set(Array.from(virtual, ([name, table]) => shadowNames(name, table)).flat());
  const objects = all.filter((object) => !inside.has(object.table));
  // The statement, never the function of that name: a table called pragma_table_list would take its place.
  const list = database.prepare("PRAGMA main.table_list").all();
  const flags = new Map(list.map((row) => [String(row["name"]), row]));
  const tables = new Map<string, Table>();
  for (const { type, name } of objects) {
    if (type !== "table" && type !== "view") continue;
    const flag = flags.get(name);
    tables.set(name, {
      name,
      type: virtual.has(name) ? "virtual" : type,
      withoutRowid: flag?.["wr"] === 1,
      strict: flag?.["strict"] === 1,
      virtual: virtual.get(name) ?? null,
      columns: readColumns(database, name),
    });
  }
  const shadows = all.filter((object) => object.type === "table" && inside.has(object.name));
  return { objects, tables, shadows: shadows.map((object) => object.name).sort() };
}

function readColumns(database: DatabaseSync, table: string): readonly Column[] | string {
  try {
    const rows = database.prepare(`PRAGMA main.table_xinfo(${quoteName(table)})`).all();
    return rows.map((row) => ({
      name: String(row["name"]),
      hidden: Number(row["hidden"]),
      all: JSON.stringify(Object.values(row)),
    }));
  } catch (error) {
    // A view of a dropped table is legal and has no columns.
    return error instanceof Error ? error.message : String(error);
  }
}

/** The differences between two schemas; tables without any can have their rows compared. */
export function* compareSchemas(left: Schema, right: Schema): Generator<string> {
  yield* compareObjects(left.objects, right.objects);
  for (const name of left.shadows) {
    // Only existence: the module wrote their SQL, and quotes it otherwise after ALTER TABLE ... RENAME.
    if (!right.shadows.includes(name)) yield `shadow table ${quoteName(name)} is missing`;
  }
  for (const name of right.shadows) {
    if (!left.shadows.includes(name)) yield `shadow table ${quoteName(name)} was not there before`;
  }
  for (const [name, table] of left.tables) {
    const other = right.tables.get(name);
    if (other !== undefined) yield* compareTables(table, other);
  }
  for (const type of ["index", "trigger"]) yield* compareOrder(type, left.objects, right.objects);
}

function* compareObjects(left: readonly SchemaObject[], right: readonly SchemaObject[]): Generator<string> {
  const key = (object: SchemaObject) => `${object.type} ${quoteName(object.name)}`;
  const before = new Map(left.map((object) => [key(object), object]));
  const after = new Map(right.map((object) => [key(object), object]));
  for (const [name, object] of before) {
    const other = after.get(name);
    if (other === undefined) {
      yield `${name} is missing`;
      continue;
    }
    if (object.table !== other.table)
      yield `${name}: of table ${quoteName(object.table)}, now ${quoteName(other.table)}`;
    if (!sameSql(object.sql, other.sql)) {
      yield `${name}: SQL ${JSON.stringify(object.sql)} became ${JSON.stringify(other.sql)}`;
    }
  }
  for (const name of after.keys()) {
    if (!before.has(name)) yield `${name} was not there before`;
  }
}

/**
 * Exactly equal, but for one thing that no script can write: an index or a view may be stored with a comment that has
 * no end (`-- so` or `/* so`). In a script the comment must end before the semicolon, and what ends it is stored too.
 */
export function sameSql(left: string | null, right: string | null): boolean {
  if (left === null || right === null || left === right) return left === right;
  const last = tokens(left).at(-1);
  if (last?.kind !== "comment" || last.closed) return false;
  if (!right.startsWith(left)) return false;
  const added = right.slice(left.length);
  return last.text.startsWith("--") ? added === "\n" : /^\s*\*\/$/.test(added);
}

function* compareTables(left: Table, right: Table): Generator<string> {
  const name = `${left.type} ${quoteName(left.name)}`;
  if (left.type !== right.type) yield `${name} became a ${right.type}`;
  if (left.withoutRowid !== right.withoutRowid)
    yield `${name}: WITHOUT ROWID is ${left.withoutRowid}, now ${right.withoutRowid}`;
  if (left.strict !== right.strict) yield `${name}: STRICT is ${left.strict}, now ${right.strict}`;
  const before = typeof left.columns === "string" ? left.columns : left.columns.map((column) => column.all).join();
  const after = typeof right.columns === "string" ? right.columns : right.columns.map((column) => column.all).join();
  if (before !== after) yield `${name}: columns ${before} became ${after}`;
}

/** Triggers of one event run, and indexes resolve conflicts, in an order that follows the schema's. */
function* compareOrder(type: string, left: readonly SchemaObject[], right: readonly SchemaObject[]): Generator<string> {
  const before = Map.groupBy(
    left.filter((object) => object.type === type),
    (object) => object.table,
  );
  for (const [table, objects] of before) {
    const names = objects.map((object) => object.name);
    const now = right.filter((object) => object.type === type && object.table === table).map((object) => object.name);
    const common = names.filter((name) => now.includes(name));
    const order = now.filter((name) => names.includes(name));
    if (common.join("\0") !== order.join("\0")) {
      yield `table ${quoteName(table)}: ${type} order ${JSON.stringify(common)} became ${JSON.stringify(order)}`;
    }
  }
}
