import { MAX_SINGLE_ROWS } from "@patina/dump/paged-reader";

/** What one invocation may use before it leaves the rest of an export to the next. */
export interface Limits {
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Queries of the invocation, the catalog's included. */
  readonly queries: number;
}

/**
 * Queries kept for what an invocation does besides reading: the catalog's, and the last questions about the schema. A
 * page whose rows must be read one by one takes up to 120, and the page behind it may be under way.
 */
const RESERVED_QUERIES = 300;

/** D1's free plan allows 50 queries: what is kept must leave something. */
const SMALLEST_SHARE = 0.4;

const QUERIES_PER_SINGLE_ROW = 50;

/** Counts what an invocation uses. */
export class Budget {
  queries = 0;
  readonly #limits: Limits;
  readonly #clock: () => number;

  constructor(limits: Limits, clock: () => number) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Queries that one batch may hold. */
  get batchQueries(): number {
    const { queries } = this.#limits;
    return Math.max(queries - RESERVED_QUERIES, Math.floor(queries * SMALLEST_SHARE));
  }

  /**
   * Rows that one page may read one by one. When the budget is spent, one page is in use and the next is under way; on the
   * free plan a single row of 2 MB takes a third of all queries.
   */
  get singleRows(): number {
    return Math.max(1, Math.min(MAX_SINGLE_ROWS, Math.floor(this.#limits.queries / QUERIES_PER_SINGLE_ROW)));
  }

  /** Whether it is time to stop. */
  get isSpent(): boolean {
    return this.isLate || this.queries >= this.batchQueries;
  }

  /** Whether it is time to stop even what asks the database nothing more. */
  get isLate(): boolean {
    return this.#clock() >= this.#limits.until;
  }
}
