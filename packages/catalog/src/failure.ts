import { PatinaError, toPatinaError } from "@patina/core/error";
import { DrizzleQueryError } from "drizzle-orm";

/**
 * Any value thrown while the catalog was used. drizzle and D1 put the statement and its values into their messages, so
 * those stay in `cause`, which is never logged.
 */
export function catalogFailure(thrown: unknown): PatinaError {
  if (thrown instanceof PatinaError) return thrown;
  // By its class: it has no name of its own.
  const isOfDatabase = thrown instanceof DrizzleQueryError || (thrown instanceof Error && /^D1_/.test(thrown.message));
  return isOfDatabase ? unanswered(thrown) : toPatinaError(thrown);
}

/** A failure of the catalog's database, whatever its text: one that never reached it says nothing of D1. */
export function unanswered(cause: unknown): PatinaError {
  return new PatinaError("catalog_unavailable", "Cannot use the catalog: its database failed to answer", { cause });
}
