import { judgeArchive, keepMembers, type Rescue, type StoredArchive } from "./archive-retention.ts";
import { timestamp } from "./date.ts";
import { judgeDumps, type StoredDump } from "./dump-retention.ts";
import { faultOf, faultOfWeeks, policyFor, type RetentionPolicy } from "./retention-policy.ts";
import { doubtOfClock, type Ticks } from "./ticks.ts";
import type { Decision, Verdict } from "./verdict.ts";

export type StoredBackup = StoredDump | StoredArchive;

/** What is known of the time. */
export interface Moment {
  readonly now: number;
  /** When the tick ran; null when that is not known. */
  readonly ticks: Ticks | null;
}

/** Every backup is in exactly one of `keep` and `remove`. */
export interface Retention {
  readonly keep: readonly Decision[];
  readonly remove: readonly Decision[];
  readonly rescues: readonly Rescue[];
}

/**
 * Decides what of the stored backups goes. Whatever the policy says:
 *
 * - the newest good backup of a database stays, and so does everything of a database that has no newer good one;
 * - a daily stays until a weekly archive verifiably holds it, or until that archive would itself be too old;
 * - an archive stays while it alone holds the newest good backup of a database, or while what it holds is not known;
 * - nothing goes when the clock or the policy cannot be right.
 *
 * Dumps are judged database by database and archives one by one, the newest first, so that nobody needs to have all of
 * them in memory: a prune uses the parts of this by themselves.
 */
export function applyRetention(backups: readonly StoredBackup[], policy: RetentionPolicy, moment: Moment): Retention {
  const newestOfAll = backups.reduce((latest, { at }) => Math.max(latest, at), 0);
  const doubt = doubtOf(policy, { ...moment, newest: newestOfAll });
  if (doubt !== null) return { keep: backups.map(({ key }) => ({ key, reason: doubt })), remove: [], rescues: [] };
  const { now } = moment;
  const { weeklyWeeks } = policy;
  const keep: Decision[] = [];
  const remove: Decision[] = [];
  const decide = ({ key, isKept, reason }: Verdict) => (isKept ? keep : remove).push({ key, reason });
  const newest = newestGood(backups);
  for (const [database, dumps] of byDatabase(backups)) {
    const newestOfIt = newest.get(database) ?? null;
    const verdicts = judgeDumps(dumps, { rule: policyFor(policy, database), now, weeklyWeeks, newestGood: newestOfIt });
    for (const verdict of verdicts) decide(verdict);
  }
  const rescues: Rescue[] = [];
  const elsewhere = newestGood(backups.filter(({ kind }) => kind !== "weekly"));
  for (const archive of backups.filter((backup) => backup.kind === "weekly").sort((a, b) => b.at - a.at)) {
    const { verdict, alone } = judgeArchive(archive, { weeklyWeeks, now, elsewhere });
    if (verdict.isKept) keepMembers(archive, elsewhere);
    decide(verdict);
    rescues.push(...alone);
  }
  return { keep, remove, rescues };
}

/**
 * Why nothing may be removed now; null when there is no such reason.
 *
 * @param newest when the newest backup of all was finished
 */
export function doubtOf(
  { weeklyWeeks, dumps, overrides }: RetentionPolicy,
  { now, ticks, newest }: Moment & { readonly newest: number },
): string | null {
  const kept = "nothing is removed";
  const clock = doubtOfClock(ticks, now);
  if (clock !== null) return `${kept}: ${clock}`;
  if (now < newest) return `${kept}: the clock is behind the newest backup (${timestamp(newest)})`;
  const fault = faultOfWeeks(weeklyWeeks) ?? faultOf(dumps);
  if (fault !== null) return `${kept}: the retention policy is wrong, ${fault}`;
  for (const [database, override] of overrides) {
    const own = faultOf(override);
    if (own !== null) return `${kept}: the retention policy of ${database} is wrong, ${own}`;
  }
  return null;
}

/** When the newest good backup of each database was finished, wherever it lies. */
function newestGood(backups: readonly StoredBackup[]): Map<string, number> {
  const newest = new Map<string, number>();
  for (const backup of backups) {
    if (backup.kind === "weekly") keepMembers(backup, newest);
    else if (backup.isGood) newest.set(backup.database, Math.max(newest.get(backup.database) ?? 0, backup.at));
  }
  return newest;
}

function byDatabase(backups: readonly StoredBackup[]): Map<string, StoredDump[]> {
  const groups = new Map<string, StoredDump[]>();
  for (const backup of backups) {
    if (backup.kind === "weekly") continue;
    const group = groups.get(backup.database);
    if (group === undefined) groups.set(backup.database, [backup]);
    else group.push(backup);
  }
  return groups;
}
