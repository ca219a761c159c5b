import type { ErrorCode } from "@patina/core/error";
import * as v from "valibot";
import { MAX_MESSAGE_BYTES } from "./queues.ts";

/**
 * What a Worker sends to a dead-letter queue when it knows that no further attempt can help. A message whose attempts
 * are used up arrives there too, put by the queue itself and without this envelope.
 */
export const DeadLetter = v.object({
  kind: v.literal("dead-letter"),
  version: v.literal(1),
  /** The id of the message it was: the same message buried twice is one letter. */
  id: v.string(),
  queue: v.string(),
  attempts: v.number(),
  sentAt: v.number(),
  error: v.object({ code: v.string(), message: v.string() }),
  body: v.unknown(),
});
export type DeadLetter = v.InferOutput<typeof DeadLetter>;

/**
 * A message's body as JSON. Sent by hand it may be anything that a queue carries; what JSON has no words for is null, so
 * that one such message cannot keep its neighbours from being handled.
 */
export function jsonOf(body: unknown): string {
  try {
    return JSON.stringify(body) ?? "null";
  } catch {
    return "null";
  }
}

/** Wraps a message; a body too large to travel once more is left out. */
export function deadLetter(
  letter: Omit<DeadLetter, "kind" | "version" | "error"> & { error: { code: ErrorCode; message: string } },
): DeadLetter {
  const body: unknown = JSON.parse(jsonOf(letter.body));
  const whole: DeadLetter = { kind: "dead-letter", version: 1, ...letter, body };
  const bytes = new TextEncoder().encode(JSON.stringify(whole)).length;
  return bytes <= MAX_MESSAGE_BYTES ? whole : { ...whole, body: null };
}

/** The letter in an envelope, or null when a body is a bare message. */
export function openEnvelope(body: unknown): DeadLetter | null {
  const read = v.safeParse(DeadLetter, body);
  return read.success ? read.output : null;
}
