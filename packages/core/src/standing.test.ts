import { expect, test } from "vitest";
import { HOUR, MINUTE } from "./date.ts";
import { type Known, standingOf } from "./standing.ts";

const NIGHT = Date.parse("2026-11-20T03:00:00Z");
const GOOD: Known = {
  isEnabled: true,
  since: 0,
  goodAt: NIGHT + 2 * MINUTE,
  isFuzzy: false,
  failures: 0,
  isActive: false,
};

test.each<[string, Partial<Known>, number, string]>([
  ["backed up tonight", {}, NIGHT + 9 * HOUR, "good"],
  ["backed up tonight, until tomorrow's run is late", {}, NIGHT + 24 * HOUR + 4 * MINUTE, "good"],
  ["without a backup since the last night", {}, NIGHT + 24 * HOUR + 5 * MINUTE, "overdue"],
  ["late but under way", { isActive: true }, NIGHT + 25 * HOUR, "good"],
  ["failed since its last good backup", { failures: 1 }, NIGHT + 9 * HOUR, "failing"],
  ["failed and overdue", { failures: 2 }, NIGHT + 99 * HOUR, "failing"],
  ["failed and paused", { failures: 2, isEnabled: false }, NIGHT, "paused"],
  ["read while it changed", { isFuzzy: true }, NIGHT + HOUR, "fuzzy"],
  ["registered after the last night", { since: NIGHT + 1, goodAt: null }, NIGHT + HOUR, "waiting"],
  ["registered, its first run under way", { goodAt: null, isActive: true }, NIGHT + HOUR, "waiting"],
  ["registered, and left out of the last night", { goodAt: null }, NIGHT + HOUR, "overdue"],
])("a database that is %s", (_, known, now, standing) => {
  expect(standingOf({ ...GOOD, ...known }, now)).toBe(standing);
});
