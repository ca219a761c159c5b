import { CRONS, MISSED_AFTER, previousRun } from "./schedule.ts";

/**
 * How a database stands, worst first.
 *
 * - `failing`: its last run failed
 * - `overdue`: a night has passed since its last good backup, and nothing is under way
 * - `fuzzy`: its newest backup may mix several moments
 * - `waiting`: it has no backup yet, and its first run is still to come or under way
 * - `paused`: taken out of the schedule
 */
export const STANDINGS = ["failing", "overdue", "fuzzy", "waiting", "good", "paused"] as const;
export type Standing = (typeof STANDINGS)[number];

/** What is known of a database. */
export interface Known {
  readonly isEnabled: boolean;
  /** When it entered the registry. */
  readonly since: number;
  /** When its newest good backup was settled; null when it never had one. */
  readonly goodAt: number | null;
  readonly isFuzzy: boolean;
  /** Runs that failed since then. */
  readonly failures: number;
  /** Whether a task of it is queued or running. */
  readonly isActive: boolean;
}

export function standingOf(known: Known, now: number): Standing {
  if (!known.isEnabled) return "paused";
  if (known.failures > 0) return "failing";
  const due = previousRun(CRONS.nightly, now - MISSED_AFTER);
  const isBehind = (known.goodAt ?? 0) < due && known.since <= due;
  if (isBehind && !known.isActive) return "overdue";
  if (known.goodAt === null) return "waiting";
  return known.isFuzzy ? "fuzzy" : "good";
}

/** Whether somebody has to do something about it. */
export function needsAttention(standing: Standing): boolean {
  return standing === "failing" || standing === "overdue";
}
