import fc from "fast-check";
import { expect, test } from "vitest";
import { DAY, HOUR } from "./date.ts";
import { askedRunId, dueBefore, isRunId, scheduledRunId, verificationDay } from "./verification.ts";

const NOW = Date.parse("2026-11-20T05:00:00Z");

test("what is verified each time it is due is never older than a week, or a month, however late in the day runs come", () => {
  const delays = fc.array(fc.integer({ min: 0, max: 11 * HOUR }), { minLength: 40, maxLength: 80 });
  fc.assert(
    fc.property(delays, (late) => {
      const verified = { dumps: NOW, archives: NOW };
      for (const [day, delay] of late.entries()) {
        const now = NOW + (day + 1) * DAY + delay;
        expect(now - verified.dumps).toBeLessThanOrEqual(7 * DAY);
        expect(now - verified.archives).toBeLessThanOrEqual(30 * DAY);
        const due = dueBefore(now);
        if (verified.dumps <= due.dumps) verified.dumps = now;
        if (verified.archives <= due.archives) verified.archives = now;
      }
    }),
  );
});

test("a backup that was verified yesterday is not due", () => {
  expect(NOW - DAY).toBeGreaterThan(dueBefore(NOW).dumps);
  expect(NOW - 20 * DAY).toBeGreaterThan(dueBefore(NOW).archives);
});

test("a day's run waits for the nightly and for the weekly archive's time, but not for a nightly that never comes", () => {
  const start = Date.parse("2026-11-20T00:00:00Z");
  expect(verificationDay(start + 4 * HOUR)).toBeNull();
  expect(verificationDay(start + 5 * HOUR)).toEqual({ start, needsNightly: true });
  expect(verificationDay(start + 7 * HOUR)).toEqual({ start, needsNightly: false });
});

test("ids of runs are known as such", () => {
  const ids = [scheduledRunId("2026-11-20"), askedRunId(NOW, Uint8Array.of(0x9f, 0x3a, 0x1c))];
  expect(ids).toEqual(["verify-2026-11-20", "verify-20261120-050000-9f3a1c"]);
  for (const id of [...ids]) expect(isRunId(id)).toBe(true);
  for (const id of ["verify-", "verify-2026-11-20x", "nightly-2026-11-20", "verify-20261120-050000-9F3A1C"]) {
    expect(isRunId(id)).toBe(false);
  }
});
