/** Names and states of a job (one fan-out) and its tasks (one database each). */

export const JOB_KINDS = ["nightly", "weekly", "manual"] as const;
export type JobKind = (typeof JOB_KINDS)[number];

/** What made a job start: the schedule; the tick, for a missed run or a backup that Patina itself asked for; or a request. */
export const JOB_TRIGGERS = ["cron", "tick", "api"] as const;
export type JobTrigger = (typeof JOB_TRIGGERS)[number];

/** The aggregator moves a job out of `running`, once, when its last task has ended. */
export const JOB_STATUSES = ["running", "completed", "failed"] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/**
 * `queued`: written by the dispatcher. `running`: claimed by an exporter, which holds a lease. `done` and `failed`:
 * settled by the aggregator. A retry goes from `running` back to `queued`; a replay starts a new generation at `queued`; a
 * backup that another copy of the message has made goes from `failed` to `done`.
 */
export const TASK_STATES = ["queued", "running", "done", "failed"] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** Order of the fan-out; the number is what the catalog stores. */
export const PRIORITIES = ["critical", "high", "normal"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Worth of a backup with respect to time: one instant, provably unchanged while read, or neither. */
export const CONSISTENCIES = ["snapshot", "stable", "fuzzy"] as const;
export type Consistency = (typeof CONSISTENCIES)[number];

/** A scheduled run's id is its kind and date, so that a cron that fires twice opens one job. */
export function scheduledJobId(kind: "nightly" | "weekly", date: string): string {
  return `${kind}-${date}`;
}

/**
 * A manual job's id: the second it was asked for and six hexadecimal digits that keep two of one second apart, such as
 * `manual-20261120-154501-9f3a1c`. Sorts by time.
 */
export function manualJobId(now: number, entropy: Uint8Array): string {
  const stamp = new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  const tail = Array.from(entropy.subarray(0, 3), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `manual-${stamp}-${tail}`;
}

const JOB_ID = /^(?:nightly-\d{4}-\d{2}-\d{2}|weekly-\d{4}-\d{2}-\d{2}|manual-\d{8}-\d{6}-[0-9a-f]{6})$/;

/** Says whether a text has the form of a job id; not whether that job exists. */
export function isJobId(text: string): boolean {
  return JOB_ID.test(text);
}

/**
 * A database's name in Patina: what object keys, routes and file names are made of, hence this narrow. Lower-case
 * letters, digits, `-` and `_`, starting with a letter or digit, at most 64 characters.
 */
export const DATABASE_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

export function isDatabaseName(text: string): boolean {
  return DATABASE_NAME.test(text);
}

export const DATABASE_NAME_RULE =
  "lower-case letters, digits, - and _, starting with a letter or digit, at most 64 characters";

/** The exporter's binding of a database. Names that differ only in `-` and `_` have the same: a registry refuses two. */
export function bindingOf(database: string): string {
  return `DB_${database.replaceAll("-", "_").toUpperCase()}`;
}
