import { DAY } from "./date.ts";
import { LAST_GOOD } from "./dump-retention.ts";
import { CRONS, nextRun } from "./schedule.ts";
import type { Verdict } from "./verdict.ts";
import { datesOf } from "./week.ts";

/** A stored weekly archive. */
export interface StoredArchive {
  readonly kind: "weekly";
  readonly key: string;
  /** When the newest backup in it was finished. */
  readonly at: number;
  readonly bytes: number;
  /** What it holds of each database; null when that is not known. */
  readonly members: ReadonlyMap<string, Held> | null;
}

/** What an archive holds of one database. */
export interface Held {
  /** When its newest backup there was finished. */
  readonly newest: number;
  /** The same of its newest good one; null when none is good, as in an archive that is damaged. */
  readonly good: number | null;
}

/** A backup that has to be copied out of an archive before that can go. */
export interface Rescue {
  readonly archive: string;
  readonly database: string;
  readonly at: number;
}

/**
 * Judges one archive, after all that are newer. One that is too old stays while it alone holds the newest good backup of
 * a database: that has to be copied out first. What is not good is never copied out, and stays while there is nothing
 * better: a person may still want to look at it.
 *
 * @param elsewhere when the newest good backup of each database was finished, of those that stay and are not in an
 *   archive, or are in a newer one
 */
export function judgeArchive(
  { key, at, members }: StoredArchive,
  { weeklyWeeks, now, elsewhere }: { weeklyWeeks: number; now: number; elsewhere: ReadonlyMap<string, number> },
): { readonly verdict: Verdict; readonly alone: readonly Rescue[] } {
  const verdict = (isKept: boolean, reason: string): Verdict => ({ key, isKept, reason });
  if (now - at < weeklyWeeks * 7 * DAY) {
    return { verdict: verdict(true, `an archive of less than ${weeklyWeeks} weeks`), alone: [] };
  }
  if (members === null) return { verdict: verdict(true, "what it holds is not known"), alone: [] };
  const lonely = [...members].filter(([database, { newest }]) => newest > (elsewhere.get(database) ?? -1));
  if (lonely.length === 0) {
    return { verdict: verdict(false, `an archive older than ${weeklyWeeks} weeks`), alone: [] };
  }
  const alone = lonely.flatMap(([database, { good }]): Rescue[] =>
    good === null || good <= (elsewhere.get(database) ?? -1) ? [] : [{ archive: key, database, at: good }],
  );
  const what = alone.length > 0 ? `holds the ${LAST_GOOD}` : "no other backup exists of";
  const names = (alone.length > 0 ? alone.map(({ database }) => database) : lonely.map(([name]) => name)).sort();
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  return { verdict: verdict(true, `${what} ${names.slice(0, 3).join(", ")}${more}`), alone };
}

/**
 * When an archive of a whole week becomes old enough to go: its newest backup is of the week's last night. One that lacks
 * that night becomes so a few days before.
 */
export function oldEnoughAt(week: string, weeklyWeeks: number): number {
  const last = Date.parse(`${datesOf(week)[6] ?? ""}T00:00:00Z`);
  return nextRun(CRONS.nightly, last) + weeklyWeeks * 7 * DAY;
}

/** Notes the good backups of an archive that stays. */
export function keepMembers({ members }: StoredArchive, elsewhere: Map<string, number>): void {
  for (const [database, { good }] of members ?? []) {
    if (good !== null) elsewhere.set(database, Math.max(elsewhere.get(database) ?? 0, good));
  }
}
