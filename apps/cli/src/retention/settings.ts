import { policyWords } from "@patina/core/retention-words";
import { amount, bytes } from "@patina/core/wording";
import { dumpPolicyOf, RetentionBody } from "@patina/messages/retention";
import * as v from "valibot";
import { usageError } from "../failure.ts";
import { facts } from "../output/facts.ts";

/** What is kept how long, and what verifications and drills may use, as the API shows it. */
export const Settings = v.object({
  retention: RetentionBody,
  weekly_weeks: v.number(),
  verify_bytes: v.number(),
  drill_rows: v.number(),
  overrides: v.array(v.object({ database: v.string(), retention: RetentionBody })),
  updated_at: v.nullable(v.string()),
});
export type Settings = v.InferOutput<typeof Settings>;

/** What of it can be set. */
export type SettingsBody = Pick<Settings, "retention" | "weekly_weeks" | "verify_bytes" | "drill_rows">;

/** What somebody wants to be otherwise; what is absent stays as it is. */
export interface SettingsChange {
  readonly dailyDays?: number;
  readonly allDays?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
  readonly manualDays?: number;
  /** Bytes. */
  readonly maxSize?: number | "none";
  readonly weeklyWeeks?: number;
  readonly verifySize?: number;
  readonly drillRows?: number;
}

/**
 * The settings with a change. `dailyDays` makes them go by age, any of the tiers by tiers; the tiers of a policy that went
 * by age are 0.
 *
 * @throws {CommandError} exit 2 when a policy that went by age is given tiers, and nobody has said how long all are kept
 */
export function changed(settings: Settings, change: SettingsChange): SettingsBody {
  return {
    retention: changedRetention(settings.retention, change),
    weekly_weeks: change.weeklyWeeks ?? settings.weekly_weeks,
    verify_bytes: change.verifySize ?? settings.verify_bytes,
    drill_rows: change.drillRows ?? settings.drill_rows,
  };
}

function changedRetention(set: RetentionBody, change: SettingsChange): RetentionBody {
  const { dailyDays, allDays, daily, weekly, monthly, yearly } = change;
  const limits = {
    manual_days: change.manualDays ?? set.manual_days,
    max_bytes: change.maxSize === "none" ? null : (change.maxSize ?? set.max_bytes),
  };
  if (dailyDays !== undefined) return { kind: "age", daily_days: dailyDays, ...limits };
  if ([allDays, daily, weekly, monthly, yearly].every((tier) => tier === undefined)) return { ...set, ...limits };
  const before = set.kind === "tiers" ? set : { all_days: undefined, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  const all_days = allDays ?? before.all_days;
  if (all_days === undefined) {
    throw usageError(
      "Cannot set tiers: nobody has said for how many days every daily is kept",
      "patina retention set --all-days 7 --daily 30 --weekly 8",
    );
  }
  return {
    kind: "tiers",
    all_days,
    daily: daily ?? before.daily,
    weekly: weekly ?? before.weekly,
    monthly: monthly ?? before.monthly,
    yearly: yearly ?? before.yearly,
    ...limits,
  };
}

/** What is kept, in one sentence without its full stop. */
export function keptWords({ retention, weekly_weeks }: SettingsBody): string {
  return `${policyWords(dumpPolicyOf(retention))}, archives for ${amount(weekly_weeks, "week")}`;
}

export function describeSettings(settings: Settings): string {
  const { verify_bytes, drill_rows, overrides, updated_at } = settings;
  return facts([
    ["kept", keptWords(settings)],
    ...overrides.map(
      ({ database, retention }) => [`of ${database}`, policyWords(dumpPolicyOf(retention))] as [string, string],
    ),
    ["verification", `reads at most ${bytes(verify_bytes)} a day`],
    ["drills", `write at most ${amount(drill_rows, "row")} a month`],
    ["set", updated_at ?? "never: these are the defaults"],
  ]);
}
