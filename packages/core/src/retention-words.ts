import type { DumpPolicy } from "./retention-policy.ts";
import { amount, bytes } from "./wording.ts";

/** What a policy keeps of the dumps of one database, without a full stop: `dailies for 7 days, manual backups for 30 days`. */
export function policyWords(policy: DumpPolicy): string {
  const manual = `manual backups for ${amount(policy.manualDays, "day")}`;
  const limit = policy.maxBytes === null ? "" : `, together at most ${bytes(policy.maxBytes)} a database`;
  return `${dailyWords(policy)}, ${manual}${limit}`;
}

function dailyWords(policy: DumpPolicy): string {
  if (policy.kind === "age") return `dailies for ${amount(policy.dailyDays, "day")}`;
  const tiers = [
    { of: "a day", count: policy.daily, noun: "day" },
    { of: "a week", count: policy.weekly, noun: "week" },
    { of: "a month", count: policy.monthly, noun: "month" },
    { of: "a year", count: policy.yearly, noun: "year" },
  ];
  const then = tiers
    .filter(({ count }) => count > 0)
    .map(({ of, count, noun }, i) => `${i === 0 ? "then one" : "one"} ${of} for ${amount(count, noun)}`);
  return [`every daily for ${amount(policy.allDays, "day")}`, ...then].join(", ");
}
