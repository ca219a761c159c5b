import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY, dateOf } from "./date.ts";
import { datesOf, isWeek, weekOf } from "./week.ts";

const FIRST = Date.parse("1990-01-01T00:00:00Z");
const date = fc.integer({ min: 0, max: 150 * 365 }).map((days) => dateOf(FIRST + days * DAY));

test("weekOf() counts as ISO 8601 does at the turn of the year", () => {
  const known = {
    "2026-11-16": "2026-W47",
    "2026-11-22": "2026-W47",
    "2025-12-28": "2025-W52",
    "2025-12-29": "2026-W01",
    "2026-01-04": "2026-W01",
    // Years of 53 weeks: those that begin on a Thursday, and leap years that begin on a Wednesday.
    "2026-12-31": "2026-W53",
    "2027-01-03": "2026-W53",
    "2027-01-04": "2027-W01",
    "2020-12-31": "2020-W53",
    "2021-01-03": "2020-W53",
    "2024-12-30": "2025-W01",
    "2028-02-29": "2028-W09",
  };
  for (const [day, week] of Object.entries(known)) expect(weekOf(day), day).toBe(week);
});

test("datesOf() gives Monday to Sunday, and every one of them is in that week", () => {
  expect(datesOf("2026-W53")).toEqual([
    "2026-12-28",
    "2026-12-29",
    "2026-12-30",
    "2026-12-31",
    "2027-01-01",
    "2027-01-02",
    "2027-01-03",
  ]);
  fc.assert(
    fc.property(date, (day) => {
      const dates = datesOf(weekOf(day));
      expect(dates).toHaveLength(7);
      expect(dates).toContain(day);
      expect(new Date(`${dates[0]}T00:00:00Z`).getUTCDay()).toBe(1);
      expect(new Set(dates.map(weekOf))).toEqual(new Set([weekOf(day)]));
    }),
  );
});

test("weekOf() goes on by one from each Sunday to the next day, and sorts as time does", () => {
  fc.assert(
    fc.property(date, (day) => {
      const dates = datesOf(weekOf(day));
      const next = weekOf(dateOf(Date.parse(`${dates[6]}T00:00:00Z`) + DAY));
      expect(next > weekOf(day)).toBe(true);
      expect(next.endsWith("-W01") || Number(next.slice(-2)) === Number(weekOf(day).slice(-2)) + 1).toBe(true);
    }),
  );
});

test("isWeek() knows the weeks that exist", () => {
  for (const week of ["2026-W01", "2026-W53", "2020-W53", "2027-W52"]) expect(isWeek(week), week).toBe(true);
  for (const text of ["2027-W53", "2025-W53", "2026-W00", "2026-W54", "2026-w01", "2026-W1", "26-W01", "", "weekly"]) {
    expect(isWeek(text), text).toBe(false);
  }
});
