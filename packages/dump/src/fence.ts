import { PatinaError } from "@patina/core/error";
import { columns, number, type Query, type ResultSet, type Source, text } from "./source.ts";

/**
 * Tells whether a database was written to while it was read in many pieces. No single sign is proven on hosted D1, so
 * several have to agree; each may cry wolf, and together they must not miss a write:
 *
 * - The counters of the connection, read in every batch, so that they belong to the same version as its rows. Every
 *   INSERT, UPDATE and DELETE moves them (reads over the plain binding do not), and a restart of the database sets them
 *   back. Counters that are 0 cannot tell a restart, so they prove nothing.
 * - The bookmark, where asking for it twice gives the same twice: then it moves with writes only. Locally asking moves
 *   it, and the counters too, which thereby are no longer 0.
 * - The schema, which reading.ts compares: a definition moves no counter.
 */

/** The connection's counters at one moment. */
export interface Counters {
  readonly changes: number;
  /** As text: a rowid may be larger than a double holds. */
  readonly lastRowid: string;
}

/** What a fence needs to stand again in another invocation. */
export interface FenceState {
  readonly counters: Counters | null;
  readonly bookmark: string | null;
  readonly hasMoved: boolean;
  readonly queries: number;
  readonly rowsRead: number;
}

const COUNTERS: Query = { sql: `SELECT ${columns(["total_changes()", "''||last_insert_rowid()"])}` };

/** A source that watches for writes by others, and counts what goes through it. */
export class FencedSource implements Source {
  readonly isFrozen: boolean;
  /** Queries sent and rows read, as the database counts them. */
  queries = 0;
  rowsRead = 0;
  /** Bytes of the database, as it said last; infinitely many where it does not tell. */
  bytes = Number.POSITIVE_INFINITY;
  readonly #source: Source;
  /** Whether reading goes on although something has moved. */
  readonly #isTolerant: boolean;
  #counters: Counters | null = null;
  #bookmark: string | null = null;
  #hasMoved = false;

  constructor(source: Source, { isTolerant, state }: { isTolerant: boolean; state: FenceState | null }) {
    this.#source = source;
    this.#isTolerant = isTolerant;
    this.isFrozen = source.isFrozen === true;
    if (state === null) return;
    this.#counters = state.counters;
    this.#bookmark = state.bookmark;
    this.#hasMoved = state.hasMoved;
    this.queries = state.queries;
    this.rowsRead = state.rowsRead;
  }

  get state(): FenceState {
    const { queries, rowsRead } = this;
    return { counters: this.#counters, bookmark: this.#bookmark, hasMoved: this.#hasMoved, queries, rowsRead };
  }

  /** Begins to watch. */
  async set(): Promise<void> {
    if (this.isFrozen) return;
    const [first, second] = [await this.#ask(), await this.#ask()];
    this.#bookmark = first === second ? second : null;
    this.#counters = await this.#read();
  }

  /**
   * Runs the queries, with the counters when it watches.
   *
   * @throws {PatinaError} `source_changed` when something has moved, unless that is tolerated
   */
  async batch(queries: readonly Query[]): Promise<readonly ResultSet[]> {
    if (this.#counters === null) return await this.#count(queries);
    const results = await this.#count([...queries, COUNTERS]);
    this.#compare(countersOf(results.at(-1)));
    return results.slice(0, -1);
  }

  /** Whether nothing at all has moved since set(). Asked last. */
  async isQuiet(): Promise<boolean> {
    if (this.isFrozen) return true;
    this.#compare(await this.#read());
    if (this.#hasMoved) return false;
    if (this.#bookmark === null) return this.#counters !== null && this.#counters.changes > 0;
    if ((await this.#ask()) === this.#bookmark) return true;
    this.move("it was written to while it was read");
    return false;
  }

  /** Something other than the counters has shown a write. */
  move(what: string): void {
    this.#hasMoved = true;
    if (!this.#isTolerant) throw new PatinaError("source_changed", `Cannot read the database as one: ${what}`);
  }

  #compare(now: Counters): void {
    const before = this.#counters;
    if (before === null || (now.changes === before.changes && now.lastRowid === before.lastRowid)) return;
    this.move("it was written to, or restarted, while it was read");
  }

  async #read(): Promise<Counters> {
    const [result] = await this.#count([COUNTERS]);
    return countersOf(result);
  }

  async #ask(): Promise<string | null> {
    this.queries += 1;
    return (await this.#source.bookmark?.()) ?? null;
  }

  async #count(queries: readonly Query[]): Promise<readonly ResultSet[]> {
    this.queries += queries.length;
    const results = await this.#source.batch(queries);
    for (const { rowsRead, sizeAfter } of results) {
      this.rowsRead += rowsRead;
      this.bytes = sizeAfter ?? this.bytes;
    }
    return results;
  }
}

function countersOf(result: ResultSet | undefined): Counters {
  const [changes, lastRowid] = result?.rows[0] ?? [];
  return { changes: number(changes), lastRowid: text(lastRowid) };
}
