import { expect, test } from "vitest";
import { DAY, HOUR } from "./date.ts";
import { provenOf } from "./proven.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");

test.each([
  [null, "unknown", "not proven yet"],
  [{ verdict: "passed", at: NOW - 3 * DAY, reason: null }, "good", "restorable, proven 3 days ago"],
  [
    { verdict: "flawed", at: NOW - 5 * HOUR, reason: "CHECK constraint failed in t" },
    "good",
    "restorable, proven 5 h ago; it breaks its own constraints, as its source does",
  ],
  [
    { verdict: "unprovable", at: NOW - HOUR, reason: "The scratch database is full" },
    "unknown",
    "could not be proven 1 h ago: The scratch database is full",
  ],
  [
    { verdict: "failed", at: NOW - 40_000, reason: 'Table "t" is missing' },
    "attention",
    'not restorable as it was, found 40 s ago: Table "t" is missing',
  ],
] as const)("a last drill of %j is told as it is", (last, tone, phrase) => {
  expect(provenOf(last, NOW)).toEqual({ tone, phrase });
});
