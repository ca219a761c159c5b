import { Buffer } from "node:buffer";
import { PatinaError } from "@patina/core/error";
import type { Consistency } from "@patina/core/job";
import type { Rules } from "@patina/core/rules";
import { type Content, contentOf, type Transfer } from "./content.ts";
import type { Counters } from "./counters.ts";
import { brokenForeignKeys, isContentReadable, lacksColumn, misreadDefinitions, staleIndexes } from "./doubts.ts";
import { addSums, type ColumnFingerprint, fingerprints, NO_ROWS, type Sums } from "./fingerprint.ts";
import { type DumpInfo, FRAME_STATEMENTS, footer, header } from "./frame.ts";
import { type InsertState, InsertWriter } from "./insert-writer.ts";
import { withDigests } from "./keyed-digest.ts";
import { layoutOf, refersToItself, type Step } from "./layout.ts";
import { quoteName, quoteText, same } from "./name.ts";
import type { Output } from "./output.ts";
import { PageRooms } from "./page-room.ts";
import { MAX_SINGLE_ROWS } from "./paged-reader.ts";
import type { Cursor } from "./range.ts";
import { openReading, type Reading, type ReadingState } from "./reading.ts";
import type { VirtualTable } from "./schema.ts";
import { type SchemaDigest, schemaDigest } from "./schema-digest.ts";
import { objectsOf } from "./schema-reader.ts";
import type { Source } from "./source.ts";
import { Stage } from "./stage.ts";
import { readColumns } from "./table-columns.ts";
import { rowsOf, warningsOf } from "./warnings.ts";

export interface DumpOptions extends DumpInfo {
  readonly output: Output;
  readonly rules: Rules;
  /** The key of the digests that rules ask for; null when there is none. */
  readonly redactionKey: string | null;
  /** Databases up to this many bytes are read in one batch, at one instant. */
  readonly snapshotBytes: number;
  /** Queries up to which one batch may read it: a table costs one, or one for each 45 columns where values need it. */
  readonly batchQueries?: number;
  /** Rows of a page that are read one by one, at most: few where an invocation has few queries. */
  readonly singleRows?: number;
  /**
   * Whether a database that somebody writes to meanwhile is dumped all the same, and called `fuzzy`. Otherwise the dump
   * ends with `source_changed`.
   */
  readonly isTolerant?: boolean;
  /** Read a database of many pages twice, and call it `stable` only if both readings gave the same rows. */
  readonly isCertain?: boolean;
  /** Where another invocation stopped. */
  readonly state?: DumpState | null;
  /** Leave the rows of all listed tables out: what is left are definitions, counters and statistics. */
  readonly isRowless?: boolean;
  /** Holds the pages that are read; nothing else may use it meanwhile. */
  readonly rooms?: PageRooms;
}

/** Bytes of a database up to which it is read in one piece: 8 MB of blobs were 83 MB in memory, 2 MB are about 20. */
export const SNAPSHOT_BYTES = 2_000_000;

/** What a dump holds of one table. */
export interface TableSummary {
  readonly name: string;
  readonly rows: number;
  /** SHA-256 chain over the row lines, see table-digest.ts. */
  readonly digest: string;
  /** What SQLite counted of each stored column, see fingerprint.ts. */
  readonly columns: readonly ColumnFingerprint[];
  /** Offsets in the dump of the table's first statement of rows and behind its last. */
  readonly start: number;
  readonly end: number;
  /** Where its AUTOINCREMENT stands. Absent without one, and where the database changed while it was read. */
  readonly counter?: string | undefined;
}

export interface DumpSummary {
  readonly mode: "snapshot" | "paged";
  readonly consistency: Consistency;
  readonly tables: readonly TableSummary[];
  readonly rows: number;
  readonly schema: SchemaDigest;
  /** What the dump does not carry, a sentence each. */
  readonly warnings: readonly string[];
  readonly queries: number;
  readonly rowsRead: number;
}

/** What another invocation needs, beside the output's own state, to go on with a dump. */
export interface DumpState {
  readonly reading: ReadingState;
  readonly step: number;
  readonly rows: RowsState | null;
  readonly tables: readonly TableSummary[];
  readonly warnings: readonly string[];
  readonly isStaged: boolean;
}

/** A table whose rows are not all read. */
interface RowsState {
  readonly start: number;
  readonly cursor: Cursor;
  readonly inserts: InsertState;
  readonly sums: Sums;
}

/** Where a dump is, at any pause. */
export interface Pause {
  readonly queries: number;
  /** What another invocation needs to go on from here; null for a database that is read in one piece. */
  readonly state: () => DumpState | null;
}

/**
 * Writes the dump of a database, or goes on with one. Pauses about every megabyte, where the output may be emptied and
 * the dump may be left for another invocation to finish.
 *
 * The format is docs/format/dump.md.
 *
 * @throws {PatinaError} what the source throws; `source_changed` and `schema_changed` when the dump must start again
 */
export async function* dump(source: Source, options: DumpOptions): AsyncGenerator<Pause, DumpSummary> {
  const { snapshotBytes, batchQueries = Number.POSITIVE_INFINITY, isTolerant = true, state = null } = options;
  const { rules, redactionKey, rooms = new PageRooms() } = options;
  if (redactionKey === null && rules.redactions.some(({ as }) => as === "digest")) {
    throw new PatinaError("redaction_key_missing", `Cannot dump database "${options.database}": a rule needs a key`);
  }
  const reading = await openReading(source, {
    snapshotBytes,
    batchQueries,
    singleRows: options.singleRows ?? MAX_SINGLE_ROWS,
    isTolerant,
    rules,
    state: state?.reading ?? null,
    rooms,
  });
  try {
    return yield* new Dump(reading, options).run();
  } catch (error) {
    throw await reading.explain(error);
  }
}

class Dump {
  readonly #reading: Reading;
  readonly #options: DumpOptions;
  readonly #output: Output;
  readonly #content: Content;
  readonly #steps: readonly Step[];
  readonly #stage: Stage;
  readonly #tables: TableSummary[];
  readonly #warnings: string[];
  #step: number;

  constructor(reading: Reading, options: DumpOptions) {
    const { output, state = null, isCertain = false } = options;
    this.#reading = reading;
    this.#options = options;
    this.#output = output;
    this.#content = contentOf(reading.schema);
    this.#steps = layoutOf(reading.schema, {
      content: this.#content,
      isCertain: isCertain && reading.mode === "paged" && reading.source.isFrozen !== true,
    });
    this.#stage = new Stage(reading.schema, { output, isMade: state?.isStaged ?? false });
    this.#tables = [...(state?.tables ?? [])];
    this.#warnings = [...(state?.warnings ?? [])];
    this.#step = state?.step ?? 0;
  }

  async *run(): AsyncGenerator<Pause, DumpSummary> {
    const { state = null } = this.#options;
    if (state === null) this.#begin();
    let rows = state?.rows ?? null;
    for (let step = this.#steps[this.#step]; step !== undefined; step = this.#steps[this.#step]) {
      yield* this.#take(step, rows);
      rows = null;
      this.#step += 1;
      yield this.#pause(null);
    }
    return await this.#end();
  }

  #begin(): void {
    const { mode, knownRows } = this.#reading;
    this.#text(
      header({ ...this.#options, mode, tables: this.#content.tables.length, rows: knownRows }),
      FRAME_STATEMENTS,
    );
    this.#output.beginBody();
  }

  async *#take(step: Step, rows: RowsState | null): AsyncGenerator<Pause> {
    switch (step.kind) {
      case "statements":
        for (const sql of step.statements) this.#text(sql);
        return;
      case "rows":
        yield* this.#rows(step, rows);
        return;
      case "rebuild":
        await this.#rebuild(step.table);
        return;
      case "end":
        this.#output.endBody();
        return;
      case "compare":
        yield* this.#compare(step.transfer, rows);
        return;
    }
  }

  async *#rows(
    { transfer, isListed }: { transfer: Transfer; isListed: boolean },
    state: RowsState | null,
  ): AsyncGenerator<Pause> {
    if (isListed && this.#options.isRowless === true) return;
    const { name } = transfer.table;
    const start = state?.start ?? this.#output.position;
    const copied = yield* this.#copy(transfer, { state, start, output: this.#output, stage: this.#stage });
    const { inserts, sums } = copied;
    if (!isListed) return;
    this.#noteTroubles(name, inserts);
    const { rows } = inserts.digest;
    const columns = fingerprints(sums, readColumns(transfer.table));
    this.#tables.push({ name, rows, digest: inserts.digest.end(), columns, start, end: this.#output.position });
  }

  async #rebuild(table: VirtualTable): Promise<void> {
    const name = quoteName(table.name);
    if (await isContentReadable(this.#reading.source, table)) {
      this.#text(`INSERT INTO ${name}(${name}) VALUES('rebuild');\n`);
      return;
    }
    this.#warnings.push(lacksColumn(table));
  }

  /** Reads a table again: what has moved between the two readings shows. */
  async *#compare(transfer: Transfer, state: RowsState | null): AsyncGenerator<Pause> {
    const stage = new Stage(this.#reading.schema, { output: NOWHERE, isMade: true });
    const { inserts } = yield* this.#copy(transfer, { state, start: 0, output: NOWHERE, stage });
    const { name } = transfer.table;
    const first = this.#tables.find((table) => table.name === name);
    if (first?.digest !== inserts.digest.end()) this.#reading.differs(name);
  }

  async *#copy(
    transfer: Transfer,
    options: { state: RowsState | null; start: number; output: Output; stage: Stage },
  ): AsyncGenerator<Pause, { inserts: InsertWriter; sums: Sums }> {
    const { state, start, output, stage } = options;
    const { target } = transfer;
    const { redactionKey } = this.#options;
    const inserts = new InsertWriter({ target, output, stage, state: state?.inserts ?? null });
    let sums = state?.sums ?? NO_ROWS;
    for await (const group of this.#reading.rows(transfer, state?.cursor ?? null)) {
      for (const rows of group.rows) inserts.write(withDigests(rows, { table: transfer.table, key: redactionKey }));
      sums = addSums(sums, group.sums);
      yield this.#pause(() => ({ start, cursor: group.cursor, inserts: inserts.state, sums }));
    }
    inserts.end();
    // Within the table's range, so that this can be restored by itself.
    stage.drop();
    return { inserts, sums };
  }

  #pause(rows: (() => RowsState) | null): Pause {
    return {
      queries: this.#reading.queries,
      state: () => {
        const reading = this.#reading.state;
        if (reading === null) return null;
        return {
          reading,
          step: this.#step,
          rows: rows?.() ?? null,
          tables: this.#tables,
          warnings: this.#warnings,
          isStaged: this.#stage.isMade,
        };
      },
    };
  }

  async #end(): Promise<DumpSummary> {
    const reading = this.#reading;
    const doubts = await this.#doubts();
    const counters = await reading.counters();
    const consistency = await reading.close();
    const summary: DumpSummary = {
      mode: reading.mode,
      consistency,
      // One that moved meanwhile need not be the one that the dump holds.
      tables: consistency === "fuzzy" ? this.#tables : this.#tables.map((table) => withCounter(table, counters)),
      rows: this.#tables.reduce((sum, table) => sum + table.rows, 0),
      schema: schemaDigest(objectsOf(reading.identity)),
      warnings: [...warningsOf(reading.schema, this.#content), ...this.#warnings, ...doubts],
      queries: reading.queries,
      rowsRead: reading.rowsRead,
    };
    this.#text(footer({ ...summary, rules: this.#options.rules }), FRAME_STATEMENTS);
    return summary;
  }

  async #doubts(): Promise<string[]> {
    const { schema, identity, source, mode } = this.#reading;
    const { virtualTables } = this.#content;
    const rows = (table: string) => this.#tables.find(({ name }) => same(name, table))?.rows ?? 0;
    return [
      ...(await misreadDefinitions(source, identity)),
      ...(await staleIndexes(source, { schema, virtualTables, rows })),
      ...(mode === "snapshot" ? await brokenForeignKeys(source, schema) : []),
    ];
  }

  #noteTroubles(table: string, { unchecked, uninsertable, statements }: InsertWriter): void {
    const name = quoteText(table);
    if (unchecked > 0) this.#warnings.push(`${rowsOf(unchecked)} of table ${name} violate a CHECK constraint`);
    if (uninsertable > 0) {
      this.#warnings.push(
        `${rowsOf(uninsertable)} of table ${name} cannot be inserted again: a generated column fails`,
      );
    }
    if (statements > 1 && refersToItself(this.#reading.schema, table)) {
      this.#warnings.push(`Rows of table ${name} refer to rows of the same table: a restore must be one transaction`);
    }
  }

  #text(lines: string, statements = 1): void {
    this.#output.write(Buffer.from(lines));
    this.#output.endStatement(statements);
  }
}

function withCounter(table: TableSummary, counters: Counters): TableSummary {
  const counter = counters.get(table.name);
  return counter === undefined ? table : { ...table, counter };
}

/** Takes what a second reading would write. */
const NOWHERE: Output = {
  position: 0,
  write: () => undefined,
  endStatement: () => undefined,
  beginBody: () => undefined,
  endBody: () => undefined,
};
