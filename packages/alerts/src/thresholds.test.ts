import fc from "fast-check";
import { expect, test } from "vitest";
import { baselineOf, DEFAULT_THRESHOLDS, deviates, judge } from "./thresholds.ts";

const sizes = fc.array(fc.nat({ max: 10_000_000_000 }), { minLength: 3, maxLength: 7 });

test("baselineOf() is the median, and nothing is expected after fewer than three backups", () => {
  expect(baselineOf([])).toBeNull();
  expect(baselineOf([100, 100])).toBeNull();
  expect(baselineOf([300, 100, 200])).toBe(200);
  expect(baselineOf([400, 100, 200, 301])).toBe(251);
});

test("baselineOf() does not depend on the order and lies between the smallest and the largest", () => {
  fc.assert(
    fc.property(sizes, (all) => {
      const baseline = baselineOf(all) ?? Number.NaN;
      expect(baselineOf([...all].reverse())).toBe(baseline);
      expect(baseline).toBeGreaterThanOrEqual(Math.min(...all));
      expect(baseline).toBeLessThanOrEqual(Math.max(...all));
    }),
  );
});

test("baselineOf() is not moved far by one backup of any size among six alike", () => {
  fc.assert(fc.property(fc.nat(), (odd) => baselineOf([100, 100, odd, 100, 100, 100, 100]) === 100));
});

test("deviates() means more than the given share, in both directions", () => {
  const rule = { baseline: 1_000, percent: 50 };
  expect([500, 1_000, 1_500].map((size) => deviates(size, rule))).toEqual([false, false, false]);
  expect([0, 499, 1_501, 1e12].map((size) => deviates(size, rule))).toEqual([true, true, true, true]);
  expect(deviates(7, { baseline: null, percent: 50 })).toBe(false);
  expect(deviates(1, { baseline: 0, percent: 50 })).toBe(true);
  expect(deviates(0, { baseline: 0, percent: 50 })).toBe(false);
});

test("judge() says that a database has recovered after failures, whatever its size", () => {
  const history = { failures: 2, sizes: [1_000, 1_000, 1_000] };
  expect(judge(2_000, { history, thresholds: DEFAULT_THRESHOLDS })).toEqual({
    recovered: true,
    baseline: 1_000,
    deviated: true,
  });
  expect(judge(2_000, { history: { failures: 0, sizes: [] }, thresholds: DEFAULT_THRESHOLDS })).toEqual({
    recovered: false,
    baseline: null,
    deviated: false,
  });
});
