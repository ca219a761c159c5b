/** What of one database is kept how long. Times are counted from when a backup was finished. */
export type DumpPolicy = AgePolicy | TierPolicy;

interface Limits {
  readonly manualDays: number;
  /** Bytes that the dailies and manual backups of one database may take together; null is no limit. */
  readonly maxBytes: number | null;
}

/** Dailies for some days; the weekly archive has them after that. */
export interface AgePolicy extends Limits {
  readonly kind: "age";
  readonly dailyDays: number;
}

/**
 * Grandfather, father, son: all of them for some days, then one a day for so many days, then one a week for so many
 * weeks, one a month for so many months and one a year for so many years. Each period begins where the one before ends.
 * What a tier keeps are daily objects: one database cannot be kept inside an archive that all share.
 */
export interface TierPolicy extends Limits {
  readonly kind: "tiers";
  readonly allDays: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
}

export interface RetentionPolicy {
  /** Weeks that a weekly archive is kept. Archives are shared, so this is the same for all databases. */
  readonly weeklyWeeks: number;
  /** For every database that has none of its own. */
  readonly dumps: DumpPolicy;
  readonly overrides: ReadonlyMap<string, DumpPolicy>;
}

/** What holds for a database. */
export function policyFor({ dumps, overrides }: RetentionPolicy, database: string): DumpPolicy {
  return overrides.get(database) ?? dumps;
}

export const DEFAULT_DUMPS: AgePolicy = { kind: "age", dailyDays: 7, manualDays: 30, maxBytes: null };

export const DEFAULT_WEEKLY_WEEKS = 12;

/** Longest time that archives may be kept: 100 years. */
const MAX_WEEKS = 5_200;

/** Longest period a policy may name: 100 years. Longer ones are slips of a unit. */
const MAX_DAYS = 36_600;

/**
 * What is wrong with a policy, in words, or null. A number that is 0, negative, broken or missing must never be read as
 * "remove everything".
 */
export function faultOf(policy: DumpPolicy): string | null {
  const { maxBytes, manualDays } = policy;
  if (maxBytes !== null && !(Number.isFinite(maxBytes) && maxBytes > 0)) return "maxBytes must be above 0";
  if (!isDays(manualDays)) return `manualDays must be 1 to ${MAX_DAYS}`;
  if (policy.kind === "age") return isDays(policy.dailyDays) ? null : `dailyDays must be 1 to ${MAX_DAYS}`;
  if (!isDays(policy.allDays)) return `allDays must be 1 to ${MAX_DAYS}`;
  const { daily, weekly, monthly, yearly } = policy;
  const isCount = (count: number) => Number.isInteger(count) && count >= 0 && count <= MAX_DAYS;
  return [daily, weekly, monthly, yearly].every(isCount) ? null : `tiers must be whole numbers, 0 to ${MAX_DAYS}`;
}

function isDays(days: number): boolean {
  return Number.isInteger(days) && days >= 1 && days <= MAX_DAYS;
}

/** What is wrong with a number of weeks that archives are kept, in words, or null. */
export function faultOfWeeks(weeks: number): string | null {
  return Number.isInteger(weeks) && weeks >= 1 && weeks <= MAX_WEEKS ? null : `weeklyWeeks must be 1 to ${MAX_WEEKS}`;
}
