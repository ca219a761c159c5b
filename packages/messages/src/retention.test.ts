import { DEFAULT_DUMPS, type DumpPolicy } from "@patina/core/retention-policy";
import fc from "fast-check";
import * as v from "valibot";
import { expect, test } from "vitest";
import { dumpPolicyOf, faultOfBody, RetentionBody, retentionBodyOf } from "./retention.ts";

const number = fc.oneof(fc.integer(), fc.double());
const limits = { manualDays: number, maxBytes: fc.option(number) };
const anyPolicy: fc.Arbitrary<DumpPolicy> = fc.oneof(
  fc.record({ kind: fc.constant("age" as const), dailyDays: number, ...limits }),
  fc.record({
    kind: fc.constant("tiers" as const),
    allDays: number,
    daily: number,
    weekly: number,
    monthly: number,
    yearly: number,
    ...limits,
  }),
);

test("a policy that is written out and read again is the same", () => {
  fc.assert(
    fc.property(anyPolicy, (policy) => {
      expect(dumpPolicyOf(retentionBodyOf(policy))).toEqual(policy);
    }),
  );
});

test("manual backups are kept for 30 days without a size limit where nothing else is said", () => {
  expect(dumpPolicyOf(v.parse(RetentionBody, { kind: "age", daily_days: 7 }))).toEqual(DEFAULT_DUMPS);
});

test.each([
  ["a field that is not known", { kind: "age", daily_days: 7, weeks: 3 }],
  ["a tier's field in the other form", { kind: "age", daily_days: 7, weekly: 3 }],
  ["a number that is missing", { kind: "tiers", all_days: 7, daily: 30, weekly: 8, monthly: 4 }],
  ["a number that is a text", { kind: "age", daily_days: "7" }],
  ["no form at all", { daily_days: 7 }],
])("%s is refused", (_, body) => {
  expect(v.safeParse(RetentionBody, body).success).toBe(false);
});

test("what is wrong is told in the words of the file", () => {
  const age = { kind: "age", daily_days: 7, manual_days: 30, max_bytes: null } as const;
  expect(faultOfBody(age)).toBeNull();
  expect(faultOfBody({ ...age, daily_days: 0 })).toBe("daily_days must be 1 to 36600");
  expect(faultOfBody({ ...age, max_bytes: -1 })).toBe("max_bytes must be above 0");
});
