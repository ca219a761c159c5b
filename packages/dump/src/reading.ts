import { createHash } from "node:crypto";
import { PatinaError } from "@patina/core/error";
import type { Consistency } from "@patina/core/job";
import type { Rules } from "@patina/core/rules";
import { contentOf, type Transfer, transfersOf } from "./content.ts";
import { type Counters, counterQueries, countersOf } from "./counters.ts";
import { FencedSource, type FenceState } from "./fence.ts";
import type { Sums } from "./fingerprint.ts";
import { guardOf } from "./guard.ts";
import { insertHead } from "./insert-writer.ts";
import type { PageRooms } from "./page-room.ts";
import { PagedReader } from "./paged-reader.ts";
import type { Cursor } from "./range.ts";
import { maxLine, type Rows } from "./rows.ts";
import { readRuledSchema } from "./ruled-schema.ts";
import type { Schema, Table } from "./schema.ts";
import { OBJECTS_QUERY, type ReadSchema, schemaIdentity } from "./schema-reader.ts";
import { readSnapshot } from "./snapshot-reader.ts";
import type { ResultSet, Source } from "./source.ts";

export interface ReadingOptions {
  /** A database of at most so many bytes is read in one batch, unless that takes more than `batchQueries`. */
  readonly snapshotBytes: number;
  readonly batchQueries: number;
  /** Go on when somebody writes meanwhile: the dump is `fuzzy` then. Otherwise reading ends with `source_changed`. */
  readonly isTolerant: boolean;
  readonly rules: Rules;
  /** Where another invocation stopped. */
  readonly state: ReadingState | null;
  readonly rooms: PageRooms;
  readonly singleRows: number;
}

/** What another invocation needs to go on reading page by page. */
export interface ReadingState {
  /** SHA-256 of the schema's identity, rules included. */
  readonly schema: string;
  readonly fence: FenceState;
}

/** Some rows of a table, the key from which reading goes on behind them, and what the database counted of them. */
export interface Group {
  readonly rows: readonly Rows[];
  readonly cursor: Cursor;
  readonly sums: Sums;
}

/** A database while it is read. */
export interface Reading {
  readonly mode: "snapshot" | "paged";
  readonly schema: Schema;
  /** The schema without rules, see schemaIdentity(). */
  readonly identity: string;
  /** Rows of all tables, where they are known before the first is written. */
  readonly knownRows: number | null;
  /** Queries sent and rows read so far, as the database counts them. */
  readonly queries: number;
  readonly rowsRead: number;
  /** For questions beside the rows. */
  readonly source: Source;
  /** Null where another invocation cannot go on. */
  readonly state: ReadingState | null;
  /** The rows of a table behind a key, in groups of about a megabyte. */
  rows(transfer: Transfer, after: Cursor): AsyncIterable<Group>;
  /** The counters of AUTOINCREMENT. */
  counters(): Promise<Counters>;
  /** Rows that were read a second time were not the same. */
  differs(table: string): void;
  /** Says what can be said of the time between the first read and the last. */
  close(): Promise<Consistency>;
  /** What a failure really was: a database whose schema has changed meanwhile refuses queries that were right. */
  explain(error: unknown): Promise<unknown>;
}

/** Starts to read a database, or goes on: in one piece when it is small, else page by page. */
export async function openReading(source: Source, options: ReadingOptions): Promise<Reading> {
  const { state, isTolerant, rules } = options;
  const fenced = new FencedSource(source, { isTolerant, state: state?.fence ?? null });
  if (state !== null) return await resumedReading(fenced, { ...options, state });
  const read = await readRuledSchema(fenced, rules);
  if (fenced.bytes <= options.snapshotBytes) {
    try {
      const reading = await snapshotReading(fenced, { ...options, read });
      if (reading !== null) return reading;
    } catch (error) {
      if (!(error instanceof PatinaError) || !mayPassInPages(error, read.schema)) throw error;
    }
  }
  await fenced.set();
  // Again, behind the fence: local D1 makes a table of its own when it is asked for a bookmark.
  return new PagedReading(fenced, { ...options, ...(await readRuledSchema(fenced, rules)) });
}

/**
 * Whether what failed in one piece may be read page by page: too much at once, or a guard that cannot be evaluated on some
 * row, which page by page is found.
 */
function mayPassInPages({ code }: PatinaError, { tables }: Schema): boolean {
  if (code === "source_overloaded" || code === "result_too_large") return true;
  return code === "source_failed" && tables.some((table) => guardOf(table) !== null);
}

async function resumedReading(
  source: FencedSource,
  options: PagedOptions & { readonly state: ReadingState },
): Promise<Reading> {
  const read = await readRuledSchema(source, options.rules);
  if (digestOf(read.identity, options.rules) !== options.state.schema) throw schemaChanged();
  return new PagedReading(source, { ...options, ...read });
}

function schemaChanged(options?: ErrorOptions): PatinaError {
  return new PatinaError(
    "schema_changed",
    "Cannot read the database as one: its schema was changed meanwhile",
    options,
  );
}

function digestOf(identity: string, rules: Rules): string {
  return createHash("sha256")
    .update(JSON.stringify([identity, rules]))
    .digest("hex");
}

function lineLimit({ target }: Transfer): number {
  return maxLine(Buffer.byteLength(insertHead(target)));
}

async function snapshotReading(
  source: FencedSource,
  { rules, batchQueries, read }: Pick<ReadingOptions, "rules" | "batchQueries"> & { readonly read: ReadSchema },
): Promise<Reading | null> {
  let transfers: Transfer[] = [];
  const snapshot = await readSnapshot(source, {
    rules,
    read,
    maxQueries: batchQueries,
    tables(schema) {
      transfers = transfersOf(contentOf(schema));
      return transfers.map((transfer) => transfer.table);
    },
    maxLine: (table) => lineLimit(found(transfers, table)),
  });
  if (snapshot === null) return null;
  const byName = new Map([...snapshot.content].map(([table, content]) => [table.name, content]));
  return {
    mode: "snapshot",
    source,
    schema: snapshot.schema,
    identity: snapshot.identity,
    knownRows: knownRows(snapshot.schema, byName),
    state: null,
    get queries() {
      return source.queries;
    },
    get rowsRead() {
      return source.rowsRead;
    },
    async *rows({ table }) {
      const content = byName.get(table.name);
      if (content !== undefined) yield { ...content, cursor: null };
    },
    counters: async () => snapshot.counters,
    differs: () => undefined,
    close: async () => "snapshot",
    explain: async (error) => error,
  };
}

function found(transfers: readonly Transfer[], table: Table): Transfer {
  const transfer = transfers.find((candidate) => candidate.table === table);
  if (transfer === undefined) throw new RangeError(`Cannot find table "${table.name}" among those being read`);
  return transfer;
}

function knownRows(schema: Schema, content: ReadonlyMap<string, { readonly sums: Sums }>): number {
  const all = [...schema.tables, ...schema.virtualTables];
  return all.reduce((count, { name }) => count + (content.get(name)?.sums.rows ?? 0), 0);
}

type PagedOptions = Pick<ReadingOptions, "rules" | "rooms" | "singleRows">;

/** A database that is read page by page, between fences. */
class PagedReading implements Reading {
  readonly mode = "paged";
  readonly knownRows = null;
  readonly schema: Schema;
  readonly source: FencedSource;
  readonly identity: string;
  readonly #options: PagedOptions;

  constructor(source: FencedSource, { schema, identity, ...options }: ReadSchema & PagedOptions) {
    this.source = source;
    this.schema = schema;
    this.identity = identity;
    this.#options = options;
  }

  get queries(): number {
    return this.source.queries;
  }

  get rowsRead(): number {
    return this.source.rowsRead;
  }

  get state(): ReadingState {
    return { schema: digestOf(this.identity, this.#options.rules), fence: this.source.state };
  }

  async *rows(transfer: Transfer, after: Cursor): AsyncGenerator<Group> {
    const { table } = transfer;
    const reader = new PagedReader(this.source, { ...this.#options, table, maxLine: lineLimit(transfer), after });
    for (let page = await reader.next(); page !== null; page = await reader.next()) yield page;
  }

  async counters(): Promise<Counters> {
    return countersOf(await this.source.batch(counterQueries(this.schema)));
  }

  differs(table: string): void {
    this.source.move(`table "${table}" was not the same when it was read again`);
  }

  async close(): Promise<Consistency> {
    const isSame = await this.#isSchemaSame();
    const isQuiet = await this.source.isQuiet();
    if (!isSame) throw schemaChanged();
    if (!isQuiet) return "fuzzy";
    return this.source.isFrozen ? "snapshot" : "stable";
  }

  async explain(error: unknown): Promise<unknown> {
    if (!(error instanceof PatinaError) || error.code !== "source_failed") return error;
    return (await this.#isSchemaSame()) ? error : schemaChanged({ cause: error });
  }

  async #isSchemaSame(): Promise<boolean> {
    const results: readonly ResultSet[] = await this.source.batch([OBJECTS_QUERY]);
    return schemaIdentity(results[0]) === this.identity;
  }
}
