import { DAY, dateOf } from "./date.ts";
import { CRONS, MISSED_AFTER, nextRun } from "./schedule.ts";

/**
 * What a day meant for one database. Only a day on which the whole nightly run is absent counts as missed: where a job
 * exists, every task of it ends in a result, and a database that it left out was paused.
 *
 * - `none`: nothing was expected, or the database was not registered yet
 * - `due`: today's run is still to come
 * - `running`: a run of the day has not ended
 * - `recovered`: a run failed and another one that day succeeded
 */
export type DayState = "none" | "due" | "running" | "good" | "fuzzy" | "recovered" | "failed" | "missed";

/** The runs of one database that ended on a day. */
export interface DayRuns {
  readonly day: string;
  readonly worst: "good" | "fuzzy" | "failed";
  readonly runs: number;
  readonly good: number;
  /** Stored bytes and milliseconds of the day's newest backup. */
  readonly bytes: number | null;
  readonly ms: number | null;
}

export interface CalendarDay {
  readonly day: string;
  readonly state: DayState;
  /** Null when no run ended that day. */
  readonly runs: DayRuns | null;
}

/** One night of the fleet: when its run was due, and whether there is a job of it. */
export interface Night {
  readonly day: string;
  readonly due: number;
  readonly wasOpened: boolean;
}

/** The last `count` days up to today, oldest first. `opened` holds the dates that have a nightly job. */
export function nights(
  now: number,
  { count, opened }: { count: number; opened: ReadonlySet<string> },
): readonly Night[] {
  return Array.from({ length: count }, (_, i) => {
    const day = dateOf(now - (count - 1 - i) * DAY);
    return { day, due: nextRun(CRONS.nightly, Date.parse(day) - 1), wasOpened: opened.has(day) };
  });
}

export interface Registered {
  /** When the database entered the registry. */
  readonly since: number;
  readonly isEnabled: boolean;
  /** Date of a job in which the database has an open task. */
  readonly activeDay: string | null;
}

/** The state of each night for one database. */
export function calendar(
  frame: readonly Night[],
  { runs, database, now }: { runs: readonly DayRuns[]; database: Registered; now: number },
): CalendarDay[] {
  const byDay = new Map(runs.map((entry) => [entry.day, entry]));
  return frame.map((night) => {
    const found = byDay.get(night.day) ?? null;
    return { day: night.day, runs: found, state: stateOf(night, { found, database, now }) };
  });
}

function stateOf(
  { day, due, wasOpened }: Night,
  { found, database, now }: { found: DayRuns | null; database: Registered; now: number },
): DayState {
  if (database.activeDay === day) return "running";
  if (found !== null) return found.worst === "failed" && found.good > 0 ? "recovered" : found.worst;
  if (!database.isEnabled || wasOpened || database.since > due) return "none";
  return now < due + MISSED_AFTER ? "due" : "missed";
}
