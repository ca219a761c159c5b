import fc from "fast-check";
import { expect, test } from "vitest";
import { bindingOf, isDatabaseName, isJobId, manualJobId, scheduledJobId } from "./job.ts";

test("scheduledJobId() is the kind and the date", () => {
  expect(scheduledJobId("nightly", "2026-11-20")).toBe("nightly-2026-11-20");
});

test("manualJobId() tells the second it was asked for and keeps two of one second apart", () => {
  const now = Date.parse("2026-11-20T15:45:01.987Z");
  expect(manualJobId(now, Uint8Array.of(0x9f, 0x3a, 0x1c))).toBe("manual-20261120-154501-9f3a1c");
  expect(manualJobId(now, Uint8Array.of(0, 0, 1))).toBe("manual-20261120-154501-000001");
});

test("manualJobId() always makes an id that isJobId() knows, and ids sort by time", () => {
  const time = fc.integer({ min: 0, max: Date.parse("2100-01-01T00:00:00Z") });
  const entropy = fc.uint8Array({ minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(time, time, entropy, (a, b, bytes) => {
      const [first, second] = [manualJobId(Math.min(a, b), bytes), manualJobId(Math.max(a, b), bytes)];
      expect(isJobId(first)).toBe(true);
      expect(first <= second).toBe(true);
    }),
  );
});

test("isJobId() refuses what is not quite an id", () => {
  for (const text of ["", "nightly-2026-11-2", "nightly-2026-11-20 ", "manual-20261120-154501-9F3A1C", "../x"]) {
    expect(isJobId(text), text).toBe(false);
  }
});

test("isDatabaseName() takes the names people use and refuses what could leave a path", () => {
  for (const name of ["groveauth", "scout-db", "a", "0_x", "a".repeat(64)])
    expect(isDatabaseName(name), name).toBe(true);
  for (const name of ["", "-a", "_a", "A", "a.b", "a/b", "..", "ä", "a b", "a".repeat(65), "a\n"]) {
    expect(isDatabaseName(name), name).toBe(false);
  }
});

test("bindingOf() is a name that a Worker's binding may have", () => {
  expect(bindingOf("scout-db")).toBe("DB_SCOUT_DB");
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,63}$/), (name) => /^[A-Z][A-Z0-9_]*$/.test(bindingOf(name))),
  );
});
