import type { TaskEventRow } from "@patina/catalog/task-events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { stretches } from "./waterfall.ts";

function timeline(...events: [TaskEventRow["event"], number][]): TaskEventRow[] {
  return events.map(([event, at], id) => ({
    id,
    jobId: "nightly-2026-11-20",
    database: "shop",
    generation: 1,
    event,
    attempt: 1,
    at,
    errorCode: null,
    error: null,
  }));
}

function bars(events: TaskEventRow[], now = 100): string[] {
  return stretches(events, now).map(({ doing, from, to }) => `${doing} ${from}-${to}`);
}

test("stretches() of a task that went well: it waits, exports and is settled", () => {
  expect(bars(timeline(["queued", 0], ["started", 10], ["exported", 40], ["done", 45]))).toEqual([
    "waiting 0-10",
    "exporting 10-40",
    "reporting 40-45",
  ]);
});

test("stretches() shows an attempt that failed as one, and what follows it", () => {
  const events = timeline(["queued", 0], ["started", 5], ["retried", 9], ["started", 24], ["dead", 30], ["failed", 31]);
  expect(bars(events)).toEqual(["waiting 0-5", "failed 5-9", "waiting 9-24", "failed 24-30", "reporting 30-31"]);
});

test("stretches() shows an attempt whose consumer vanished as failed once another takes over", () => {
  expect(bars(timeline(["queued", 0], ["started", 5], ["resent", 20], ["started", 22]), 30)).toEqual([
    "waiting 0-5",
    "exporting 5-20",
    "waiting 20-22",
    "exporting 22-30",
  ]);
  expect(bars(timeline(["started", 5], ["started", 22], ["exported", 30]), 30)).toEqual([
    "failed 5-22",
    "exporting 22-30",
  ]);
});

test("stretches() of whatever happened never overlap and never go back", () => {
  const events = ["queued", "resent", "started", "retried", "exported", "dead", "abandoned", "done", "failed"] as const;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...events), fc.nat({ max: 50 }))), (steps) => {
      const at = (i: number) => steps.slice(0, i + 1).reduce((sum, [, after]) => sum + after, 0);
      const events = timeline(...steps.map(([event], i): [typeof event, number] => [event, at(i)]));
      const found = stretches(events, at(steps.length) + 10);
      let end = 0;
      for (const { from, to } of found) {
        expect(from).toBeGreaterThanOrEqual(end);
        expect(to).toBeGreaterThan(from);
        end = to;
      }
    }),
  );
});
