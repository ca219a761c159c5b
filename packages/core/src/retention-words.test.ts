import { expect, test } from "vitest";
import { policyWords } from "./retention-words.ts";

test("a policy by age in words", () => {
  const policy = { kind: "age", dailyDays: 7, manualDays: 30, maxBytes: null } as const;
  expect(policyWords(policy)).toBe("dailies for 7 days, manual backups for 30 days");
  expect(policyWords({ ...policy, dailyDays: 1, maxBytes: 2e9 })).toBe(
    "dailies for 1 day, manual backups for 30 days, together at most 2.0 GB a database",
  );
});

test("a policy in tiers in words, without those that keep nothing", () => {
  const policy = { kind: "tiers", allDays: 7, manualDays: 30, maxBytes: null } as const;
  expect(policyWords({ ...policy, daily: 30, weekly: 8, monthly: 1, yearly: 0 })).toBe(
    "every daily for 7 days, then one a day for 30 days, one a week for 8 weeks, one a month for 1 month, manual backups for 30 days",
  );
  expect(policyWords({ ...policy, daily: 0, weekly: 0, monthly: 0, yearly: 2 })).toBe(
    "every daily for 7 days, then one a year for 2 years, manual backups for 30 days",
  );
});
