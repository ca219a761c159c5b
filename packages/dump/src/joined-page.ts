import type { Sums } from "./fingerprint.ts";
import { rowSums } from "./fingerprint-sql.ts";
import { groupQueries, type PageOptions, tailOf } from "./page-query.ts";
import type { Take } from "./page-room.ts";
import { MAX_COLUMNS, type Selection, selectGuard, taggedKey, taggedRow } from "./row-sql.ts";
import type { Table } from "./schema.ts";
import { columns, number, type Query, type ResultSet, text, type Value } from "./source.ts";
import { type TaggedRow, taggedRows } from "./tagged-rows.ts";

/** Stands between two rows of a page, and occurs in none. */
const NEXT = ";";

/** A page of tagged rows: what to ask in one batch, and what the answer means. */
export interface JoinedPage {
  readonly queries: readonly Query[];
  readonly read: (results: readonly ResultSet[], take: Take) => { rows: readonly TaggedRow[]; sums: Sums };
}

/**
 * The queries of taggedPage(), each group's rows joined into one text and counted: few large results are cheaper than many
 * small ones, and a sum needs an aggregate.
 */
export function joinedPage(table: Table, options: PageOptions & { readonly guarded: boolean }): JoinedPage {
  const ask = (selection: Selection, parts: { rows: readonly string[]; aggregates: readonly string[] }): Query => {
    const { tail, params } = tailOf(table, { ...options, selection });
    const rows = `SELECT ${parts.rows.join(",")} FROM ${selection.from} ${tail}`;
    return { sql: `SELECT ${columns(parts.aggregates)} FROM (${rows})`, params };
  };
  const groups = groupQueries(table, (group) => {
    const sums = rowSums(table, { cells: group.cells, room: MAX_COLUMNS - 3 });
    const rows = [`${taggedRow(group, options.maxRow)} AS r`, `${taggedKey(group)} AS k`, ...sums.ofRow];
    return { sums, query: ask(group, { rows, aggregates: ["count(*)", joined("r"), joined("k"), sums.aggregate] }) };
  });
  const queries = groups.map(({ query }) => query);
  const guard = options.guarded ? selectGuard(table) : null;
  if (guard !== null && guard.guard !== null) {
    queries.push(ask(guard, { rows: [`${guard.guard} AS r`], aggregates: ["count(*)", joined("r")] }));
  }
  return {
    queries,
    read(results, take) {
      const rows = taggedRows(results.map(separate), { guarded: results.length > groups.length, take });
      return {
        rows,
        sums: {
          rows: rows.length,
          columns: groups.flatMap(({ sums }, i) => sums.read([text(results[i]?.rows[0]?.[3])])),
        },
      };
    },
  };
}

function joined(name: string): string {
  return `group_concat(${name},'${NEXT}')`;
}

/** A joined result as taggedPage() gives it: one row for each row. */
function separate({ rows, rowsRead }: ResultSet): ResultSet {
  const [count, cells, keys] = rows[0] ?? [];
  const all = parts(cells);
  const keysOf = parts(keys);
  return { rows: Array.from({ length: number(count) }, (_, i) => [all[i] ?? null, keysOf[i] ?? null]), rowsRead };
}

function parts(value: Value | undefined): string[] {
  return typeof value === "string" ? value.split(NEXT) : [];
}

/** The sums of some rows alone: queries to be asked in one batch, and what their answer means. */
export function countedPage(
  table: Table,
  { range, limit }: Omit<PageOptions, "maxRow">,
): { queries: readonly Query[]; read: (results: readonly ResultSet[]) => Sums } {
  const groups = groupQueries(table, (group) => {
    const sums = rowSums(table, { cells: group.cells, room: MAX_COLUMNS - 1 });
    const { tail, params } = tailOf(table, { selection: group, range, limit });
    const rows = `SELECT ${sums.ofRow.join(",")} FROM ${group.from} ${tail}`;
    return { sums, query: { sql: `SELECT ${columns(["count(*)", sums.aggregate])} FROM (${rows})`, params } };
  });
  return {
    queries: groups.map(({ query }) => query),
    read: (results) => ({
      rows: number(results[0]?.rows[0]?.[0]),
      columns: groups.flatMap(({ sums }, i) => sums.read([text(results[i]?.rows[0]?.[1])])),
    }),
  };
}
