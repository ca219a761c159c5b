import { DatabaseSync } from "node:sqlite";
import type { Manifest } from "@patina/archive/manifest";
import { readSql, readTable } from "@patina/archive/range-reader";
import { closing } from "@patina/dump/definition-text";
import { isContentReadable } from "@patina/dump/doubts";
import { folded, isEponymous, quoteName } from "@patina/dump/name";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { contentTable, virtualKind } from "@patina/dump/virtual-table";
import type { Backup } from "../backups/backup.ts";
import { some } from "../choice.ts";
import { CommandError, EXIT, usageError } from "../failure.ts";

type TableEntry = Manifest["tables"][number];

/** Some tables of a backup, in the order in which it has them: parents before children. */
export interface Chosen {
  readonly manifest: Manifest;
  readonly tables: readonly TableEntry[];
}

/**
 * The tables that somebody named, as the manifest has them.
 *
 * @throws {CommandError} exit 10 when there is none of a name, exit 2 without a manifest
 */
export function tablesNamed(
  backup: Backup,
  { manifest, names }: { manifest: Manifest | null; names: readonly string[] },
): Chosen {
  if (manifest === null) {
    throw usageError(
      `Cannot restore single tables of ${backup.id}: only its manifest tells where they are, and there is none`,
      "Restore all of it into a new file and take the tables from there.",
    );
  }
  const wanted = new Set(names.map((name) => tableNamed(backup, { manifest, name })));
  return { manifest, tables: manifest.tables.filter((table) => wanted.has(table)) };
}

function tableNamed(backup: Backup, { manifest, name }: { manifest: Manifest; name: string }): TableEntry {
  const beginning = name.toLowerCase();
  const begun = manifest.tables.filter((table) => table.name.toLowerCase().startsWith(beginning));
  const found =
    manifest.tables.find((table) => table.name === name) ??
    begun.find((table) => table.name.length === name.length) ??
    (begun.length === 1 ? begun[0] : undefined);
  if (found !== undefined) return found;
  if (begun.length > 1 && name !== "") {
    const names = begun.map((table) => table.name);
    throw usageError(`Cannot tell which table "${name}" is: ${names.length} begin so`, some(names));
  }
  const names = manifest.tables.map((table) => table.name);
  throw new CommandError(`Cannot restore table "${name}": ${backup.id} has none of that name`, {
    exit: EXIT.notFound,
    hint: names.length === 0 ? "It has no tables at all." : `It has ${some(names)}`,
  });
}

/**
 * The statements that make some tables anew, each with its rows, AUTOINCREMENT counter, indexes, triggers and the FTS5
 * tables over it. Of the stored object only their byte ranges are read, and what holds no rows at all.
 */
export async function* selectedPieces(
  backup: Backup,
  { manifest, tables }: Chosen,
): AsyncGenerator<{ readonly text: string; readonly table: string | null }> {
  const plain = (list: readonly string[]) => ({ text: statements(list), table: null });
  const schema = await openSchema(backup, manifest);
  try {
    const names = tables.map(({ name }) => name);
    const search = searchTables(schema, names);
    yield plain(["PRAGMA defer_foreign_keys=ON"]);
    const made = [...search.map(({ name }) => name), ...names.toReversed()];
    yield plain(made.filter((name) => !isEponymous(name)).map((name) => `DROP TABLE IF EXISTS ${quoteName(name)}`));
    yield plain(names.flatMap((name) => beforeRows(schema, name)));
    for (const table of names) {
      for await (const piece of readTable(manifest, { stored: backup.stored, table }))
        yield { text: text(piece), table };
    }
    yield plain(names.flatMap((name) => [...counter(schema, name), ...indexes(schema, { name, isUnique: false })]));
    for (const table of search) {
      const made = [closed(table.sql), ...settings(schema, table)];
      yield plain((await canRebuild(schema, table)) ? [...made, rebuild(table)] : made);
    }
    yield plain(names.flatMap((name) => triggers(schema, name)));
  } finally {
    schema.close();
  }
}

function text(piece: Uint8Array): string {
  return Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString();
}

function statements(list: readonly string[]): string {
  return list.map((sql) => `${sql};\n`).join("");
}

/** An empty database with the schema of the backup: everything in its SQL that is not rows of a table. */
async function openSchema(backup: Backup, manifest: Manifest): Promise<DatabaseSync> {
  const db = new DatabaseSync(":memory:", {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  });
  const { body } = manifest.sql;
  const ranges = manifest.tables.toSorted((one, other) => one.start - other.start);
  let at = body.start;
  for (const { start, end } of [...ranges, { start: body.end, end: body.end }]) {
    let sql = "";
    for await (const piece of readSql(manifest, { stored: backup.stored, start: at, end: start })) sql += text(piece);
    db.exec(sql);
    at = end;
  }
  return db;
}

/** What must be there before rows: the table, an FTS5 table's settings, and unique indexes, which foreign keys need. */
function beforeRows(schema: DatabaseSync, name: string): string[] {
  const row = schema.prepare("SELECT sql FROM sqlite_schema WHERE type='table' AND name=?").get(name);
  const definition = { name, sql: String(row?.["sql"]) };
  const made = [closed(definition.sql), ...indexes(schema, { name, isUnique: true })];
  return virtualKind(definition) === "fts5" ? [...made, ...settings(schema, definition)] : made;
}

function indexes(schema: DatabaseSync, { name, isUnique }: { name: string; isUnique: boolean }): string[] {
  // Not the function of the same name, which a table may hide.
  const list = schema.prepare(`PRAGMA index_list(${quoteName(name)})`).all();
  const wanted = new Set(list.filter((row) => (row["unique"] === 1) === isUnique).map((row) => row["name"]));
  return schema
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type='index' AND tbl_name=? AND sql IS NOT NULL ORDER BY rowid")
    .all(name)
    .filter((row) => wanted.has(row["name"] ?? null))
    .map((row) => closed(String(row["sql"])));
}

function triggers(schema: DatabaseSync, name: string): string[] {
  return schema
    .prepare("SELECT sql FROM sqlite_schema WHERE type='trigger' AND tbl_name=? ORDER BY rowid")
    .all(name)
    .map((row) => closed(String(row["sql"])));
}

/** A definition as it is stored. One that ends in a comment must not swallow its semicolon. */
function closed(sql: string): string {
  return `${sql}${closing(sql)}`;
}

/** The FTS5 tables whose text is in one of the tables: triggers keep them up to date, and fail without them. */
function searchTables(schema: DatabaseSync, names: readonly string[]): NamedSql[] {
  const contents = new Set(names.map(folded));
  return schema
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type='table' AND sql LIKE '%fts5%' ORDER BY rowid")
    .all()
    .map(({ name, sql }) => ({ name: String(name), sql: String(sql) }))
    .filter((table) => virtualKind(table) === "fts5-external" && contents.has(folded(contentTable(table) ?? "")));
}

interface NamedSql {
  readonly name: string;
  readonly sql: string;
}

/** Whether the table's content has the columns that the index names: as in the whole dump, it is not rebuilt otherwise. */
async function canRebuild(schema: DatabaseSync, table: NamedSql): Promise<boolean> {
  const columns = schema
    .prepare(`PRAGMA table_info(${quoteName(table.name)})`)
    .all()
    .map((row) => ({ name: String(row["name"]), type: "" }));
  return await isContentReadable(sqliteSource(schema), { ...table, columns });
}

function rebuild({ name }: NamedSql): string {
  return `INSERT INTO ${quoteName(name)}(${quoteName(name)}) VALUES('rebuild')`;
}

/** An FTS5 table's settings, made by inserting commands. */
function settings(schema: DatabaseSync, { name }: NamedSql): string[] {
  const into = quoteName(name);
  return schema
    .prepare(`SELECT quote(k) AS k, quote(v) AS v FROM ${quoteName(`${name}_config`)} WHERE k<>'version'`)
    .all()
    .map(({ k, v }) => `INSERT INTO ${into}(${into},rank) VALUES(${k},${v})`);
}

/** The counter of an AUTOINCREMENT table, which may be beyond its largest row. */
function counter(schema: DatabaseSync, name: string): string[] {
  const has = schema.prepare("SELECT 1 FROM sqlite_schema WHERE name='sqlite_sequence'").get();
  if (has === undefined) return [];
  const rows = schema
    .prepare("SELECT quote(name) AS name, quote(seq) AS seq FROM sqlite_sequence WHERE name=?")
    .all(name);
  return rows.flatMap((row) => [
    // The table of counters is there once a table has had one; a counter may be left of a table that has none any more.
    `CREATE TABLE ${HELPER}(id INTEGER PRIMARY KEY AUTOINCREMENT)`,
    `DROP TABLE ${HELPER}`,
    `DELETE FROM sqlite_sequence WHERE name=${row["name"]}`,
    `INSERT INTO sqlite_sequence(name,seq) VALUES(${row["name"]},${row["seq"]})`,
  ]);
}

const HELPER = quoteName("patina_sequence_of_a_restore");
