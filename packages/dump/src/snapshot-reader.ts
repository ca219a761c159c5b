import { PatinaError } from "@patina/core/error";
import { longCells } from "./long-row.ts";
import { ALL, cellPiece, cellSizes, easyTable, MARK, rangeAt, TAGGED_BYTES, taggedPage } from "./page-query.ts";
import { blockOf } from "./row-block.ts";
import { finishLine, parseCells } from "./row-line.ts";
import type { Rows } from "./rows.ts";
import { SCHEMA_QUERIES, type Schema, type Table, toSchema } from "./schema.ts";
import { type Query, type ResultSet, type Source, text } from "./source.ts";

/** A whole database as it was at one instant. */
export interface Snapshot {
  readonly schema: Schema;
  /** The rows of every table that was asked for, in the order asked. */
  readonly rows: ReadonlyMap<Table, readonly Rows[]>;
}

/** Rounds before a database that changes its schema or its long rows each time is given up. */
const MAX_ROUNDS = 8;

/**
 * Reads a database in one batch: the batch is one transaction, so everything in it belongs to one instant. What the
 * queries must ask depends on what is stored (a text that is no UTF-8, a row too long for one value); each time that
 * shows, the whole batch is asked again. Only for databases of a few megabytes: everything is in memory.
 */
export async function readSnapshot(
  source: Source,
  options: { readonly tables: (schema: Schema) => readonly Table[]; readonly maxLine: (table: Table) => number },
): Promise<Snapshot> {
  let schema = toSchema(await source.batch(SCHEMA_QUERIES));
  let plans: Plan[] = options.tables(schema).map((table) => easyPlan(table, options.maxLine(table)));
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const results = await source.batch([...SCHEMA_QUERIES, ...plans.flatMap((plan) => plan.queries)]);
    const seen = toSchema(results.slice(0, SCHEMA_QUERIES.length));
    if (JSON.stringify(seen) !== JSON.stringify(schema)) {
      schema = seen;
      plans = options.tables(schema).map((table) => easyPlan(table, options.maxLine(table)));
      continue;
    }
    const answers = take(plans, results.slice(SCHEMA_QUERIES.length));
    if (answers.every((answer) => "rows" in answer)) {
      return { schema, rows: new Map(answers.map((answer, i) => [tableOf(plans, i), answer.rows])) };
    }
    const next: Plan[] = [];
    for (const [i, answer] of answers.entries()) {
      const plan = plans[i];
      if (plan !== undefined) next.push("rows" in answer ? plan : await answer.replan(source));
    }
    plans = next;
  }
  throw new PatinaError("source_overloaded", "Cannot read the database in one piece: it changes too often");
}

/** How one table is asked for, and what the answer means. */
interface Plan {
  readonly table: Table;
  readonly queries: readonly Query[];
  readonly understand: (results: readonly ResultSet[]) => Answer;
}

type Answer = { readonly rows: readonly Rows[] } | { readonly replan: (source: Source) => Promise<Plan> };

function take(plans: readonly Plan[], results: readonly ResultSet[]): Answer[] {
  let at = 0;
  return plans.map((plan) => {
    at += plan.queries.length;
    return plan.understand(results.slice(at - plan.queries.length, at));
  });
}

function tableOf(plans: readonly Plan[], index: number): Table {
  const plan = plans[index];
  if (plan === undefined) throw new RangeError(`Cannot find plan ${index}`);
  return plan.table;
}

function easyPlan(table: Table, maxLine: number): Plan {
  return {
    table,
    queries: [easyTable(table, maxLine)],
    understand([result]) {
      const rows = (result?.rows ?? []).map(([row]) => text(row));
      // U+FFFD may be the user's own or stand for bytes that are no UTF-8: hexadecimal tells.
      const plain = rows.every((row) => row !== MARK && !row.includes("\uFFFD"));
      if (!plain) return { replan: async () => taggedPlan(table, []) };
      return { rows: rows.length === 0 ? [] : [{ kind: "block", block: blockOf(rows.map(finishLine)) }] };
    },
  };
}

/** A row that is read in pieces: its key and what cellSizes() said of it. */
interface LongRow {
  readonly key: readonly string[];
  readonly sizes: readonly string[];
}

function taggedPlan(table: Table, long: readonly LongRow[]): Plan {
  const plans = long.map((row) => ({ ...row, cells: longCells(row.sizes), range: rangeAt(table, row.key) }));
  const pieces = plans.flatMap(({ cells, range }) => [
    cellSizes(table, range),
    ...cells.pieces.map((piece) => cellPiece(table, { ...piece, range })),
  ]);
  return {
    table,
    queries: [taggedPage(table, { range: ALL, limit: -1, maxRow: TAGGED_BYTES }), ...pieces],
    understand([page, ...rest]) {
      const rows = (page?.rows ?? []).map(([row, key]) => ({ row: text(row), key }));
      const keys = rows.flatMap(({ row, key }, i) =>
        row !== MARK ? [] : [table.key.by === "hidden" ? [String(i)] : text(key).split(",")],
      );
      const replan = async (source: Source) => taggedPlan(table, await sizesOf(source, { table, keys }));
      if (keys.join(" ") !== long.map((row) => row.key).join(" ")) return { replan };
      let at = 0;
      const longRows: Rows[] = [];
      for (const plan of plans) {
        const [sizes, ...read] = rest.slice(at, at + 1 + plan.cells.pieces.length);
        at += 1 + plan.cells.pieces.length;
        if (sizes?.rows[0]?.join() !== plan.sizes.join()) return { replan };
        const cells = plan.cells.assemble(read.map((result) => text(result.rows[0]?.[0])));
        longRows.push({ kind: "row", cells });
      }
      let next = 0;
      return {
        rows: rows.flatMap(({ row }): Rows[] => {
          if (row !== MARK) return [{ kind: "row", cells: parseCells(row) }];
          const found = longRows[next];
          next += 1;
          return found === undefined ? [] : [found];
        }),
      };
    },
  };
}

async function sizesOf(source: Source, { table, keys }: { table: Table; keys: string[][] }): Promise<LongRow[]> {
  const results = await source.batch(keys.map((key) => cellSizes(table, rangeAt(table, key))));
  return keys.map((key, i) => ({ key, sizes: (results[i]?.rows[0] ?? []).map(text) }));
}
