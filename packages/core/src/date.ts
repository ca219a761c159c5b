/** Calendar dates in UTC as `YYYY-MM-DD`. All times in Patina are milliseconds since the epoch; all dates are UTC. */

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The UTC date a moment falls on. */
export function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Says whether a text is a date that exists, written exactly as `YYYY-MM-DD`. */
export function isDate(text: string): boolean {
  if (!isWrittenAsDate(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && dateOf(time) === text;
}

/** Says whether a text is written as a date, whether or not there is such a one. */
export function isWrittenAsDate(text: string): boolean {
  return DATE.test(text);
}

/** A time as RFC 3339 in UTC with milliseconds, for messages and APIs. */
export function timestamp(time: number): string {
  return new Date(time).toISOString();
}
