import { PatinaError } from "@patina/core/error";
import { platformText } from "@patina/worker/bucket-error";

/** What the platform says when an object did more than it may: trying again would do the same. */
const LIMIT = /exceeded its (?:CPU|memory)|waited for too long/i;

/** A piece of work that is too much for a Durable Object. */
export class TooMuch extends Error {}

/**
 * Asks a scratch database.
 *
 * @throws {PatinaError} `scratch_unavailable` when it does not answer
 * @throws {TooMuch} when the platform stopped it
 */
export async function askingScratch<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    const text = platformText(cause);
    if (LIMIT.test(text)) throw new TooMuch(text, { cause });
    throw new PatinaError("scratch_unavailable", `Cannot use the scratch database: ${text}`, { cause });
  }
}
