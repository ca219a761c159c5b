import { PatinaError, toPatinaError } from "@patina/core/error";

/**
 * Any value thrown while the catalog was used. drizzle and D1 put the statement and its values into their messages, so
 * those stay in `cause`, which is never logged.
 */
export function catalogFailure(thrown: unknown): PatinaError {
  if (thrown instanceof PatinaError) return thrown;
  if (thrown instanceof Error && (thrown.name === "DrizzleQueryError" || thrown.message.startsWith("D1_"))) {
    return new PatinaError("catalog_unavailable", "Cannot use the catalog: its database failed to answer", {
      cause: thrown,
    });
  }
  return toPatinaError(thrown);
}
