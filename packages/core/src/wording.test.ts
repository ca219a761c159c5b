import { expect, test } from "vitest";
import { amount, bytes, duration, moment } from "./wording.ts";

test("bytes() has a unit and never four digits", () => {
  expect([0, 999, 1_000, 45_100, 999_499, 999_600, 65_700_000, 1e12].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1.0 KB",
    "45.1 KB",
    "999 KB",
    "1.0 MB",
    "65.7 MB",
    "1.0 TB",
  ]);
});

test("duration() has the two units that matter", () => {
  const minute = 60_000;
  expect([0, 870, 4_200, 59_940, 200_000, 60 * minute, 312 * minute, 76 * 60 * minute].map(duration)).toEqual([
    "0 ms",
    "870 ms",
    "4.2 s",
    "59.9 s",
    "3 min 20 s",
    "1 h",
    "5 h 12 min",
    "3 d 4 h",
  ]);
});

test("moment() is to the minute and says that it is UTC", () => {
  expect(moment(Date.parse("2026-11-20T03:00:59.999Z"))).toBe("2026-11-20 03:00 UTC");
});

test("amount() says one thing, or how many of them", () => {
  expect(amount(1, "row")).toBe("1 row");
  expect(amount(0, "row")).toBe("0 rows");
  expect(amount(1_234, "table")).toBe("1,234 tables");
});
