import { Cron } from "croner";
import { MINUTE, SECOND } from "./date.ts";

/** The crons of wrangler.toml; a test holds the two together. */
export const CRONS = {
  nightly: "0 3 * * *",
  weekly: "0 4 * * sun",
  tick: "*/5 * * * *",
} as const;

export type CronName = keyof typeof CRONS;

/** How long after its time a run counts as missed: crons may come late. */
export const MISSED_AFTER = 5 * MINUTE;

/**
 * Cloudflare's dialect: UTC, and weekdays count from 1 = Sunday, where croner and most others have 1 = Monday
 * (developers.cloudflare.com/workers/configuration/cron-triggers).
 */
function parse(pattern: string): Cron {
  return new Cron(pattern, { timezone: "UTC", alternativeWeekdays: true, paused: true });
}

/** Which of the schedules a scheduled event belongs to, or null for a cron Patina does not know. */
export function cronName(pattern: string): CronName | null {
  for (const name of Object.keys(CRONS) as CronName[]) {
    if (CRONS[name] === pattern) return name;
  }
  return null;
}

/** The next time after `now` at which a cron fires, in milliseconds. */
export function nextRun(pattern: string, now: number): number {
  const next = parse(pattern).nextRun(new Date(now));
  if (next === null) throw new RangeError(`Cannot find a next run: "${pattern}" never fires`);
  return next.getTime();
}

/** The last time at or before `now` at which a cron fired, in milliseconds. */
export function previousRun(pattern: string, now: number): number {
  // croner looks strictly before its reference and rounds that to whole seconds.
  const [previous] = parse(pattern).previousRuns(1, new Date(Math.floor(now / SECOND) * SECOND + SECOND));
  if (previous === undefined) throw new RangeError(`Cannot find a previous run: "${pattern}" never fires`);
  return previous.getTime();
}

/** Every time after `after` and up to `until` at which a cron fires, in milliseconds, the earliest first. */
export function runsBetween(pattern: string, { after, until }: { after: number; until: number }): number[] {
  const runs: number[] = [];
  for (let run = nextRun(pattern, after); run <= until; run = nextRun(pattern, run)) runs.push(run);
  return runs;
}
