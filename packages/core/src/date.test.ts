import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY, dateOf, isDate } from "./date.ts";

test("dateOf() is the UTC date up to the last millisecond of a day", () => {
  expect(dateOf(Date.parse("2026-12-31T23:59:59.999Z"))).toBe("2026-12-31");
  expect(dateOf(Date.parse("2027-01-01T00:00:00.000Z"))).toBe("2027-01-01");
  expect(dateOf(Date.parse("2028-02-29T12:00:00Z"))).toBe("2028-02-29");
});

test("isDate() knows every date that dateOf() makes", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 40_000 }), (days) => isDate(dateOf(days * DAY))));
});

test("isDate() refuses dates that do not exist and other spellings of those that do", () => {
  for (const text of [
    "2026-02-30",
    "2027-02-29",
    "2026-1-1",
    "2026-13-01",
    "20261120",
    "2026-11-20T00:00",
    "٢٠٢٦-11-20",
    "",
  ]) {
    expect(isDate(text), text).toBe(false);
  }
});
