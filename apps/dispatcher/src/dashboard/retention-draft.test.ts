import { DEFAULT_CUSTODY } from "@patina/core/custody";
import fc from "fast-check";
import { expect, test } from "vitest";
import { draftFields, draftOf, draftPolicy, faultOfDraft, fieldsOf, readFields } from "./retention-draft.ts";

test("the form for what is set says what is set", () => {
  const { dumps, weeklyWeeks, verifyBytes, drillRows } = DEFAULT_CUSTODY;
  const draft = draftOf(fieldsOf(DEFAULT_CUSTODY));
  expect(draftPolicy(draft)).toEqual({ dumps, weeklyWeeks });
  expect(draft).toMatchObject({ verify_bytes: verifyBytes, drill_rows: drillRows });
  expect(faultOfDraft(draft)).toBeNull();
});

test("whatever a draft says, its form says the same, to the byte", () => {
  const days = fc.integer({ min: 1, max: 36_600 });
  const count = fc.integer({ min: 0, max: 36_600 });
  const limits = { manual_days: days, max_bytes: fc.option(fc.integer({ min: 1, max: 1e13 })) };
  const retention = fc.oneof(
    fc.record({ kind: fc.constant("age" as const), daily_days: days, ...limits }),
    fc.record({
      kind: fc.constant("tiers" as const),
      all_days: days,
      daily: count,
      weekly: count,
      monthly: count,
      yearly: count,
      ...limits,
    }),
  );
  const draft = fc.record({
    retention,
    weekly_weeks: fc.integer({ min: 1, max: 5_200 }),
    verify_bytes: fc.integer({ min: 1, max: 1e14 }),
    drill_rows: count,
  });
  fc.assert(
    fc.property(draft, (drafted) => {
      const sent = Object.fromEntries(new URLSearchParams({ ...draftFields(drafted) }));
      expect(draftOf(readFields(sent))).toEqual(drafted);
    }),
  );
});

test("no text passes for a number that keeps nothing, or has no limit", () => {
  const fields = fieldsOf(DEFAULT_CUSTODY);
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("daily_days", "manual_days", "max_mb", "weekly_weeks"), (text, name) => {
      fc.pre(!/^\s*-?\d+(\.\d+)?\s*$/.test(text) && !(name === "max_mb" && text.trim() === ""));
      expect(() => draftOf(readFields({ ...fields, [name]: text }))).toThrow("is no number");
    }),
  );
});
