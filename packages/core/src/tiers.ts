import { DAY, dateOf } from "./date.ts";
import type { TierPolicy } from "./retention-policy.ts";

/** What a backup's age makes of it: kept whatever else there is, one of several of which the newest stays, or too old. */
export type Tier =
  | { readonly in: "all" }
  | { readonly in: "bucket"; readonly bucket: string }
  | { readonly in: "none" };

/** Long months and years: rather a day too long than one too short. */
const DAYS = { day: 1, week: 7, month: 31, year: 366 } as const;

/** The tier of a backup that was made at `at`. */
export function tierOf(policy: TierPolicy, { at, now }: { at: number; now: number }): Tier {
  const age = (now - at) / DAY;
  let end = policy.allDays;
  if (age < end) return { in: "all" };
  for (const [unit, count] of [
    ["day", policy.daily],
    ["week", policy.weekly],
    ["month", policy.monthly],
    ["year", policy.yearly],
  ] as const) {
    end += count * DAYS[unit];
    if (age < end) return { in: "bucket", bucket: bucketOf(unit, at) };
  }
  return { in: "none" };
}

/** A name for the calendar day, week (by its Monday), month or year in UTC that a moment falls into. */
function bucketOf(unit: keyof typeof DAYS, at: number): string {
  switch (unit) {
    case "day":
      return `day ${dateOf(at)}`;
    case "week": {
      // The epoch began on a Thursday, three days after a Monday.
      const days = Math.floor(at / DAY);
      return `week of ${dateOf((days - ((days + 3) % 7)) * DAY)}`;
    }
    case "month":
      return `month ${dateOf(at).slice(0, 7)}`;
    case "year":
      return `year ${dateOf(at).slice(0, 4)}`;
  }
}
