import { DAY } from "./date.ts";
import { needsAttention, type Standing } from "./standing.ts";
import { duration, roughly } from "./wording.ts";

/** One database as the sentence sees it. */
export interface Member {
  readonly name: string;
  readonly standing: Standing;
  /** When its newest good backup was settled; null when it never had one. */
  readonly goodAt: number | null;
}

/** What is under way in the whole fleet. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

export interface Truth {
  readonly tone: "attention" | "running" | "good" | "waiting" | "empty";
  readonly sentence: string;
}

/**
 * The state of the whole fleet in one sentence. The worst database decides it; one that has been without a good backup
 * for longest is named.
 */
export function truth(
  fleet: readonly Member[],
  { now, nextRun, progress }: { now: number; nextRun: number; progress: Progress | null },
): Truth {
  const enabled = fleet.filter(({ standing }) => standing !== "paused");
  const next = `next run in ${duration(nextRun - now)}`;
  if (fleet.length === 0) return { tone: "empty", sentence: "No database is registered, so nothing is backed up" };
  if (enabled.length === 0) return { tone: "attention", sentence: `${all(fleet.length)} paused: nothing is backed up` };
  const bad = enabled.filter(({ standing }) => needsAttention(standing));
  if (bad.length > 0) return { tone: "attention", sentence: attention(bad, now) };
  if (progress !== null) {
    return { tone: "running", sentence: `Backing up now: ${progress.done} of ${progress.total} databases done` };
  }
  const fuzzy = enabled.filter(({ standing }) => standing === "fuzzy").length;
  const waiting = enabled.filter(({ standing }) => standing === "waiting").length;
  if (waiting > 0) {
    const have = enabled.length - waiting;
    const verb = waiting === 1 ? "waits" : "wait";
    return {
      tone: "waiting",
      sentence: `${have} of ${enabled.length} databases are backed up, ${waiting} ${verb}; ${next}`,
    };
  }
  const but = fuzzy === 0 ? "" : `, ${fuzzy} of them fuzzy`;
  return { tone: "good", sentence: `${all(enabled.length)} backed up${but}; ${next}` };
}

function attention(bad: readonly Member[], now: number): string {
  const [worst] = [...bad].sort((a, b) => (a.goodAt ?? -1) - (b.goodAt ?? -1) || (a.name < b.name ? -1 : 1));
  const need = bad.length === 1 ? "1 database needs attention" : `${bad.length} databases need attention`;
  return worst === undefined ? need : `${need}: ${trouble(worst, now)}`;
}

/** A night's backup is up to a day old at best, so only what is older says "for 3 days". */
function trouble({ name, standing, goodAt }: Member, now: number): string {
  if (goodAt === null) return `${name} has never had a good backup`;
  const age = roughly(now - goodAt);
  if (now - goodAt > DAY) return `${name} has not had a good backup for ${age}`;
  return standing === "failing"
    ? `the last run of ${name} failed, its newest good backup is ${age} old`
    : `${name} missed its last run, its newest good backup is ${age} old`;
}

function all(count: number): string {
  if (count === 1) return "The only database is";
  return count === 2 ? "Both databases are" : `All ${count} databases are`;
}
