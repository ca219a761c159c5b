import { PatinaError } from "@patina/core/error";
import type { Rules } from "@patina/core/rules";
import { type Counters, counterQueries, countersOf } from "./counters.ts";
import type { Sums } from "./fingerprint.ts";
import { countedSums, fingerprintQueries, MAX_COUNTED_ROWS } from "./fingerprint-sql.ts";
import { guardOf } from "./guard.ts";
import type { Cell } from "./literal.ts";
import { longCells } from "./long-row.ts";
import { cellPiece, cellSizes, easyRows, easyTable, taggedTable } from "./page-query.ts";
import { PageRoom } from "./page-room.ts";
import { rangeAt } from "./range.ts";
import { blockOf, countMarks, decodePage, hasRows } from "./row-block.ts";
import { finishLine } from "./row-line.ts";
import { described } from "./row-reader.ts";
import type { Rows } from "./rows.ts";
import { readRuledSchema } from "./ruled-schema.ts";
import type { Schema, Table } from "./schema.ts";
import { OBJECTS_QUERY, type ReadSchema, schemaIdentity } from "./schema-reader.ts";
import { number, type Query, type ResultSet, type Source, text } from "./source.ts";
import { taggedRows, wholeRow } from "./tagged-rows.ts";

/** A whole database as it was at one instant. */
export interface Snapshot {
  readonly schema: Schema;
  readonly identity: string;
  /** The content of every table that was asked for. */
  readonly content: ReadonlyMap<Table, SnapshotTable>;
  readonly counters: Counters;
}

export interface SnapshotTable {
  readonly rows: readonly Rows[];
  readonly sums: Sums;
}

/** Rounds before a database that changes its schema or its long rows each time is given up. */
const MAX_ROUNDS = 8;

/**
 * Reads a database in one batch: the batch is one transaction, so everything in it belongs to one instant. What the
 * queries must ask depends on what is stored (a text that is no UTF-8, a row too long for one value, a table too long for
 * one); each time that shows, the whole batch is asked again. Only for databases of a few megabytes: everything is in
 * memory. Null when it would take more queries than it may.
 */
export async function readSnapshot(
  source: Source,
  options: {
    readonly rules: Rules;
    /** The schema, as it was a moment ago. */
    readonly read: ReadSchema;
    readonly tables: (schema: Schema) => readonly Table[];
    readonly maxLine: (table: Table) => number;
    /** Queries that all of it may take. */
    readonly maxQueries: number;
  },
): Promise<Snapshot | null> {
  let { schema, identity } = options.read;
  let form: Form = "joined";
  const start = () => options.tables(schema).map((table) => FORMS[form](table, options.maxLine(table)));
  let plans = start();
  let sent = 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const queries = plans.flatMap((plan) => plan.queries);
    const all = [OBJECTS_QUERY, ...queries, ...counterQueries(schema)];
    sent += all.length;
    if (sent > options.maxQueries) return null;
    const answered = await source.batch(all).catch(refusal);
    if (answered instanceof PatinaError) {
      // Nothing is too long for the last form: what it asks for may be gone.
      if (form === "tagged") ({ schema, identity } = await changed(source, { ...options, identity, reason: answered }));
      form = NEXT[form];
      plans = start();
      continue;
    }
    const [objects, ...results] = answered;
    if (schemaIdentity(objects) !== identity) {
      ({ schema, identity } = await readRuledSchema(source, options.rules));
      plans = start();
      continue;
    }
    const answers = understand(plans, results);
    const content = new Map<Table, SnapshotTable>();
    const next: Plan[] = [];
    for (const { plan, answer } of answers) {
      if ("rows" in answer) content.set(plan.table, answer);
      next.push("rows" in answer ? plan : await answer.replan(source));
    }
    if (content.size === plans.length) {
      return { schema, identity, content, counters: countersOf(results.slice(queries.length)) };
    }
    plans = next;
  }
  throw new PatinaError("source_overloaded", "Cannot read the database in one piece: it changes too often");
}

/** A failure that may stand for a value that is too long, which not every source can tell, or for a table that is gone. */
function refusal(error: unknown): PatinaError {
  if (error instanceof PatinaError && (error.code === "result_too_large" || error.code === "source_failed"))
    return error;
  throw error;
}

/** The schema after a failure, which stands if that has not changed. */
async function changed(
  source: Source,
  { rules, identity, reason }: { rules: Rules; identity: string; reason: PatinaError },
): Promise<ReadSchema> {
  const now = await readRuledSchema(source, rules);
  if (now.identity === identity) throw reason;
  return now;
}

/** How all tables are asked for: what is too long for one value in one form may not be in the next. */
type Form = "joined" | "rows" | "tagged";

const NEXT: Readonly<Record<Form, Form>> = { joined: "rows", rows: "tagged", tagged: "joined" };

const FORMS: Readonly<Record<Form, (table: Table, maxLine: number) => Plan>> = {
  joined: joinedPlan,
  rows: rowsPlan,
  tagged: (table) => taggedPlan(table, []),
};

/** How one table is asked for, and what the answer means. */
interface Plan {
  readonly table: Table;
  readonly queries: readonly Query[];
  readonly understand: (results: readonly ResultSet[]) => Answer;
}

type Answer = SnapshotTable | { readonly replan: (source: Source) => Promise<Plan> };

function understand(plans: readonly Plan[], results: readonly ResultSet[]): { plan: Plan; answer: Answer }[] {
  let at = 0;
  return plans.map((plan) => {
    at += plan.queries.length;
    return { plan, answer: plan.understand(results.slice(at - plan.queries.length, at)) };
  });
}

/** Few large results are cheaper than many small ones: a table is one, unless it is too long for that. */
function joinedPlan(table: Table, maxLine: number): Plan {
  const asked = easyTable(table, maxLine);
  if (asked === null) return rowsPlan(table, maxLine);
  return {
    table,
    queries: [asked.query],
    understand([result]) {
      const [count, joined, , counted] = result?.rows[0] ?? [];
      const rows = number(count);
      if (rows > MAX_COUNTED_ROWS) return { replan: async () => rowsPlan(table, maxLine) };
      const sums = { rows, columns: asked.sums.read([text(counted)]) };
      if (rows === 0) return { rows: [], sums };
      const page = text(joined);
      if (!isPlain(page) || !hasRows(page, rows)) return { replan: async () => taggedPlan(table, []) };
      return { rows: [{ kind: "block", block: decodePage(page, new PageRoom()) }], sums };
    },
  };
}

/** A result row for each row. Rows too wide to be counted in the same query are read again to be counted. */
function rowsPlan(table: Table, maxLine: number): Plan {
  const asked = easyRows(table, maxLine);
  if (asked === null) return taggedPlan(table, []);
  const counts = asked.sums === null ? fingerprintQueries(table) : [];
  return {
    table,
    queries: [asked.query, ...counts],
    understand([result, ...counted]) {
      const rows = (result?.rows ?? []).map(([row]) => text(row));
      if (!rows.every(isPlain)) return { replan: async () => taggedPlan(table, []) };
      const sums =
        asked.sums === null
          ? countedSums(counted)
          : { rows: rows.length, columns: asked.sums.read((result?.rows ?? []).map((row) => text(row[1]))) };
      return { rows: rows.length === 0 ? [] : [{ kind: "block", block: blockOf(rows.map(finishLine)) }], sums };
    },
  };
}

/** U+FFFD may be the user's own or stand for bytes that are no UTF-8: hexadecimal tells. */
function isPlain(rows: string): boolean {
  return countMarks(rows) === 0 && !rows.includes("\uFFFD");
}

/** A row that is read in pieces: its key and what cellSizes() said of it. */
interface LongRow {
  readonly key: readonly string[];
  readonly sizes: readonly string[];
}

function taggedPlan(table: Table, long: readonly LongRow[]): Plan {
  const guarded = guardOf(table) !== null;
  const { groups, guards } = taggedTable(table, { guarded });
  const page = [...groups.map(({ query }) => query), ...guards];
  const longRows = long.map(({ key, sizes }) => {
    const range = rangeAt(table, key);
    const cells = longCells(sizes);
    const pieces = cells.pieces.map((piece) => cellPiece(table, { ...piece, range }));
    return { sizes, cells, asked: cellSizes(table, range), pieces };
  });
  return {
    table,
    queries: [...page, ...longRows.flatMap(({ asked, pieces }) => [...asked, ...pieces])],
    understand(results) {
      const rows = taggedRows(results.slice(0, page.length), { guarded });
      const keys = rows.flatMap(({ cells, key }, i) => (cells === null ? [key ?? [String(i)]] : []));
      const replan = async (source: Source) => taggedPlan(table, await sizesOf(source, { table, keys }));
      if (keys.join(" ") !== long.map(({ key }) => key).join(" ")) return { replan };
      const whole: (readonly Cell[])[] = [];
      let at = page.length;
      const columns = groups.flatMap(({ sums }, i) => sums.read((results[i]?.rows ?? []).map((row) => text(row[2]))));
      const sums = { rows: rows.length, columns };
      for (const { sizes, cells, asked, pieces } of longRows) {
        const seen = described(results.slice(at, at + asked.length));
        const read = results.slice(at + asked.length, at + asked.length + pieces.length);
        at += asked.length + pieces.length;
        if (seen?.join() !== sizes.join()) return { replan };
        whole.push(cells.assemble(read.map((piece) => text(piece.rows[0]?.[0]))));
      }
      return { rows: rows.map(({ cells, passesGuard }) => wholeRow(cells ?? whole.shift() ?? [], passesGuard)), sums };
    },
  };
}

async function sizesOf(
  source: Source,
  { table, keys }: { table: Table; keys: (readonly string[])[] },
): Promise<LongRow[]> {
  const rows: LongRow[] = [];
  for (const key of keys) {
    const sizes = described(await source.batch(cellSizes(table, rangeAt(table, key))));
    if (sizes !== null) rows.push({ key, sizes });
  }
  return rows;
}
