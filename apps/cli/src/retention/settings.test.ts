import fc from "fast-check";
import { expect, test } from "vitest";
import { changed, type Settings, type SettingsChange } from "./settings.ts";

const SET: Settings = {
  retention: { kind: "age", daily_days: 7, manual_days: 30, max_bytes: 5e9 },
  weekly_weeks: 12,
  verify_bytes: 50e9,
  drill_rows: 25e6,
  overrides: [],
  updated_at: null,
};
const TIERS = { kind: "tiers", all_days: 7, daily: 30, weekly: 8, monthly: 4, yearly: 2 } as const;
const IN_TIERS: Settings = { ...SET, retention: { ...TIERS, manual_days: 30, max_bytes: null } };

test("a policy by age can be put into tiers, with what holds beside both", () => {
  expect(changed(SET, { allDays: 3, monthly: 6 }).retention).toEqual({
    ...{ kind: "tiers", all_days: 3, daily: 0, weekly: 0, monthly: 6, yearly: 0 },
    ...{ manual_days: 30, max_bytes: 5e9 },
  });
});

test("one tier is changed alone, and days by age take the place of all of them", () => {
  expect(changed(IN_TIERS, { weekly: 0 }).retention).toEqual({ ...IN_TIERS.retention, weekly: 0 });
  expect(changed(IN_TIERS, { dailyDays: 9 }).retention).toEqual({
    ...{ kind: "age", daily_days: 9, manual_days: 30, max_bytes: null },
  });
});

test("a limit is set and taken away, and 0 is said to the server, which refuses it", () => {
  expect(changed(SET, { maxSize: "none" }).retention.max_bytes).toBeNull();
  expect(changed(SET, { maxSize: 0, manualDays: 0 }).retention).toMatchObject({ max_bytes: 0, manual_days: 0 });
});

test("tiers want to know how long every daily is kept", () => {
  expect(() => changed(SET, { weekly: 4 })).toThrow(/for how many days every daily is kept/);
});

test("what is not named stays as it is, whatever else is", () => {
  const number = fc.option(fc.nat(100), { nil: undefined });
  const others = fc.record({ manualDays: number, weeklyWeeks: number, verifySize: number, drillRows: number });
  fc.assert(
    fc.property(fc.constantFrom(SET, IN_TIERS), others, (settings, said) => {
      const change = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
      expect(changed(settings, change as SettingsChange)).toEqual({
        retention: { ...settings.retention, manual_days: said.manualDays ?? 30 },
        weekly_weeks: said.weeklyWeeks ?? 12,
        verify_bytes: said.verifySize ?? 50e9,
        drill_rows: said.drillRows ?? 25e6,
      });
    }),
  );
});
