import { ERROR_CODES, type PatinaError } from "./error.ts";

/**
 * How the handling of one queue message ends. A handler returns one of these; it does not throw.
 *
 * - `done`: acknowledge.
 * - `retry`: the queue delivers it again after `delaySeconds`; costs one of the consumer's attempts.
 * - `snooze`: a delayed copy is sent and this one acknowledged; costs no attempt.
 * - `dead`: sent to the dead-letter queue at once and acknowledged; no attempt can help.
 */
export type Outcome =
  | { readonly end: "done" }
  | { readonly end: "retry"; readonly delaySeconds: number; readonly error: PatinaError }
  | { readonly end: "snooze"; readonly delaySeconds: number }
  | { readonly end: "dead"; readonly error: PatinaError };

export const DONE: Outcome = { end: "done" };

/** Longest delay a queue accepts, in seconds: 24 h (developers.cloudflare.com/queues/platform/limits, 2026). */
export const MAX_DELAY_SECONDS = 86_400;

/** Seconds before attempt `attempt + 1` (attempts count from 1): 15, 30, 60 ... up to an hour. */
export function backoffSeconds(attempt: number): number {
  return Math.min(15 * 2 ** Math.max(0, attempt - 1), 3_600);
}

/** The outcome that the error table gives a failure on its `attempt`-th delivery. */
export function outcomeOf(error: PatinaError, attempt: number): Outcome {
  if (ERROR_CODES[error.code].disposition === "dead") return { end: "dead", error };
  return { end: "retry", delaySeconds: backoffSeconds(attempt), error };
}

/** How often a message waits for a catalog that does not answer: a minute, then eight, then an hour. */
const MAX_CATALOG_SNOOZES = 3;

/**
 * The outcome of a failed delivery that can be put off. A catalog that is away costs no attempt: nothing is wrong with the
 * message, and a few attempts are used up within minutes, so that a catalog that was away for these would fail a whole
 * night. Everything else is as outcomeOf() says.
 *
 * @param options.attempts deliveries of the message, this one included
 * @param options.snoozes how often it was put off before
 */
export function outcomeOfDelivery(
  error: PatinaError,
  { attempts, snoozes }: { attempts: number; snoozes: number },
): Outcome {
  const isCatalog = error.code === "catalog_unavailable" || error.code === "catalog_outdated";
  if (!isCatalog || snoozes >= MAX_CATALOG_SNOOZES) return outcomeOf(error, attempts);
  return { end: "snooze", delaySeconds: backoffSeconds(3 * snoozes + 3) };
}
