import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY } from "./date.ts";
import { CRONS, cronName, nextRun, previousRun, runsBetween } from "./schedule.ts";

function at(text: string): number {
  return Date.parse(text);
}

test("nextRun() gives the next 03:00 UTC for the nightly", () => {
  expect(nextRun(CRONS.nightly, at("2026-11-20T02:59:59.999Z"))).toBe(at("2026-11-20T03:00:00Z"));
  expect(nextRun(CRONS.nightly, at("2026-11-20T03:00:00Z"))).toBe(at("2026-11-21T03:00:00Z"));
});

test("nextRun() gives Sunday 04:00 UTC for the weekly, across the turn of a year", () => {
  expect(nextRun(CRONS.weekly, at("2026-11-20T12:00:00Z"))).toBe(at("2026-11-22T04:00:00Z"));
  expect(nextRun(CRONS.weekly, at("2026-12-28T00:00:00Z"))).toBe(at("2027-01-03T04:00:00Z"));
});

test("nextRun() reads weekday numbers as Cloudflare does: 1 is Sunday", () => {
  for (const [number, name] of ["sun", "mon", "tue", "wed", "thu", "fri", "sat"].entries()) {
    const now = at("2026-11-20T12:00:00Z");
    expect(nextRun(`0 4 * * ${number + 1}`, now)).toBe(nextRun(`0 4 * * ${name}`, now));
  }
});

test("previousRun() counts a run at exactly now, but none a millisecond ahead", () => {
  expect(previousRun(CRONS.nightly, at("2026-11-20T03:00:00Z"))).toBe(at("2026-11-20T03:00:00Z"));
  expect(previousRun(CRONS.nightly, at("2026-11-20T02:59:59.999Z"))).toBe(at("2026-11-19T03:00:00Z"));
  expect(previousRun(CRONS.nightly, at("2028-03-01T02:00:00Z"))).toBe(at("2028-02-29T03:00:00Z"));
});

test("previousRun() and nextRun() enclose every moment, a day apart for the nightly", () => {
  fc.assert(
    fc.property(fc.integer({ min: at("2020-01-01T00:00:00Z"), max: at("2060-01-01T00:00:00Z") }), (now) => {
      const previous = previousRun(CRONS.nightly, now);
      const next = nextRun(CRONS.nightly, now);
      expect(previous).toBeLessThanOrEqual(now);
      expect(next).toBeGreaterThan(now);
      expect(next - previous).toBe(DAY);
    }),
  );
});

test("cronName() knows the three crons and nothing else", () => {
  expect(cronName("0 3 * * *")).toBe("nightly");
  expect(cronName("0 4 * * sun")).toBe("weekly");
  expect(cronName("*/5 * * * *")).toBe("tick");
  expect(cronName("0 5 * * *")).toBeNull();
});

test("runsBetween() has every run after one moment and up to another, which it includes", () => {
  const after = at("2026-11-18T03:00:00Z");
  expect(runsBetween(CRONS.nightly, { after, until: at("2026-11-20T03:00:00Z") })).toEqual([
    at("2026-11-19T03:00:00Z"),
    at("2026-11-20T03:00:00Z"),
  ]);
  expect(runsBetween(CRONS.nightly, { after, until: at("2026-11-19T02:59:59Z") })).toEqual([]);
});
