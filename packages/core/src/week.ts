import { DAY, dateOf, isDate } from "./date.ts";

/**
 * Weeks as ISO 8601 counts them: Monday to Sunday, and week 1 is the one with the year's first Thursday. The year of a
 * week is the year of its Thursday, so that `2026-W01` begins on 2025-12-29.
 */

const WEEK = /^(\d{4})-W(\d{2})$/;

/** The week a date falls in, such as `2026-W47`. */
export function weekOf(date: string): string {
  const thursday = mondayOf(Date.parse(`${date}T00:00:00Z`)) + 3 * DAY;
  const year = dateOf(thursday).slice(0, 4);
  const number = Math.floor((thursday - Date.parse(`${year}-01-01T00:00:00Z`)) / (7 * DAY)) + 1;
  return `${year}-W${String(number).padStart(2, "0")}`;
}

/** The seven dates of a week, Monday first. */
export function datesOf(week: string): string[] {
  const [, year = "", number = ""] = WEEK.exec(week) ?? [];
  // January 4th is always in week 1.
  const monday = mondayOf(Date.parse(`${year}-01-04T00:00:00Z`)) + (Number(number) - 1) * 7 * DAY;
  return Array.from({ length: 7 }, (_, day) => dateOf(monday + day * DAY));
}

/** Says whether a text is a week that exists, written exactly as `YYYY-Www`. */
export function isWeek(text: string): boolean {
  const [, year] = WEEK.exec(text) ?? [];
  if (year === undefined || !isDate(`${year}-01-04`)) return false;
  const [monday = ""] = datesOf(text);
  return weekOf(monday) === text;
}

function mondayOf(time: number): number {
  // getUTCDay() counts from Sunday, 0.
  return time - ((new Date(time).getUTCDay() + 6) % 7) * DAY;
}
