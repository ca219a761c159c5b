import { Buffer } from "node:buffer";
import { deflateRawSync } from "node:zlib";
import { type ErrorCode, PatinaError } from "@patina/core/error";
import type { Rules } from "@patina/core/rules";
import { contentOf, type Transfer, transfersOf } from "./content.ts";
import { brokenForeignKeys, misreadDefinitions, staleIndexes, unreadableContents } from "./doubts.ts";
import { SNAPSHOT_BYTES } from "./dump.ts";
import { quoteName, quoteText, same } from "./name.ts";
import { PageRooms } from "./page-room.ts";
import { MAX_SINGLE_ROWS, PagedReader } from "./paged-reader.ts";
import { lineOf } from "./row-line.ts";
import type { Rows } from "./rows.ts";
import { readRuledSchema } from "./ruled-schema.ts";
import type { Schema, Table } from "./schema.ts";
import { readSchema } from "./schema-reader.ts";
import { columns, number, type Source } from "./source.ts";
import { keyColumns, qualified } from "./table-columns.ts";
import { warningsOf } from "./warnings.ts";

/** What an export of a database will be like, told before the first one. */
export interface Preflight {
  readonly mode: "snapshot" | "paged";
  /** Bytes of the database; null where the engine does not tell. */
  readonly bytes: number | null;
  readonly tables: readonly TableForecast[];
  readonly rows: number;
  /** Rows that the export will read, as D1 counts and bills them. */
  readonly rowsRead: number;
  /** Rows that a drill writes, as the platform bills them: each row once, and once more for every index of its table. */
  readonly rowsWritten: number;
  /** Bytes of the stored object, from the first rows of each table. */
  readonly storedBytes: number;
  /** What the dump will not carry and where a restore needs care, in the dump's own sentences. */
  readonly warnings: readonly string[];
  /** What D1 would not take back, a sentence each. */
  readonly overLimits: readonly string[];
  /** Why the rules of the database cannot be applied; null when they can, or there are none. */
  readonly refusal: { readonly code: ErrorCode; readonly message: string } | null;
}

export interface TableForecast {
  readonly name: string;
  readonly rows: number;
  /** Whether the rows were counted; otherwise there are at most so many, by the first and last rowid. */
  readonly isExact: boolean;
}

/** Limits of D1 (developers.cloudflare.com/d1/platform/limits). */
const MAX_DATABASE_BYTES = 10_000_000_000;
const MAX_STATEMENT_BYTES = 100_000;
const MAX_COLUMNS = 100;

/** The least that a row takes in a page of SQLite: cell pointer, sizes, header and rowid. */
const LEAST_ROW_BYTES = 6;

/**
 * Looks at a database without reading all of it: a database that fits into one batch is counted, of a larger one only
 * tables without rowid are, and of each table the first few hundred rows are read.
 *
 * Warnings that depend on what rows hold are not given: rows that violate a CHECK, rows that no INSERT takes, rows that
 * refer to rows of the same table in another statement; and of a larger database broken foreign keys and stale indexes.
 *
 * @throws {PatinaError} what the source throws
 */
export async function preflight(
  source: Source,
  { rules, hasKey, snapshotBytes = SNAPSHOT_BYTES }: { rules: Rules; hasKey: boolean; snapshotBytes?: number },
): Promise<Preflight> {
  const bytes = await sizeOf(source);
  const mode = bytes !== null && bytes <= snapshotBytes ? "snapshot" : "paged";
  const refusal = await refusalOf(source, { rules, hasKey });
  const { schema, identity } = await (refusal === null ? readRuledSchema(source, rules) : readSchema(source));
  const content = contentOf(schema);
  const forecasts: (TableForecast & { storedBytes: number; rowsWritten: number })[] = [];
  for (const transfer of transfersOf(content)) {
    const count = await countOf(source, { table: transfer.table, bytes, isCounted: mode === "snapshot" });
    const storedBytes = count.rows === 0 ? 0 : Math.ceil(count.rows * (await storedRowBytes(source, transfer)));
    const rowsWritten =
      count.rows * (1 + schema.indexes.filter(({ table }) => same(table, transfer.table.name)).length);
    forecasts.push({ name: transfer.table.name, ...count, storedBytes, rowsWritten });
  }
  const isListed = ({ name }: TableForecast) =>
    [...schema.tables, ...schema.virtualTables].some((table) => same(table.name, name));
  const exact = (table: string) => forecasts.find(({ name }) => same(name, table))?.rows ?? 0;
  return {
    mode,
    bytes,
    tables: forecasts.filter(isListed).map(({ name, rows, isExact }) => ({ name, rows, isExact })),
    rows: forecasts.filter(isListed).reduce((sum, table) => sum + table.rows, 0),
    rowsRead: forecasts.reduce((sum, table) => sum + table.rows, 0),
    rowsWritten: forecasts.reduce((sum, table) => sum + table.rowsWritten, 0),
    storedBytes: forecasts.reduce((sum, table) => sum + table.storedBytes, 0) + definitionBytes(schema),
    warnings: [
      ...warningsOf(schema, content),
      ...(await misreadDefinitions(source, identity)),
      ...(await unreadableContents(source, schema)),
      ...(mode === "snapshot"
        ? await staleIndexes(source, { schema, virtualTables: content.virtualTables, rows: exact })
        : []),
      ...(mode === "snapshot" ? await brokenForeignKeys(source, schema) : []),
    ],
    overLimits: overLimits(schema, bytes),
    refusal,
  };
}

async function sizeOf(source: Source): Promise<number | null> {
  const [result] = await source.batch([{ sql: `SELECT ${columns(["1"])}` }]);
  return result?.sizeAfter ?? null;
}

async function refusalOf(
  source: Source,
  { rules, hasKey }: { rules: Rules; hasKey: boolean },
): Promise<Preflight["refusal"]> {
  if (!hasKey && rules.redactions.some(({ as }) => as === "digest")) {
    return { code: "redaction_key_missing", message: "A rule needs a key" };
  }
  try {
    await readRuledSchema(source, rules);
    return null;
  } catch (error) {
    if (!(error instanceof PatinaError) || !error.code.startsWith("rule_")) throw error;
    return { code: error.code, message: error.message };
  }
}

/** The rows of a table: counted where that is asked for or nothing is cheaper, else told by the span of its rowids. */
async function countOf(
  source: Source,
  { table, bytes, isCounted }: { table: Table; bytes: number | null; isCounted: boolean },
): Promise<{ rows: number; isExact: boolean }> {
  const from = `${quoteName(table.name)}${table.only === undefined ? "" : ` WHERE ${table.only}`}`;
  if (isCounted || table.key.by !== "rowid") {
    const [result] = await source.batch([{ sql: `SELECT ${columns(["count(*)"])} FROM ${from}` }]);
    return { rows: number(result?.rows[0]?.[0]), isExact: true };
  }
  const [key] = keyColumns(table);
  const rowid = qualified(table, key?.name ?? "rowid");
  // As REALs: the span of 64-bit integers may be larger than one.
  const ends = ["min", "max"].map((end) => `CAST((SELECT ${end}(${rowid}) FROM ${from}) AS REAL)`);
  const [result] = await source.batch([{ sql: `SELECT ${columns(ends)}` }]);
  const [first, last] = result?.rows[0] ?? [];
  if (typeof first !== "number" || typeof last !== "number") return { rows: 0, isExact: true };
  const most = bytes === null ? Number.MAX_SAFE_INTEGER : Math.floor(bytes / LEAST_ROW_BYTES);
  return { rows: Math.min(last - first + 1, most), isExact: false };
}

/** Bytes that a row of a table comes to in the stored object, by its first rows. */
async function storedRowBytes(source: Source, { table }: Transfer): Promise<number> {
  const reader = new PagedReader(source, {
    table,
    maxLine: MAX_STATEMENT_BYTES,
    after: null,
    rooms: new PageRooms(),
    singleRows: MAX_SINGLE_ROWS,
  });
  const page = await reader.next();
  if (page === null || page.sums.rows === 0) return 0;
  const lines = Buffer.concat(page.rows.map(bytesOf));
  return deflateRawSync(lines, { level: 1 }).length / page.sums.rows;
}

function bytesOf(rows: Rows): Uint8Array {
  switch (rows.kind) {
    case "block":
      return rows.block.bytes;
    case "row":
      return Buffer.from(lineOf(rows.cells));
  }
}

function definitionsOf({ tables, virtualTables, indexes, views, triggers }: Schema) {
  return [...tables, ...virtualTables, ...indexes, ...views, ...triggers];
}

function definitionBytes(schema: Schema): number {
  const all = definitionsOf(schema).map(({ sql }) => sql);
  return deflateRawSync(Buffer.from(all.join("\n")), { level: 1 }).length;
}

function overLimits(schema: Schema, bytes: number | null): string[] {
  const found: string[] = [];
  if (bytes !== null && bytes > MAX_DATABASE_BYTES)
    found.push("The database is larger than the 10 GB of a D1 database");
  for (const { name, sql } of definitionsOf(schema)) {
    if (Buffer.byteLength(sql) <= MAX_STATEMENT_BYTES) continue;
    found.push(`The definition of ${quoteText(name)} is longer than the 100,000 bytes of a statement in D1`);
  }
  for (const { name, columns: stored, generated } of schema.tables) {
    if (stored.length + generated.length <= MAX_COLUMNS) continue;
    found.push(`Table ${quoteText(name)} has more than the 100 columns of a table in D1`);
  }
  return found;
}
