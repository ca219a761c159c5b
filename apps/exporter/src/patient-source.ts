import { PatinaError } from "@patina/core/error";
import type { Source } from "@patina/dump/source";
import type { Budget } from "./budget.ts";

/** Milliseconds before a query is sent again; behind the last the failure is the attempt's, and the queue's to repeat. */
const PAUSES = [200, 1_000, 4_000];

export interface Patience {
  readonly budget: Budget;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** From 0 up to 1: spreads the repetitions of several exports. */
  readonly random: () => number;
}

/** A source whose passing failures are waited out (developers.cloudflare.com/d1/observability/debug-d1). */
export function patientSource(source: Source, { budget, sleep, random }: Patience): Source {
  async function patiently<T>(act: () => Promise<T>, queries: number): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        budget.queries += queries;
        return await act();
      } catch (error) {
        const pause = PAUSES[attempt];
        if (pause === undefined || !isPassing(error)) throw error;
        await sleep(pause * (0.5 + random()));
      }
    }
  }
  const { bookmark } = source;
  return {
    batch: (queries) => patiently(() => source.batch(queries), queries.length),
    ...(bookmark === undefined ? {} : { bookmark: () => patiently(() => bookmark.call(source), 1) }),
  };
}

function isPassing(error: unknown): boolean {
  return error instanceof PatinaError && (error.code === "source_unreachable" || error.code === "source_overloaded");
}
