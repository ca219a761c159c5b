import { internalNameSql, isInternalName } from "./name.ts";
import { columns, number, type Query, type ResultSet, type Source, text, type Value } from "./source.ts";

/** One column as `pragma_table_xinfo` tells it. */
export interface Column {
  readonly name: string;
  readonly type: string;
  /** Position in the primary key, from 1; 0 when not part of it. */
  readonly pk: number;
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
  /** Columns that are stored; generated ones are computed again on restore. */
  readonly columns: readonly Column[];
  readonly key: RowKey;
  readonly strict: boolean;
  /** Tables that its foreign keys point at, itself left out. */
  readonly parents: readonly string[];
  /** An SQL condition for the rows that are read; all of them when absent. */
  readonly only?: string;
}

/** An index, a view or a trigger. */
export interface Definition {
  readonly name: string;
  readonly sql: string;
}

/** A virtual table with the columns that can be read from it. */
export interface VirtualTable extends Definition {
  readonly columns: readonly Column[];
}

/** Everything that `sqlite_schema` defines, internal tables left out, in the order of definition. */
export interface Schema {
  readonly tables: readonly Table[];
  readonly virtualTables: readonly VirtualTable[];
  readonly indexes: readonly Definition[];
  readonly views: readonly Definition[];
  readonly triggers: readonly Definition[];
  /** Whether the database has these tables of SQLite's own. */
  readonly hasSequences: boolean;
  readonly hasStatistics: boolean;
}

const USER_TABLE = `m.type='table' AND m.sql IS NOT NULL AND NOT ${internalNameSql("m.name")}`;

/** The queries whose results toSchema() understands; they belong into one batch with what they describe. */
export const SCHEMA_QUERIES: readonly Query[] = [
  { sql: `SELECT ${columns(["type", "name", "sql"])} FROM sqlite_schema ORDER BY rowid` },
  { sql: `SELECT ${columns(["name", "type", "wr", "strict"])} FROM pragma_table_list WHERE schema='main'` },
  {
    sql: `SELECT ${columns(["m.name", "x.name", "x.type", "x.pk", "x.hidden"])}
      FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) x WHERE ${USER_TABLE} ORDER BY m.rowid, x.cid`,
  },
  {
    sql: `SELECT ${columns(["m.name", "x.name", "x.coll", 'x."desc"'])}
      FROM sqlite_schema m JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x
      WHERE ${USER_TABLE} AND l.origin='pk' AND x.key=1 ORDER BY m.rowid, x.seqno`,
  },
  {
    sql: `SELECT DISTINCT ${columns(["m.name", 'f."table"'])}
      FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE ${USER_TABLE} ORDER BY m.rowid`,
  },
];

export async function readSchema(source: Source): Promise<Schema> {
  return toSchema(await source.batch(SCHEMA_QUERIES));
}

/** Builds the schema from the results of SCHEMA_QUERIES. */
export function toSchema(results: readonly ResultSet[]): Schema {
  const [objects, list, fields, keys, parents] = results.map((result) => result.rows);
  if (!objects || !list || !fields || !keys || !parents)
    throw new RangeError("Cannot read schema: results are missing");
  const kinds = new Map(list.map(([name, type, wr, strict]) => [text(name), { type: text(type), wr, strict }]));
  const definitions = objects.map(([type, name, sql]) => ({ type: text(type), name: text(name), sql }));

  const tables: Table[] = [];
  const virtualTables: VirtualTable[] = [];
  const columnsOf = groupByFirst(fields);
  const keysOf = groupByFirst(keys);
  const parentsOf = groupByFirst(parents);
  for (const { type, name, sql } of definitions) {
    if (type !== "table" || typeof sql !== "string" || isInternalName(name)) continue;
    const kind = kinds.get(name);
    if (kind?.type === "shadow") continue;
    if (kind?.type === "virtual") {
      virtualTables.push({ name, sql, columns: storedColumns(columnsOf.get(name) ?? []) });
      continue;
    }
    tables.push({
      name,
      sql,
      columns: storedColumns(columnsOf.get(name) ?? []),
      key: rowKey({ fields: columnsOf.get(name) ?? [], key: keysOf.get(name) ?? [], withoutRowid: kind?.wr === 1 }),
      strict: kind?.strict === 1,
      parents: (parentsOf.get(name) ?? []).map(([, parent]) => text(parent)).filter((parent) => !same(parent, name)),
    });
  }
  const rest = (wanted: string) =>
    definitions.flatMap(({ type, name, sql }) => (type === wanted && typeof sql === "string" ? [{ name, sql }] : []));
  return {
    tables,
    virtualTables,
    indexes: rest("index"),
    views: rest("view"),
    triggers: rest("trigger"),
    hasSequences: definitions.some(({ name }) => name === "sqlite_sequence"),
    hasStatistics: definitions.some(({ name }) => name === "sqlite_stat1"),
  };
}

type Rows = readonly (readonly Value[])[];

function storedColumns(fields: Rows): Column[] {
  return fields
    .filter(([, , , , hidden]) => hidden === 0)
    .map(([, name, type, pk]) => ({ name: text(name), type: text(type), pk: number(pk) }));
}

function rowKey({ fields, key, withoutRowid }: { fields: Rows; key: Rows; withoutRowid: boolean }): RowKey {
  if (withoutRowid) {
    return {
      by: "key",
      columns: key.map(([, name, collation, descending]) => ({
        name: text(name),
        collation: text(collation),
        descending: descending === 1,
      })),
    };
  }
  // A rowid alias is a single INTEGER PRIMARY KEY that needed no index of its own; INTEGER PRIMARY KEY DESC has one.
  const pk = fields.filter((column) => number(column[3]) > 0);
  const [only] = pk;
  if (only !== undefined && pk.length === 1 && key.length === 0 && /^integer$/i.test(text(only[2]))) {
    return { by: "rowid", name: text(only[1]), place: "column" };
  }
  const taken = new Set(fields.map(([, name]) => text(name).toLowerCase()));
  const free = ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
  return free === undefined ? { by: "hidden" } : { by: "rowid", name: free, place: "beside" };
}

function groupByFirst(rows: Rows): Map<string, (readonly Value[])[]> {
  const groups = new Map<string, (readonly Value[])[]>();
  for (const row of rows) {
    const name = text(row[0]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}

/** SQLite's names are equal without regard to ASCII case. */
export function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
