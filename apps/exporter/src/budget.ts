/** What one invocation may use before it leaves the rest of an export to the next. */
export interface Limits {
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** Queries of the invocation, the catalog's included. */
  readonly queries: number;
}

/**
 * Queries kept for what an invocation does besides reading: the catalog's, and the last questions about the schema. A
 * page whose rows must be read one by one takes up to a hundred.
 */
const RESERVED_QUERIES = 150;

/** D1's free plan allows 50 queries: what is kept must leave something. */
const SMALLEST_SHARE = 0.4;

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

  /** Whether it is time to stop. */
  get isSpent(): boolean {
    return this.isLate || this.queries >= this.batchQueries;
  }

  /** Whether it is time to stop even what asks the database nothing more. */
  get isLate(): boolean {
    return this.#clock() >= this.#limits.until;
  }
}
