import type { CustodySettings } from "@patina/core/custody";
import { PatinaError } from "@patina/core/error";
import { type DumpPolicy, faultOfWeeks } from "@patina/core/retention-policy";
import { dumpPolicyOf, faultOfBody, type RetentionBody, retentionBodyOf } from "@patina/messages/retention";

/** What the retention form says: to be set, or only to be looked at. */
export interface RetentionDraft {
  readonly retention: RetentionBody;
  readonly weekly_weeks: number;
  readonly verify_bytes: number;
  readonly drill_rows: number;
}

/** Every number of the form with the name that people see. Sizes are in units that fit them. */
const NUMBERS = {
  daily_days: "days that dailies are kept",
  all_days: "days that every daily is kept",
  daily: "days with one a day",
  weekly: "weeks with one a week",
  monthly: "months with one a month",
  yearly: "years with one a year",
  manual_days: "days that manual backups are kept",
  max_mb: "MB that one database may take",
  weekly_weeks: "weeks that archives are kept",
  verify_gb: "GB that one verification may read",
  drill_rows: "rows that drills may write",
} as const;
type NumberName = keyof typeof NUMBERS;

/** The fields of the form, as text. */
export type RetentionFields = Readonly<Record<NumberName | "kind", string>>;

const MB = 1e6;
const GB = 1e9;

/** What a form shows of the other kind of policy, before anybody has said so. */
const OTHERS = { daily_days: "7", all_days: "7", daily: "30", weekly: "8", monthly: "12", yearly: "0" };

/** The form for what is set. */
export function fieldsOf({ dumps, weeklyWeeks, verifyBytes, drillRows }: CustodySettings): RetentionFields {
  return draftFields({
    retention: retentionBodyOf(dumps),
    weekly_weeks: weeklyWeeks,
    verify_bytes: verifyBytes,
    drill_rows: drillRows,
  });
}

/** The form that says this. */
export function draftFields({ retention, weekly_weeks, verify_bytes, drill_rows }: RetentionDraft): RetentionFields {
  const { kind, manual_days, max_bytes, ...own } = retention;
  const numbers = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, String(value)]));
  return {
    ...OTHERS,
    ...numbers,
    kind,
    manual_days: String(manual_days),
    max_mb: max_bytes === null ? "" : inUnits(max_bytes, MB),
    weekly_weeks: String(weekly_weeks),
    verify_gb: inUnits(verify_bytes, GB),
    drill_rows: String(drill_rows),
  };
}

/** To the byte, and never in powers of ten. */
function inUnits(bytes: number, unit: number): string {
  return (bytes / unit).toFixed(Math.log10(unit)).replace(/\.?0+$/, "");
}

/** The fields of a form or a query string; what is absent is empty. */
export function readFields(given: Readonly<Record<string, unknown>>): RetentionFields {
  const text = (name: string) => {
    const value = given[name];
    return typeof value === "string" ? value.trim() : "";
  };
  const numbers = Object.keys(NUMBERS).map((name) => [name, text(name)]);
  return { ...(Object.fromEntries(numbers) as Record<NumberName, string>), kind: text("kind") };
}

/**
 * What the fields say. That it is a policy which can be set is for the API to decide, or for faultOfDraft().
 *
 * @throws {PatinaError} `invalid_request` when a number is none
 */
export function draftOf(fields: RetentionFields): RetentionDraft {
  const number = (name: NumberName) => numberOf(fields, name);
  const limits = {
    manual_days: number("manual_days"),
    max_bytes: fields.max_mb === "" ? null : Math.round(number("max_mb") * MB),
  };
  return {
    retention:
      fields.kind === "tiers"
        ? {
            kind: "tiers",
            all_days: number("all_days"),
            daily: number("daily"),
            weekly: number("weekly"),
            monthly: number("monthly"),
            yearly: number("yearly"),
            ...limits,
          }
        : { kind: "age", daily_days: number("daily_days"), ...limits },
    weekly_weeks: number("weekly_weeks"),
    verify_bytes: Math.round(number("verify_gb") * GB),
    drill_rows: number("drill_rows"),
  };
}

/** Nothing that is empty or misspelt passes for 0, which would mean "keep nothing". */
function numberOf(fields: RetentionFields, name: NumberName): number {
  const text = fields[name];
  if (/^-?\d{1,15}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  throw new PatinaError("invalid_request", `Cannot set this retention: the number of ${NUMBERS[name]} is no number`);
}

/** What is wrong with it, in words, or null. */
export function faultOfDraft({ retention, weekly_weeks }: RetentionDraft): string | null {
  return faultOfBody(retention) ?? faultOfWeeks(weekly_weeks)?.replace("weeklyWeeks", "weekly_weeks") ?? null;
}

/** What of it decides about what is stored. */
export function draftPolicy({ retention, weekly_weeks }: RetentionDraft): { dumps: DumpPolicy; weeklyWeeks: number } {
  return { dumps: dumpPolicyOf(retention), weeklyWeeks: weekly_weeks };
}
