import type { Held, StoredArchive } from "./archive-retention.ts";
import { DAY, HOUR } from "./date.ts";
import type { StoredDump } from "./dump-retention.ts";
import { applyRetention, type Moment, type Retention, type StoredBackup } from "./retention.ts";
import { DEFAULT_DUMPS, type RetentionPolicy, type TierPolicy } from "./retention-policy.ts";

/** For tests: stored backups by their age in days. */

export const NOW = Date.parse("2026-11-20T03:30:00Z");
export const POLICY: RetentionPolicy = { weeklyWeeks: 12, dumps: DEFAULT_DUMPS, overrides: new Map() };
export const TIERS: TierPolicy = {
  kind: "tiers",
  allDays: 7,
  daily: 30,
  weekly: 8,
  monthly: 4,
  yearly: 2,
  manualDays: 30,
  maxBytes: null,
};

export function dump(age: number, change: Partial<StoredDump> = {}): StoredDump {
  const at = NOW - age * DAY;
  const date = new Date(at).toISOString().slice(0, 10);
  const { kind = "daily", database = "shop" } = change;
  const defaults = { kind, database, at, bytes: 1_000, isGood: true, archivedIn: null };
  return { ...defaults, key: `${kind}/${date}/${database}-${age}.sql.gz`, ...change };
}

/** An archive with the age in days of what it holds of each database. */
export function archive(
  age: number,
  members: Record<string, number>,
  { isGood = true, ...change }: Partial<StoredArchive> & { isGood?: boolean } = {},
): StoredArchive {
  const held = (days: number): Held => ({ newest: NOW - days * DAY, good: isGood ? NOW - days * DAY : null });
  return {
    kind: "weekly",
    key: `weekly/${age}.tar.gz`,
    at: NOW - age * DAY,
    bytes: 5_000,
    members: new Map(Object.entries(members).map(([name, days]) => [name, held(days)])),
    ...change,
  };
}

/** A moment at which the tick has run for long. */
export function moment(now: number, { last = now - HOUR, since = 0 } = {}): Moment {
  return { now, ticks: { last, since } };
}

export function apply(backups: readonly StoredBackup[], policy: RetentionPolicy = POLICY): Retention {
  return applyRetention(backups, policy, moment(NOW));
}

export function reasonOf({ keep, remove }: Retention, { key }: StoredBackup): string {
  return [...keep.map((one) => ({ ...one, to: "keep" })), ...remove.map((one) => ({ ...one, to: "remove" }))]
    .filter((one) => one.key === key)
    .map(({ to, reason }) => `${to}: ${reason}`)
    .join();
}
