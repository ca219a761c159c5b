import { PatinaError } from "@patina/core/error";
import { internalNameSql, isInternalName, quoteName } from "./name.ts";
import { type KeyColumn, type Schema, type SchemaObject, type TableFacts, toSchema } from "./schema.ts";
import { columns, number, type Query, type ResultSet, type Source, text, type Value } from "./source.ts";

/** A schema, and the text by which two readings of it are compared: equal texts mean the same schema. */
export interface ReadSchema {
  readonly schema: Schema;
  readonly identity: string;
}

/** Asks for everything that defines a schema. Its result goes to schemaIdentity(). */
export const OBJECTS_QUERY: Query = {
  sql: `SELECT ${columns(["type", "name", "tbl_name", "sql"])} FROM sqlite_schema ORDER BY rowid`,
};

/** What an answer to OBJECTS_QUERY is compared by. */
export function schemaIdentity(objects: ResultSet | undefined): string {
  return JSON.stringify(objects?.rows ?? []);
}

/** The objects that an identity stands for. */
export function objectsOf(identity: string): SchemaObject[] {
  return toObjects({ rows: JSON.parse(identity) as Value[][], rowsRead: 0 });
}

/** Reads the schema, in one batch unless a user's table hides a pragma's table function. */
export async function readSchema(source: Source): Promise<ReadSchema> {
  let read: ReadSchema | null = null;
  let failure: unknown;
  try {
    read = await readWithFunctions(source);
  } catch (error) {
    if (!(error instanceof PatinaError) || error.code !== "source_failed") throw error;
    failure = error;
  }
  const objects = read === null ? toObjects((await source.batch([OBJECTS_QUERY]))[0]) : objectsOf(read.identity);
  if (objects.some(({ name }) => /^pragma_/i.test(name))) return await readWithPragmas(source, objects);
  if (read === null) throw failure;
  return read;
}

function toObjects(result: ResultSet | undefined): SchemaObject[] {
  return (result?.rows ?? []).map(([type, name, table, sql]) => ({
    type: text(type),
    name: text(name),
    table: text(table),
    sql: typeof sql === "string" ? sql : null,
  }));
}

const USER_TABLE = `m.type='table' AND m.sql IS NOT NULL AND NOT ${internalNameSql("m.name")}`;

/** The schema of all tables in a constant number of queries. */
const FUNCTION_QUERIES: readonly Query[] = [
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
    sql: `SELECT ${columns(["m.name", "f.id", 'f."table"', 'f."to"'])}
      FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f WHERE ${USER_TABLE} ORDER BY m.rowid, f.id, f.seq`,
  },
  {
    sql: `SELECT ${columns(["m.name", "l.name", "i.name"])}
      FROM sqlite_schema m JOIN pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i
      WHERE ${USER_TABLE} AND l."unique"=1 AND l.partial=0 AND l.origin='c' ORDER BY m.rowid, l.seq, i.seqno`,
  },
];

async function readWithFunctions(source: Source): Promise<ReadSchema> {
  const [objects, list, fields, keys, parents, uniques] = await source.batch([OBJECTS_QUERY, ...FUNCTION_QUERIES]);
  const fieldsOf = groupByFirst(fields);
  const keysOf = groupByFirst(keys);
  const parentsOf = groupByFirst(parents);
  const uniquesOf = groupByFirst(uniques);
  const facts = new Map<string, TableFacts>();
  for (const [name, type, wr, strict] of list?.rows ?? []) {
    const table = text(name);
    facts.set(table, {
      type: text(type),
      withoutRowid: wr === 1,
      strict: strict === 1,
      columns: (fieldsOf.get(table) ?? []).map(([, column, declared, pk, hidden]) => ({
        name: text(column),
        type: text(declared),
        pk: number(pk),
        hidden: number(hidden),
      })),
      key: (keysOf.get(table) ?? []).map(([, column, collation, descending]) => toKey(column, collation, descending)),
      foreignKeys: toForeignKeys((parentsOf.get(table) ?? []).map(([, ...row]) => row)),
      uniqueIndexes: toUniqueIndexes((uniquesOf.get(table) ?? []).map(([, ...row]) => row)),
    });
  }
  return { schema: toSchema(toObjects(objects), facts), identity: schemaIdentity(objects) };
}

/** The same with four statements a table, whose results have the pragmas' own columns. */
async function readWithPragmas(source: Source, seen: readonly SchemaObject[]): Promise<ReadSchema> {
  const tables = seen.filter(({ type, name, sql }) => type === "table" && sql !== null && !isInternalName(name));
  const names = tables.map(({ name }) => name);
  const pragma = (pragmaName: string) => names.map((name) => ({ sql: `PRAGMA ${pragmaName}(${quoteName(name)})` }));
  const lists = await source.batch([
    OBJECTS_QUERY,
    { sql: "PRAGMA main.table_list" },
    ...pragma("table_xinfo"),
    ...pragma("index_list"),
    ...pragma("foreign_key_list"),
  ]);
  const [objects, list, ...rest] = lists;
  if (schemaIdentity(objects) !== JSON.stringify(seen.map(({ type, name, table, sql }) => [type, name, table, sql]))) {
    return await readWithPragmas(source, toObjects(objects));
  }
  const part = (i: number) => rest.slice(i * names.length, (i + 1) * names.length);
  const [fields, indexes, parents] = [part(0), part(1), part(2)];
  // Columns of index_list: seq, name, unique, origin, partial.
  const used = indexes.flatMap((result, table) =>
    result.rows
      .filter(([, , unique, origin, partial]) => origin === "pk" || (unique === 1 && partial === 0 && origin === "c"))
      .map(([, name, , origin]) => ({ table, name: text(name), isPrimary: origin === "pk" })),
  );
  const infos = await source.batch(used.map(({ name }) => ({ sql: `PRAGMA index_xinfo(${quoteName(name)})` })));
  // Columns of index_xinfo: seqno, cid, name, desc, coll, key.
  const partsOf = (table: number, of: "primary" | "unique") =>
    used.flatMap((index, i) => {
      if (index.table !== table || index.isPrimary !== (of === "primary")) return [];
      const key = (infos[i]?.rows ?? []).filter((row) => row[5] === 1);
      return key.map(([, , column, descending, collation]) => ({ index: index.name, column, descending, collation }));
    });
  const facts = new Map<string, TableFacts>();
  for (const [, name, type, , wr, strict] of list?.rows ?? []) {
    const table = names.indexOf(text(name));
    facts.set(text(name), {
      type: text(type),
      withoutRowid: wr === 1,
      strict: strict === 1,
      // Columns of table_xinfo: cid, name, type, notnull, dflt_value, pk, hidden.
      columns: (fields[table]?.rows ?? []).map(([, column, declared, , , pk, hidden]) => ({
        name: text(column),
        type: text(declared),
        pk: number(pk),
        hidden: number(hidden),
      })),
      key: partsOf(table, "primary").map(({ column, collation, descending }) => toKey(column, collation, descending)),
      // Columns of foreign_key_list: id, seq, table, from, to.
      foreignKeys: toForeignKeys((parents[table]?.rows ?? []).map(([id, , parent, , column]) => [id, parent, column])),
      uniqueIndexes: toUniqueIndexes(partsOf(table, "unique").map(({ index, column }) => [index, column])),
    });
  }
  return { schema: toSchema(seen, facts), identity: schemaIdentity(objects) };
}

type Row = readonly (Value | undefined)[];

/** From one row for each column: number of the key, parent, and the parent's column or NULL. */
function toForeignKeys(rows: readonly Row[]): TableFacts["foreignKeys"] {
  return [...Map.groupBy(rows, ([id]) => id).values()].map((key) => ({
    parent: text(key[0]?.[1]),
    columns: key.flatMap(([, , column]) => (column === null ? [] : [text(column)])),
  }));
}

/** From one row for each column: name of the index, and the column's or NULL for an expression. */
function toUniqueIndexes(rows: readonly Row[]): TableFacts["uniqueIndexes"] {
  const all = [...Map.groupBy(rows, ([name]) => name)].filter(([, parts]) =>
    parts.every(([, column]) => column !== null),
  );
  return all.map(([name, parts]) => ({ name: text(name), columns: parts.map(([, column]) => text(column)) }));
}

function toKey(name: Value | undefined, collation: Value | undefined, descending: Value | undefined): KeyColumn {
  return { name: text(name), collation: text(collation), descending: descending === 1 };
}

function groupByFirst(result: ResultSet | undefined): Map<string, (readonly Value[])[]> {
  const groups = new Map<string, (readonly Value[])[]>();
  for (const row of result?.rows ?? []) {
    const name = text(row[0]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}
