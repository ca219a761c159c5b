import { DAY, HOUR, timestamp } from "./date.ts";
import { type DumpPolicy, faultOf, type RetentionPolicy } from "./retention-policy.ts";
import { tierOf } from "./tiers.ts";
import { bytes } from "./wording.ts";

/** A stored dump: one database at one time. */
export interface StoredDump {
  readonly kind: "daily" | "manual";
  readonly key: string;
  readonly database: string;
  /** When it was finished. */
  readonly at: number;
  readonly bytes: number;
  /** False once something was found to be wrong with it. */
  readonly isGood: boolean;
  /** The weekly archive that verifiably holds the same bytes; null while none does. Manual backups are in none. */
  readonly archivedIn: string | null;
}

/** A stored weekly archive. */
export interface StoredArchive {
  readonly kind: "weekly";
  readonly key: string;
  /** When the newest backup in it was finished. */
  readonly at: number;
  readonly bytes: number;
  readonly isGood: boolean;
  /** Each database in it, and when its newest good backup there was finished. */
  readonly members: ReadonlyMap<string, number>;
}

export type StoredBackup = StoredDump | StoredArchive;

/** What is known of the time. */
export interface Moment {
  readonly now: number;
  /** When the tick last ran; null when that is not known. */
  readonly lastTick: number | null;
}

export interface Decision {
  readonly key: string;
  /** For a person: why it stays or goes. */
  readonly reason: string;
}

/** A backup that has to be copied out of an archive before that can go. */
export interface Rescue {
  readonly archive: string;
  readonly database: string;
  readonly at: number;
}

/** Every backup is in exactly one of `keep` and `remove`. */
export interface Retention {
  readonly keep: readonly Decision[];
  readonly remove: readonly Decision[];
  readonly rescues: readonly Rescue[];
}

/** A clock that is further ahead of the last tick is not trusted with deleting. */
const MAX_SILENCE = 48 * HOUR;

/**
 * Decides what of the stored backups goes. Whatever the policy says:
 *
 * - the newest good backup of a database stays, and so does everything of a database that has no newer good one;
 * - a daily stays until a weekly archive verifiably holds it, or until that archive would itself be too old;
 * - an archive stays while it alone holds the newest good backup of a database;
 * - nothing goes when the clock or the policy cannot be right.
 */
export function applyRetention(backups: readonly StoredBackup[], policy: RetentionPolicy, moment: Moment): Retention {
  const doubt = doubtOf(backups, policy, moment);
  if (doubt !== null) return { keep: backups.map(({ key }) => ({ key, reason: doubt })), remove: [], rescues: [] };
  const { now } = moment;
  const keep: Decision[] = [];
  const remove: Decision[] = [];
  const newest = newestGood(backups);
  const decide = ({ key, isKept, reason }: Verdict) => (isKept ? keep : remove).push({ key, reason });
  for (const [database, dumps] of byDatabase(backups)) {
    const rule = policy.overrides.get(database) ?? policy.dumps;
    const context = { rule, now, newestGood: newest.get(database) ?? null, weeklyWeeks: policy.weeklyWeeks };
    for (const verdict of judgeDumps(dumps, context)) decide(verdict);
  }
  const rescues: Rescue[] = [];
  for (const { verdict, alone } of judgeArchives(backups, { policy, now })) {
    decide(verdict);
    rescues.push(...alone);
  }
  return { keep, remove, rescues };
}

interface Verdict extends Decision {
  readonly isKept: boolean;
}

/** Why nothing may be removed now; null when there is no such reason. */
function doubtOf(
  backups: readonly StoredBackup[],
  { weeklyWeeks, dumps, overrides }: RetentionPolicy,
  { now, lastTick }: Moment,
): string | null {
  const kept = "nothing is removed";
  if (lastTick === null) return `${kept}: no tick has run yet`;
  if (!(now - lastTick <= MAX_SILENCE)) return `${kept}: the last tick was more than 48 hours ago`;
  const newest = backups.reduce((latest, { at }) => Math.max(latest, at), 0);
  if (now < newest) return `${kept}: the clock is behind the newest backup (${timestamp(newest)})`;
  if (!Number.isInteger(weeklyWeeks) || weeklyWeeks < 1) return `${kept}: weeklyWeeks must be at least 1`;
  const fault = faultOf(dumps);
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
  const note = (database: string, at: number) => newest.set(database, Math.max(newest.get(database) ?? 0, at));
  for (const backup of backups) {
    if (!backup.isGood) continue;
    if (backup.kind === "weekly") for (const [database, at] of backup.members) note(database, at);
    else note(backup.database, backup.at);
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
  for (const group of groups.values()) group.sort((a, b) => b.at - a.at);
  return groups;
}

interface DumpContext {
  readonly rule: DumpPolicy;
  readonly now: number;
  readonly newestGood: number | null;
  readonly weeklyWeeks: number;
}

/** Judges the dumps of one database, newest first. */
function judgeDumps(dumps: readonly StoredDump[], context: DumpContext): readonly Verdict[] {
  const taken = new Set<string>();
  const verdicts = dumps.map((dump): Verdict => {
    const held = holdOf(dump, context);
    const wish = wishOf(dump, { context, taken });
    if (!wish.isKept && held !== null) return { key: dump.key, isKept: true, reason: held };
    return { key: dump.key, ...wish };
  });
  return withinSize(dumps, { verdicts, context });
}

/** What no policy can overrule: why a dump has to stay, or null. */
function holdOf(dump: StoredDump, { now, newestGood: newest, weeklyWeeks }: DumpContext): string | null {
  if (newest === null) return `there is no good backup of ${dump.database}`;
  if (dump.at >= newest) {
    return dump.isGood ? `last good backup of ${dump.database}` : `no newer good backup of ${dump.database}`;
  }
  if (dump.kind === "manual" || dump.archivedIn !== null || !dump.isGood) return null;
  return now - dump.at < weeklyWeeks * 7 * DAY ? "no weekly archive verifiably holds it yet" : null;
}

/** What the policy wants. Dumps come newest first, so that the newest good one of a bucket is the one that stays. */
function wishOf(
  { kind, at, isGood, archivedIn }: StoredDump,
  { context, taken }: { context: DumpContext; taken: Set<string> },
): { isKept: boolean; reason: string } {
  const { rule, now } = context;
  if (kind === "manual") return within({ at, now, days: rule.manualDays, what: "a manual backup" });
  if (rule.kind === "age") {
    const wish = within({ at, now, days: rule.dailyDays, what: "a daily" });
    if (wish.isKept || archivedIn === null) return wish;
    return { isKept: false, reason: `${wish.reason} and held by ${archivedIn}` };
  }
  const tier = tierOf(rule, { at, now });
  switch (tier.in) {
    case "all":
      return { isKept: true, reason: `a daily of less than ${rule.allDays} days` };
    case "none":
      return { isKept: false, reason: "a daily older than the last tier" };
    case "bucket":
      if (!isGood) return { isKept: false, reason: `a bad backup beside those of the ${tier.bucket}` };
      if (taken.has(tier.bucket)) return { isKept: false, reason: `the ${tier.bucket} has a newer one` };
      taken.add(tier.bucket);
      return { isKept: true, reason: `newest of the ${tier.bucket}` };
  }
}

function within(options: { at: number; now: number; days: number; what: string }): { isKept: boolean; reason: string } {
  const { at, now, days, what } = options;
  const isKept = now - at < days * DAY;
  return { isKept, reason: `${what} ${isKept ? "of less than" : "older than"} ${days} days` };
}

/** Lets the oldest go that may go, until the rest is within the policy's size. */
function withinSize(
  dumps: readonly StoredDump[],
  { verdicts, context }: { verdicts: readonly Verdict[]; context: DumpContext },
): readonly Verdict[] {
  const { maxBytes } = context.rule;
  if (maxBytes === null) return verdicts;
  let total = dumps.reduce((sum, dump, i) => sum + (verdicts[i]?.isKept ? dump.bytes : 0), 0);
  const judged = [...verdicts];
  for (let i = dumps.length - 1; i >= 0 && total > maxBytes; i -= 1) {
    const dump = dumps[i];
    if (dump === undefined || !judged[i]?.isKept || holdOf(dump, context) !== null) continue;
    judged[i] = { key: dump.key, isKept: false, reason: `over the size limit of ${bytes(maxBytes)}, and the oldest` };
    total -= dump.bytes;
  }
  return judged;
}

/**
 * Judges the archives, newest first. One that is too old stays while it alone holds the newest good backup of a
 * database: that has to be copied out first.
 */
function judgeArchives(
  backups: readonly StoredBackup[],
  { policy, now }: { policy: RetentionPolicy; now: number },
): { verdict: Verdict; alone: Rescue[] }[] {
  const archives = backups.filter((backup) => backup.kind === "weekly").sort((a, b) => b.at - a.at);
  const elsewhere = newestGood(backups.filter((backup) => backup.kind !== "weekly"));
  const hold = (members: ReadonlyMap<string, number>) => {
    for (const [database, at] of members) elsewhere.set(database, Math.max(elsewhere.get(database) ?? 0, at));
  };
  const { weeklyWeeks } = policy;
  const limit = weeklyWeeks * 7 * DAY;
  return archives.map(({ key, at, isGood, members }) => {
    if (now - at < limit) {
      if (isGood) hold(members);
      return { verdict: { key, isKept: true, reason: `an archive of less than ${weeklyWeeks} weeks` }, alone: [] };
    }
    const alone = [...members].flatMap(([database, newest]): Rescue[] =>
      (elsewhere.get(database) ?? -1) >= newest ? [] : [{ archive: key, database, at: newest }],
    );
    if (alone.length === 0) {
      return { verdict: { key, isKept: false, reason: `an archive older than ${weeklyWeeks} weeks` }, alone: [] };
    }
    if (isGood) hold(members);
    const names = alone.slice(0, 3).map(({ database }) => database);
    const more = alone.length > names.length ? ` and ${alone.length - names.length} more` : "";
    const what = isGood ? "holds the last good backup of" : "no other backup exists of";
    // What is damaged cannot be trusted with being copied out: a person may still want to look at it.
    return {
      verdict: { key, isKept: true, reason: `${what} ${names.join(", ")}${more}` },
      alone: isGood ? alone : [],
    };
  });
}
