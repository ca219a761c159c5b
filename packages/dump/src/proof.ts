import { createHash } from "node:crypto";
import type { Check } from "@patina/core/drill";
import { NO_RULES } from "@patina/core/rules";
import { checkOf } from "./check.ts";
import { contentOf } from "./content.ts";
import { counterQueries, countersOf } from "./counters.ts";
import { type DumpState, dump } from "./dump.ts";
import { type Expected, type ExpectedTable, isWhole } from "./expected.ts";
import { fingerprints } from "./fingerprint.ts";
import { countedSums, fingerprintQueries } from "./fingerprint-sql.ts";
import type { Output } from "./output.ts";
import { otherColumns, sameDefinitions, sameRows } from "./sameness.ts";
import type { Table } from "./schema.ts";
import { schemaDigest } from "./schema-digest.ts";
import { objectsOf, readSchema } from "./schema-reader.ts";
import { foreignKeys, fullText, quickCheck } from "./soundness.ts";
import type { Query, Source } from "./source.ts";
import { readColumns } from "./table-columns.ts";

/** What is done one after the other. A step may take several pieces of work, and ends with a check or two. */
const STEPS = [
  "quick_check",
  "foreign_keys",
  "rows",
  "definitions",
  "fingerprints",
  "fts",
] as const satisfies readonly [Check["name"], ...Check["name"][]];

/** How far a proof has come: what another invocation needs to go on with it. */
export interface ProofState {
  readonly step: number;
  readonly checks: readonly Check[];
  /** SHA-256 of the restored schema, once it is known. */
  readonly schema: string | null;
  /** The dump that is made again, while it is made. */
  readonly again: { readonly dump: DumpState; readonly position: number } | null;
  /** Tables that were counted, and what was found in them. */
  readonly counted: number;
  readonly differing: readonly string[];
}

const BEGIN: ProofState = { step: 0, checks: [], schema: null, again: null, counted: 0, differing: [] };

/** Bytes of a dump that one piece of work makes again: about a second. Counting goes through eight times as many. */
const PIECE_BYTES = 8_000_000;
const COUNTED_BYTES = 8 * PIECE_BYTES;

/**
 * Looks at a database that was restored from a backup: whether it is sound, and whether it is what was backed up. To
 * know that, it is dumped again, since the same data gives the same dump; and to know that no fault of the dump itself
 * hides in this, plain SQL counts what it counted in the source, and definitions and counters are read by themselves.
 * Nobody may write to it meanwhile. The work is done piece by piece, each small enough for one request.
 */
export class Proof {
  readonly #source: Source;
  readonly #expected: Expected;
  #state: ProofState;

  /** @param state where another invocation stopped */
  constructor(source: Source, expected: Expected, state: ProofState | null = null) {
    this.#source = source;
    this.#expected = expected;
    this.#state = state ?? BEGIN;
  }

  get state(): ProofState {
    return this.#state;
  }

  /** The check that is made next; null once all are made. */
  get next(): (typeof STEPS)[number] | null {
    return Proof.nextOf(this.#state);
  }

  static nextOf(state: ProofState | null): (typeof STEPS)[number] | null {
    return STEPS[state?.step ?? 0] ?? null;
  }

  /** Does the next piece of work. */
  async advance(): Promise<void> {
    switch (this.next) {
      case "quick_check":
        this.#done(await quickCheck(this.#source));
        return;
      case "foreign_keys":
        this.#done(await foreignKeys(this.#source));
        return;
      case "rows":
        await this.#dumpAgain();
        return;
      case "definitions":
        await this.#definitions();
        return;
      case "fingerprints":
        await this.#count();
        return;
      case "fts":
        this.#done(await fullText(this.#source));
        return;
      case null:
        return;
    }
  }

  #done(...checks: readonly Check[]): void {
    const { step, checks: before } = this.#state;
    this.#state = { ...this.#state, step: step + 1, checks: [...before, ...checks] };
  }

  async #dumpAgain(): Promise<void> {
    const { again } = this.#state;
    const output = new Measure(again?.position ?? 0);
    const until = output.position + PIECE_BYTES;
    const run = dump(this.#source, { ...DUMP, output, state: again?.dump ?? null });
    let step = await run.next();
    for (; !step.done; step = await run.next()) {
      const state = output.position < until ? null : step.value.state();
      if (state === null) continue;
      this.#state = { ...this.#state, again: { dump: slim(state), position: output.position } };
      return;
    }
    this.#state = { ...this.#state, again: null };
    this.#done(...sameRows(step.value.tables, this.#expected));
  }

  async #definitions(): Promise<void> {
    const { schema, identity } = await readSchema(this.#source);
    const counters = countersOf(await this.#source.batch(counterQueries(schema)));
    const found = { schema: schemaDigest(objectsOf(identity)), counters, text: await textOf(this.#source) };
    this.#state = { ...this.#state, schema: found.schema.sha256 };
    this.#done(sameDefinitions(found, this.#expected));
  }

  /** Counts tables in plain SQL, as many as make a piece, in one batch. */
  async #count(): Promise<void> {
    const { tables, isFuzzy } = this.#expected;
    const { counted, differing } = this.#state;
    const transfers = await this.#transfers();
    const asked: { readonly table: ExpectedTable; readonly restored: Table; readonly queries: readonly Query[] }[] = [];
    let next = counted;
    for (let bytes = 0; bytes < COUNTED_BYTES && next < tables.length; next += 1) {
      const table = tables[next];
      if (table === undefined) break;
      const restored = transfers.get(table.name);
      bytes += table.end - table.start;
      // What is missing altogether is told already.
      if (table.columns.length === 0 || restored === undefined || !isWhole(table, this.#expected)) continue;
      asked.push({ table, restored, queries: fingerprintQueries(restored) });
    }
    const results = [...(await this.#source.batch(asked.flatMap(({ queries }) => queries)))];
    const found = asked.flatMap(({ table, restored, queries }) => {
      const sums = countedSums(results.splice(0, queries.length));
      return otherColumns(fingerprints(sums, readColumns(restored)), table);
    });
    this.#state = { ...this.#state, counted: next, differing: [...differing, ...found] };
    if (next < tables.length) return;
    const check = checkOf("fingerprints", { faults: this.#state.differing });
    this.#done(isFuzzy ? { ...check, end: "passed" } : check);
  }

  /** The tables that have rows, by name. */
  async #transfers(): Promise<ReadonlyMap<string, Table>> {
    const { tables, virtualTables } = contentOf((await readSchema(this.#source)).schema);
    const all = [...tables, ...virtualTables.map(({ rows }) => rows)].filter((transfer) => transfer !== null);
    return new Map(all.map(({ table }) => [table.name, table]));
  }
}

/** Makes all of a proof at once. */
export async function prove(source: Source, expected: Expected): Promise<Check[]> {
  const proof = new Proof(source, expected);
  while (proof.next !== null) await proof.advance();
  return [...proof.state.checks];
}

/** What rules took out of the backup is gone from the database as well. Page by page, a dump can be left and gone on with. */
const DUMP = {
  database: "scratch",
  environment: "scratch",
  job: "drill",
  startedAt: "",
  rules: NO_RULES,
  redactionKey: null,
  snapshotBytes: 0,
} as const;

/** A state that fits into one value of a Durable Object: what the columns of thousands of tables hold is counted later. */
function slim(state: DumpState): DumpState {
  return { ...state, tables: state.tables.map((table) => ({ ...table, columns: [] })) };
}

/** SHA-256 of a dump's body without the rows of its tables. */
async function textOf(source: Source): Promise<string> {
  const hash = createHash("sha256");
  const output = new Measure(0, (bytes) => hash.update(bytes));
  const run = dump(source, { ...DUMP, isRowless: true, output });
  while (!(await run.next()).done);
  return hash.digest("hex");
}

/** Counts what a dump writes, and hands on what is body. */
class Measure implements Output {
  position: number;
  #isBody = false;
  readonly #use: (bytes: Uint8Array) => void;

  constructor(position: number, use: (bytes: Uint8Array) => void = () => undefined) {
    this.position = position;
    this.#use = use;
  }

  write(bytes: Uint8Array): void {
    this.position += bytes.length;
    if (this.#isBody) this.#use(bytes);
  }

  endStatement(): void {}

  beginBody(): void {
    this.#isBody = true;
  }

  endBody(): void {
    this.#isBody = false;
  }
}
