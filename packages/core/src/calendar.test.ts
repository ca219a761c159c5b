import fc from "fast-check";
import { expect, test } from "vitest";
import { calendar, type DayRuns, nights, type Registered } from "./calendar.ts";
import { DAY, dateOf, HOUR, MINUTE } from "./date.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const DATABASE: Registered = { since: 0, isEnabled: true, activeDay: null };

function ran(day: string, worst: DayRuns["worst"], good = worst === "failed" ? 0 : 1): DayRuns {
  return { day, worst, runs: 1, good, bytes: null, ms: null };
}

/** The states of the last five days. */
function states(runs: DayRuns[], options: { database?: Partial<Registered>; now?: number; opened?: string[] } = {}) {
  const now = options.now ?? NOW;
  const frame = nights(now, { count: 5, opened: new Set(options.opened ?? []) });
  return calendar(frame, { runs, now, database: { ...DATABASE, ...options.database } }).map(({ state }) => state);
}

test("nights() ends today and gives each night's 03:00 UTC", () => {
  const frame = nights(NOW, { count: 84, opened: new Set(["2026-11-19"]) });
  expect(frame).toHaveLength(84);
  expect(frame[0]?.day).toBe("2026-08-29");
  expect(frame.at(-1)).toEqual({ day: "2026-11-20", due: Date.parse("2026-11-20T03:00:00Z"), wasOpened: false });
  expect(frame.at(-2)?.wasOpened).toBe(true);
});

test("a night without any job is missed, one of a job that left the database out is not", () => {
  expect(states([ran("2026-11-16", "good")], { opened: ["2026-11-16", "2026-11-18"] })).toEqual([
    "good",
    "missed",
    "none",
    "missed",
    "missed",
  ]);
});

test("a night is not missed before its time, nor while the cron may only be late", () => {
  const due = Date.parse("2026-11-20T03:00:00Z");
  expect(states([], { now: due - HOUR }).at(-1)).toBe("due");
  expect(states([], { now: due + 4 * MINUTE }).at(-1)).toBe("due");
  expect(states([], { now: due + 5 * MINUTE }).at(-1)).toBe("missed");
});

test("nothing is expected of a database before it was registered, or while it is paused", () => {
  const since = Date.parse("2026-11-18T12:00:00Z");
  expect(states([], { database: { since } })).toEqual(["none", "none", "none", "missed", "missed"]);
  expect(states([], { database: { isEnabled: false } })).toEqual(["none", "none", "none", "none", "none"]);
});

test("a failed run followed by a good one has recovered; what still runs is running", () => {
  const runs = [ran("2026-11-16", "failed"), ran("2026-11-17", "failed", 1), ran("2026-11-18", "fuzzy")];
  expect(states(runs, { database: { activeDay: "2026-11-19" } })).toEqual([
    "failed",
    "recovered",
    "fuzzy",
    "running",
    "missed",
  ]);
});

test("a day is missed exactly when its time has passed, no job was opened and no run of it ended", () => {
  const Day = fc.integer({ min: 0, max: 83 }).map((back) => dateOf(NOW - back * DAY));
  const Time = fc.integer({ min: NOW - 100 * DAY, max: NOW });
  fc.assert(
    fc.property(fc.uniqueArray(Day), fc.uniqueArray(Day), Time, (days, opened, since) => {
      const frame = nights(NOW, { count: 84, opened: new Set(opened) });
      const runs = days.map((day) => ran(day, "good"));
      for (const [i, { day, state }] of calendar(frame, {
        runs,
        database: { ...DATABASE, since },
        now: NOW,
      }).entries()) {
        const isMissed = !days.includes(day) && !opened.includes(day) && since <= (frame[i]?.due ?? 0);
        expect(state === "missed").toBe(isMissed);
        expect(state === "good").toBe(days.includes(day));
      }
    }),
  );
});
