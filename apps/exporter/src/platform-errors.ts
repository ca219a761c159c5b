import { type ErrorCode, PatinaError } from "@patina/core/error";
import { platformText } from "@patina/worker/bucket-error";

/**
 * What the platform's errors mean, told by their text: D1 and R2 give no codes over a binding. Each pattern is as narrow
 * as the documented message (developers.cloudflare.com/d1/observability/debug-d1 and /r2/api/error-codes). A wrong match
 * towards `retry` costs attempts; one towards `dead` costs a backup, so what is not known is retried.
 */
const SOURCE: readonly (readonly [RegExp, ErrorCode])[] = [
  [/overloaded|too many requests queued|requests queued for too long/i, "source_overloaded"],
  [/exceeded its (memory|cpu time) limit/i, "source_overloaded"],
  [/network connection lost|reset because its code was updated|caused object to be reset/i, "source_unreachable"],
  [/cannot resolve d1 db due to transient issue|client disconnected/i, "source_unreachable"],
  [/timed? ?out/i, "source_unreachable"],
  [/string or blob too big|SQLITE_TOOBIG/i, "result_too_large"],
  [/no such (table|column|module)|has been (deleted|dropped)/i, "source_failed"],
  // Only what SQLite itself says about the statement or the file is final.
  [/SQLITE_(ERROR|CORRUPT|NOTADB|AUTH|MISMATCH|SCHEMA|CONSTRAINT)|malformed|not a database/i, "source_failed"],
];

/** A failure of the source database as a PatinaError that names it. */
export function sourceError(database: string, cause: unknown): PatinaError {
  if (cause instanceof PatinaError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const code = SOURCE.find(([pattern]) => pattern.test(text))?.[1] ?? "source_unreachable";
  return new PatinaError(code, `Cannot read database "${database}": ${platformText(cause)}`, { cause });
}
