import type { Schema } from "./schema.ts";
import { columns, type Query, type ResultSet, text } from "./source.ts";

/**
 * The counters of AUTOINCREMENT by table, as text: they may be larger than a double holds. Read by themselves, beside the
 * rows that the dump writes for them, so that a dump that loses one shows.
 */
export type Counters = ReadonlyMap<string, string>;

const QUERY: Query = {
  sql: `SELECT ${columns(["name", "''||seq"])} FROM sqlite_sequence
    WHERE typeof(name)='text' AND typeof(seq)='integer' ORDER BY rowid`,
};

/** Asks for the counters: nothing where no table has one. The results go to countersOf(). */
export function counterQueries({ hasSequences }: Schema): Query[] {
  return hasSequences ? [QUERY] : [];
}

export function countersOf(results: readonly ResultSet[]): Counters {
  return new Map(results.flatMap(({ rows }) => rows.map(([name, counter]) => [text(name), text(counter)] as const)));
}
