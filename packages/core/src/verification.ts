import { DAY, HOUR } from "./date.ts";
import { manualJobId } from "./job.ts";

/** When stored backups are verified again. Each was read back once already, before its manifest was written. */

/** A dump, daily or manual, is verified at least once a week, an archive once a month. */
const DUMPS_EVERY = 7 * DAY;
const ARCHIVES_EVERY = 30 * DAY;

/** Runs come once a day: what would be too old by the next one, even if that is late, is due in this one. */
const LEAD = 36 * HOUR;

/** What was verified at or before these moments, or never, is due in a run that begins now. */
export function dueBefore(now: number): { readonly dumps: number; readonly archives: number } {
  return { dumps: now - DUMPS_EVERY + LEAD, archives: now - ARCHIVES_EVERY + LEAD };
}

/**
 * Bytes that one scheduled run may read, unless somebody has set something else. By the default retention a day's share is
 * about four times what a night stores: twelve archives of seven nights in a month, and each daily once more. So this keeps
 * up with 12 GB a night, at some 15 minutes of CPU time a day.
 */
export const DEFAULT_VERIFY_BYTES = 50_000_000_000;

/** Not before this time of day, UTC: the weekly archive, which begins at 04:00 on Sundays, verifies dailies as well. */
const NOT_BEFORE = 4.5 * HOUR;

/** A nightly that has not begun by this time of day is not waited for. */
const WITHOUT_NIGHTLY = 6 * HOUR;

/** The start of the UTC day whose run may begin; null when it is too early for today's. */
export function verificationDay(now: number): { readonly start: number; readonly needsNightly: boolean } | null {
  const start = now - (now % DAY);
  if (now - start < NOT_BEFORE) return null;
  return { start, needsNightly: now - start < WITHOUT_NIGHTLY };
}

/** The id of a scheduled run: its day, so that a tick that runs twice opens one. */
export function scheduledRunId(date: string): string {
  return `verify-${date}`;
}

/** The id of a run that somebody asked for, made as a manual job's is. */
export function askedRunId(now: number, entropy: Uint8Array): string {
  return manualJobId(now, entropy).replace("manual", "verify");
}

const RUN_ID = /^verify-(?:\d{4}-\d{2}-\d{2}|\d{8}-\d{6}-[0-9a-f]{6})$/;

/** Says whether a text has the form of a run's id; not whether that run exists. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}
