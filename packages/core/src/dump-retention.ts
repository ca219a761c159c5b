import { DAY } from "./date.ts";
import type { DumpPolicy } from "./retention-policy.ts";
import { tierOf } from "./tiers.ts";
import type { Verdict } from "./verdict.ts";
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

export interface DumpContext {
  readonly rule: DumpPolicy;
  readonly now: number;
  readonly weeklyWeeks: number;
  /** When the newest good backup of the database was finished, archives included; null when there is none. */
  readonly newestGood: number | null;
}

/** How the reason begins of what stays because nothing better is left. */
export const LAST_GOOD = "last good backup of";

/** Judges all dumps of one database, in any order. */
export function judgeDumps(dumps: readonly StoredDump[], context: DumpContext): readonly Verdict[] {
  const sorted = dumps.toSorted((a, b) => b.at - a.at);
  const taken = new Set<string>();
  const verdicts = sorted.map((dump): Verdict => {
    const held = holdOf(dump, context);
    const wish = wishOf(dump, { context, taken });
    if (!wish.isKept && held !== null) return { key: dump.key, isKept: true, reason: held };
    return { key: dump.key, ...wish };
  });
  return withinSize(sorted, { verdicts, context });
}

/** What no policy can overrule: why a dump has to stay, or null. */
function holdOf(dump: StoredDump, { now, newestGood: newest, weeklyWeeks }: DumpContext): string | null {
  if (newest === null) return `there is no good backup of ${dump.database}`;
  if (dump.at >= newest) {
    return dump.isGood ? `${LAST_GOOD} ${dump.database}` : `no newer good backup of ${dump.database}`;
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
