import type { Refused } from "@patina/dump/replay";
import type { Refusal } from "./scratch-state.ts";

/** What SQLite says where an object of the platform ends: nothing that a backup could be blamed for. */
const LIMITS: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  {
    pattern: /database or disk is full/,
    reason: "the scratch database is full: a Durable Object holds at most 10 GB",
  },
  { pattern: /out of memory/, reason: "the scratch database ran out of memory" },
  { pattern: /string or blob too big/, reason: "a value is larger than a Durable Object takes" },
];

/** What it means that SQLite refused a statement of a dump. */
export function refusal({ message, offset, definition }: Refused): Refusal {
  const limit = LIMITS.find(({ pattern }) => pattern.test(message));
  return limit === undefined
    ? { offset, definition, reason: `SQLite says "${message}"`, end: "failed" }
    : { offset, definition, reason: limit.reason, end: "unprovable" };
}
