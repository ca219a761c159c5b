import { PatinaError } from "@patina/core/error";
import type { Consistency } from "@patina/core/job";
import { contentOf, type Transfer, transfersOf } from "./content.ts";
import { insertHead } from "./insert-writer.ts";
import { PagedReader } from "./paged-reader.ts";
import { maxLine, type Rows } from "./rows.ts";
import type { Schema, Table } from "./schema.ts";
import { type ReadSchema, readSchema } from "./schema-reader.ts";
import { readSnapshot } from "./snapshot-reader.ts";
import { columns, number, type Query, type ResultSet, type Source } from "./source.ts";

/** A database while it is read. */
export interface Reading {
  readonly mode: "snapshot" | "paged";
  readonly schema: Schema;
  /** Rows of all tables, where they are known before the first is written. */
  readonly knownRows: number | null;
  /** Queries sent and rows read so far, as the database counts them. */
  readonly queries: number;
  readonly rowsRead: number;
  /** For questions beside the rows. */
  readonly source: Source;
  /** The rows of a table, in groups of about a megabyte. */
  rows(transfer: Transfer): AsyncIterable<readonly Rows[]>;
  /** Says what can be said of the time between the first read and the last. */
  close(): Promise<Consistency>;
}

/** Starts to read a database: in one piece when it is at most `snapshotBytes` large, else page by page. */
export async function openReading(source: Source, { snapshotBytes }: { snapshotBytes: number }): Promise<Reading> {
  const counted = new CountedSource(source);
  const [fence] = await counted.batch([FENCE]);
  if ((fence?.sizeAfter ?? Number.POSITIVE_INFINITY) <= snapshotBytes) {
    try {
      return await snapshotReading(counted);
    } catch (error) {
      // A guard that cannot be evaluated on some row fails the whole batch; page by page that row is found.
      if (!(error instanceof PatinaError) || error.code !== "source_failed") throw error;
    }
  }
  return pagedReading(counted, { fence: changesOf(fence), ...(await readSchema(counted)) });
}

/** Counts what goes through it. */
class CountedSource implements Source {
  queries = 0;
  rowsRead = 0;
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  async batch(queries: readonly Query[]): Promise<readonly ResultSet[]> {
    const results = await this.#source.batch(queries);
    this.queries += queries.length;
    for (const result of results) this.rowsRead += result.rowsRead;
    return results;
  }
}

function lineLimit({ target }: Transfer): number {
  return maxLine(Buffer.byteLength(insertHead(target)));
}

async function snapshotReading(source: CountedSource): Promise<Reading> {
  let transfers: Transfer[] = [];
  const snapshot = await readSnapshot(source, {
    tables(schema) {
      transfers = transfersOf(contentOf(schema));
      return transfers.map((transfer) => transfer.table);
    },
    maxLine: (table) => lineLimit(found(transfers, table)),
  });
  const byName = new Map([...snapshot.rows].map(([table, rows]) => [table.name, rows]));
  return {
    mode: "snapshot",
    source,
    schema: snapshot.schema,
    knownRows: knownRows(snapshot.schema, byName),
    get queries() {
      return source.queries;
    },
    get rowsRead() {
      return source.rowsRead;
    },
    async *rows({ table }) {
      yield byName.get(table.name) ?? [];
    },
    close: async () => "snapshot",
  };
}

function found(transfers: readonly Transfer[], table: Table): Transfer {
  const transfer = transfers.find((candidate) => candidate.table === table);
  if (transfer === undefined) throw new RangeError(`Cannot find table "${table.name}" among those being read`);
  return transfer;
}

function knownRows(schema: Schema, rows: ReadonlyMap<string, readonly Rows[]>): number {
  let count = 0;
  for (const { name } of [...schema.tables, ...schema.virtualTables]) {
    for (const part of rows.get(name) ?? []) count += part.kind === "block" ? part.block.ends.length : 1;
  }
  return count;
}

/** Moves with every write over the connection; a restart of the database sets it back to 0. */
const FENCE: Query = { sql: `SELECT ${columns(["total_changes()"])}` };

function changesOf(result: ResultSet | undefined): number {
  return number(result?.rows[0]?.[0]);
}

function pagedReading(source: CountedSource, { fence, schema, identity }: ReadSchema & { fence: number }): Reading {
  return {
    mode: "paged",
    source,
    schema,
    knownRows: null,
    get queries() {
      return source.queries;
    },
    get rowsRead() {
      return source.rowsRead;
    },
    async *rows(transfer) {
      const reader = new PagedReader(source, { table: transfer.table, maxLine: lineLimit(transfer), after: null });
      for (let page = await reader.next(); page !== null; page = await reader.next()) yield page.rows;
    },
    async close() {
      const [now] = await source.batch([FENCE]);
      const isSame = (await readSchema(source)).identity === identity;
      return isSame && changesOf(now) === fence ? "stable" : "fuzzy";
    },
  };
}
