import { MINUTE } from "@patina/core/date";

/**
 * What one invocation may still use. A consumer is stopped after 15 minutes, and may make 1,000 queries to D1 and 10,000
 * requests in all (developers.cloudflare.com/workers/platform/limits, /d1/platform/limits); what is not done by then goes
 * on in another one. Work looks at the budget between its steps, so each limit leaves room for a step.
 */
export class Budget {
  readonly #clock: () => number;
  readonly #until: number;
  #queries: number;
  #requests: number;

  constructor(clock: () => number, limits: { wall?: number; queries?: number; requests?: number } = {}) {
    const { wall = 10 * MINUTE, queries = 800, requests = 8_000 } = limits;
    this.#clock = clock;
    this.#until = clock() + wall;
    this.#queries = queries;
    this.#requests = requests;
  }

  /** Counts what a step has used. */
  spend({ queries = 0, requests = 0 }: { queries?: number; requests?: number }): void {
    this.#queries -= queries;
    this.#requests -= queries + requests;
  }

  get isSpent(): boolean {
    return this.#queries <= 0 || this.#requests <= 0 || this.#clock() >= this.#until;
  }
}
