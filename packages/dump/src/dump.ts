import { Buffer } from "node:buffer";
import type { Consistency } from "@patina/core/job";
import { type Content, contentOf, type Transfer, type VirtualTransfer } from "./content.ts";
import { closing } from "./definition-text.ts";
import { brokenForeignKeys, staleIndexes } from "./doubts.ts";
import { type DumpInfo, footer, header } from "./frame.ts";
import { InsertWriter } from "./insert-writer.ts";
import { isEponymous, quoteName, quoteText } from "./name.ts";
import type { Output } from "./output.ts";
import { openReading, type Reading } from "./reading.ts";
import { PageDecoder } from "./row-block.ts";
import { type Definition, type Index, type Schema, same } from "./schema.ts";
import type { Source } from "./source.ts";
import { Stage, unusedName } from "./stage.ts";
import { isContentMissing, rowsOf, warningsOf } from "./warnings.ts";

export interface DumpOptions extends DumpInfo {
  /** Databases up to this many bytes are read in one batch, at one instant. */
  readonly snapshotBytes: number;
}

/** Bytes of a database up to which it is read in one piece: 8 MB of blobs were 83 MB in memory, 2 MB are about 20. */
export const SNAPSHOT_BYTES = 2_000_000;

/** What a dump holds of one table. */
export interface TableSummary {
  readonly name: string;
  readonly rows: number;
  /** SHA-256 chain over the row lines, see table-digest.ts. */
  readonly digest: string;
  /** Offsets in the dump of the table's first statement of rows and behind its last. */
  readonly start: number;
  readonly end: number;
}

export interface DumpSummary {
  readonly mode: "snapshot" | "paged";
  readonly consistency: Consistency;
  readonly tables: readonly TableSummary[];
  readonly rows: number;
  /** What the dump does not carry, a sentence each. */
  readonly warnings: readonly string[];
  readonly queries: number;
  readonly rowsRead: number;
}

/**
 * Writes the dump of a database. Yields where the output may be emptied: about every megabyte.
 *
 * The format is docs/format/dump.md.
 */
export async function* dump(
  source: Source,
  { output, ...options }: DumpOptions & { readonly output: Output },
): AsyncGenerator<void, DumpSummary> {
  const reading = await openReading(source, options);
  const content = contentOf(reading.schema);
  const writer = new Writer({ reading, content, output });
  const { schema } = reading;

  writer.text(header({ ...options, mode: reading.mode, tables: content.tables.length, rows: reading.knownRows }));
  output.beginBody();
  writer.statement("PRAGMA defer_foreign_keys=ON");
  writer.drops();
  for (const { table } of content.tables) writer.definition(table);
  // A foreign key may point at the columns of a unique index: without it no row goes into the child.
  for (const index of parentIndexes(schema)) writer.definition(index);
  yield;
  for (const transfer of content.tables) yield* writer.table(transfer);
  if (content.sequences !== null) yield* writer.sequences(content.sequences);
  for (const virtual of content.virtualTables) yield* writer.virtualTable(virtual);
  const made = new Set(parentIndexes(schema));
  for (const index of schema.indexes) if (!made.has(index)) writer.definition(index);
  for (const view of schema.views) writer.definition(view);
  writer.rebuilds();
  for (const trigger of schema.triggers) writer.definition(trigger);
  if (content.statistics !== null) yield* writer.statistics(content.statistics);
  output.endBody();

  const doubts = await doubtsOf(reading, { content, tables: writer.tables });
  const consistency = await reading.close();
  const summary: DumpSummary = {
    mode: reading.mode,
    consistency,
    tables: writer.tables,
    rows: writer.tables.reduce((sum, table) => sum + table.rows, 0),
    warnings: [...warningsOf(schema, content), ...writer.warnings, ...doubts],
    queries: reading.queries,
    rowsRead: reading.rowsRead,
  };
  writer.text(footer(summary));
  yield;
  return summary;
}

/** Puts the parts of a dump into an output. */
class Writer {
  readonly tables: TableSummary[] = [];
  readonly warnings: string[] = [];
  readonly #reading: Reading;
  readonly #content: Content;
  readonly #output: Output;
  readonly #stage: Stage;
  readonly #decoder = new PageDecoder();

  constructor({ reading, content, output }: { reading: Reading; content: Content; output: Output }) {
    this.#reading = reading;
    this.#content = content;
    this.#output = output;
    this.#stage = new Stage(reading.schema, output);
  }

  text(lines: string): void {
    this.#output.write(Buffer.from(lines));
    this.#output.endStatement();
  }

  statement(sql: string): void {
    this.text(`${sql};\n`);
  }

  /** A definition as it is stored. One that ends in a comment must not swallow its semicolon. */
  definition({ sql }: Definition): void {
    this.statement(`${sql}${closing(sql)}`);
  }

  /** Makes room in a database that has these tables already: what depends on another goes first. */
  drops(): void {
    for (const { name } of this.#reading.schema.views) {
      if (!isEponymous(name)) this.statement(`DROP VIEW IF EXISTS ${quoteName(name)}`);
    }
    const virtual = this.#content.virtualTables.map(({ definition }) => definition.name).reverse();
    const tables = this.#content.tables.map(({ target }) => target.name).reverse();
    for (const name of [...virtual, ...tables]) {
      if (!isEponymous(name)) this.statement(`DROP TABLE IF EXISTS ${quoteName(name)}`);
    }
  }

  async *table(transfer: Transfer): AsyncGenerator<void> {
    const start = this.#output.position;
    const inserts = yield* this.#rows(transfer);
    // Within the table's range, so that this can be restored by itself.
    this.#stage.drop();
    const { rows } = inserts.digest;
    const { name } = transfer.table;
    this.#noteTroubles(name, inserts);
    this.tables.push({ name, rows, digest: inserts.digest.end(), start, end: this.#output.position });
  }

  /** The counters of AUTOINCREMENT, of dropped tables too. */
  async *sequences(transfer: Transfer): AsyncGenerator<void> {
    // sqlite_sequence exists as soon as any table has AUTOINCREMENT; the source's may all be gone.
    const helper = quoteName(unusedName(this.#reading.schema, "patina_sequence"));
    this.statement(`CREATE TABLE ${helper}(id INTEGER PRIMARY KEY AUTOINCREMENT)`);
    this.statement(`DROP TABLE ${helper}`);
    this.statement('DELETE FROM "sqlite_sequence"');
    yield* this.#rows(transfer);
  }

  async *virtualTable({ definition, config, rows }: VirtualTransfer): AsyncGenerator<void> {
    this.definition(definition);
    if (config !== null) yield* this.#rows(config);
    if (rows !== null) yield* this.table(rows);
  }

  #noteTroubles(table: string, { unchecked, uninsertable, statements }: InsertWriter): void {
    const name = quoteText(table);
    if (unchecked > 0) this.warnings.push(`${rowsOf(unchecked)} of table ${name} violate a CHECK constraint`);
    if (uninsertable > 0) {
      this.warnings.push(`${rowsOf(uninsertable)} of table ${name} cannot be inserted again: a generated column fails`);
    }
    const { parents = [] } = this.#reading.schema.tables.find((one) => one.name === table) ?? {};
    if (statements > 1 && parents.some((parent) => same(parent, table))) {
      this.warnings.push(`Rows of table ${name} refer to rows of the same table: a restore must be one transaction`);
    }
  }

  /** Indexes over other tables' or views' content are made again once that is there. */
  rebuilds(): void {
    for (const { definition, kind } of this.#content.virtualTables) {
      if (kind !== "fts5-external" || isContentMissing(this.#reading.schema, definition)) continue;
      const name = quoteName(definition.name);
      this.statement(`INSERT INTO ${name}(${name}) VALUES('rebuild')`);
    }
  }

  async *statistics(transfer: Transfer): AsyncGenerator<void> {
    this.statement('ANALYZE "sqlite_schema"');
    this.statement('DELETE FROM "sqlite_stat1"');
    yield* this.#rows(transfer);
  }

  async *#rows({ table, target }: Transfer): AsyncGenerator<void, InsertWriter> {
    const inserts = new InsertWriter({ target, output: this.#output, stage: this.#stage, decoder: this.#decoder });
    for await (const page of this.#reading.rows({ table, target })) {
      for (const rows of page) inserts.write(rows);
      yield;
    }
    inserts.end();
    return inserts;
  }
}

async function doubtsOf(
  reading: Reading,
  { content, tables }: { content: Content; tables: readonly TableSummary[] },
): Promise<string[]> {
  const { schema, source } = reading;
  const rows = (table: string) => tables.find(({ name }) => same(name, table))?.rows ?? 0;
  return [
    ...(await staleIndexes(source, { schema, virtualTables: content.virtualTables, rows })),
    ...(reading.mode === "snapshot" ? await brokenForeignKeys(source, schema) : []),
  ];
}

/** The unique indexes that foreign keys may need. */
function parentIndexes({ tables, indexes }: Schema): Index[] {
  const parents = new Set(tables.flatMap((table) => table.parents.map((name) => name.toLowerCase())));
  return indexes.filter(({ isKey, table }) => isKey && parents.has(table.toLowerCase()));
}
