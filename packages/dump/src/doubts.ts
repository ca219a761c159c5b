import { PatinaError } from "@patina/core/error";
import type { VirtualTransfer } from "./content.ts";
import { quoteName, quoteText, same } from "./name.ts";
import type { Schema, Table, VirtualTable } from "./schema.ts";
import { columns, type Source, text } from "./source.ts";
import { contentRowid, contentTable, virtualKind } from "./virtual-table.ts";
import { isContentMissing, rowsOf } from "./warnings.ts";

/**
 * Doubts that only the data can settle, each asked with a query that costs next to nothing. They decide warnings, never
 * what is dumped.
 */

/**
 * FTS5 tables whose index does not fit their content: a restore rebuilds it, and searches then answer otherwise. Told by
 * the number of rows and the lowest and highest rowid; an index that is wrong within the same rows is not noticed.
 */
export async function staleIndexes(
  source: Source,
  {
    schema,
    virtualTables,
    rows,
  }: { schema: Schema; virtualTables: readonly VirtualTransfer[]; rows: (table: string) => number },
): Promise<string[]> {
  const warnings: string[] = [];
  for (const { definition, kind } of virtualTables) {
    const content = schema.tables.find(({ name }) => same(name, contentTable(definition) ?? ""));
    if (kind !== "fts5-external" || content === undefined) continue;
    const seen = await indexedRows(source, definition.name);
    const there = await contentRows(source, { content, rowid: contentRowid(definition) });
    if (seen === null || there === null || `${rows(content.name)},${there}` === seen) continue;
    const name = quoteText(definition.name);
    warnings.push(`The index of FTS5 table ${name} does not match its content: a restore rebuilds it`);
  }
  return warnings;
}

/**
 * Whether the content of an external-content FTS5 table has what a rebuild reads. SQLite makes such a table without
 * looking; only its rebuild fails, and the restore with it.
 */
export async function isContentReadable(source: Source, definition: VirtualTable): Promise<boolean> {
  const names = [contentRowid(definition), ...definition.columns.map(({ name }) => name)];
  const read = names.map((name) => `t.${quoteName(name)}`).join(",");
  const rows = `SELECT ${read} FROM ${quoteName(contentTable(definition) ?? "")} t LIMIT 0`;
  try {
    await source.batch([{ sql: `SELECT ${columns(["1"])} FROM (${rows})` }]);
    return true;
  } catch (error) {
    if (error instanceof PatinaError && error.code === "source_failed") return false;
    throw error;
  }
}

/** What a dump says of an index that it does not rebuild, because its content lacks a column. */
export function lacksColumn({ name }: VirtualTable): string {
  return `The index of FTS5 table ${quoteText(name)} is not carried: its content lacks a column that it names`;
}

/**
 * Definitions that hold bytes which are no UTF-8, as D1 stores them of a lone surrogate in the statement that made them:
 * they reach JavaScript as U+FFFD, and so does the restored database.
 */
export async function misreadDefinitions(source: Source, identity: string): Promise<string[]> {
  if (!identity.includes("\uFFFD")) return [];
  const [result] = await source.batch([
    { sql: `SELECT ${columns(["name", "sql", "hex(sql)"])} FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid` },
  ]);
  return (result?.rows ?? [])
    .filter(([, sql, bytes]) => Buffer.from(text(sql)).toString("hex").toUpperCase() !== bytes)
    .map(([name]) => `The definition of ${quoteText(text(name))} holds bytes that are no UTF-8: they are not carried`);
}

/** What lacksColumn() says, before anything is dumped. */
export async function unreadableContents(source: Source, schema: Schema): Promise<string[]> {
  const warnings: string[] = [];
  for (const definition of schema.virtualTables) {
    if (virtualKind(definition) !== "fts5-external" || isContentMissing(schema, definition)) continue;
    if (!(await isContentReadable(source, definition))) warnings.push(lacksColumn(definition));
  }
  return warnings;
}

/** Rows, lowest and highest rowid that an FTS5 index covers. */
async function indexedRows(source: Source, name: string): Promise<string | null> {
  const sizes = quoteName(`${name}_docsize`);
  const [result] = await asked(source, [
    `(SELECT hex(block) FROM ${quoteName(`${name}_data`)} WHERE id=1)`,
    `(SELECT ''||min(id) FROM ${sizes})`,
    `(SELECT ''||max(id) FROM ${sizes})`,
  ]);
  if (result === undefined) return null;
  const [averages, lowest, highest] = result;
  return `${firstVarint(averages === null ? "" : text(averages))},${lowest},${highest}`;
}

async function contentRows(
  source: Source,
  { content, rowid }: { content: Table; rowid: string },
): Promise<string | null> {
  const column = `${quoteName(content.name)}.${quoteName(rowid)}`;
  const table = quoteName(content.name);
  const [result] = await asked(source, [
    `(SELECT ''||min(${column}) FROM ${table})`,
    `(SELECT ''||max(${column}) FROM ${table})`,
  ]);
  return result === undefined ? null : result.join();
}

/** The averages record of an FTS5 index begins with the number of its rows, as SQLite's big-endian varint. */
function firstVarint(hex: string): number {
  let value = 0;
  for (const byte of Buffer.from(hex, "hex")) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) break;
  }
  return value;
}

/** One row of expressions; nothing when the database refuses (there is no such table: columnsize=0). */
async function asked(source: Source, expressions: readonly string[]) {
  try {
    const [result] = await source.batch([{ sql: `SELECT ${columns(expressions)}` }]);
    return result?.rows ?? [];
  } catch (error) {
    if (error instanceof PatinaError && error.code === "source_failed") return [];
    throw error;
  }
}

/** Tables with rows that break their foreign keys. Reads every child row: for small databases. */
export async function brokenForeignKeys(source: Source, { tables }: Schema): Promise<string[]> {
  const warnings: string[] = [];
  for (const { name, parents } of tables) {
    if (parents.length === 0) continue;
    const broken = await countBroken(source, name);
    if (broken === 0) continue;
    const what = broken === null ? "Foreign keys" : `${rowsOf(broken)}`;
    const how = broken === null ? "point at columns that are not unique" : "violate a foreign key";
    const only = "only a restore that does not enforce foreign keys takes its rows";
    warnings.push(`${what} of table ${quoteText(name)} ${how}: ${only}`);
  }
  return warnings;
}

/** Null when the check itself fails, which it does when a parent's columns are not unique. */
async function countBroken(source: Source, table: string): Promise<number | null> {
  try {
    const [result] = await source.batch([{ sql: `PRAGMA foreign_key_check(${quoteName(table)})` }]);
    return result?.rows.length ?? 0;
  } catch (error) {
    if (error instanceof PatinaError && error.code === "source_failed") return null;
    throw error;
  }
}
