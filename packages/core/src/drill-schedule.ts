import { DAY, MINUTE } from "./date.ts";
import type { Verdict } from "./drill.ts";

/** Which databases are drilled when, and what that may cost. */

/**
 * Rows that drills may write in a calendar month unless somebody sets another number. Cloudflare bills rows written to
 * Durable Objects; the Workers Paid plan includes 50 million a month, of which this is half
 * (developers.cloudflare.com/durable-objects/platform/pricing).
 */
export const DEFAULT_DRILL_ROWS = 25_000_000;

/** Drills that are under way at once: they must not take the archiver's place from everything else. */
export const DRILLS_AT_ONCE = 6;

/** Why a drill is begun, the most urgent first; `asked` by a person. */
export const CAUSES = ["asked", "first", "schema", "monthly"] as const;
export type Cause = (typeof CAUSES)[number];

/** Monthly drills are spread over so many days, so that February has all of them too. */
const SPREAD = 28 * DAY;
const SPREAD_STEP = 5 * MINUTE;

/** A monthly drill is left out when another one was made so shortly before its time. */
const RECENT = 7 * DAY;

/** What could not be finished is left alone for so long. */
const GIVEN_UP_FOR = DAY;

/** What is known of a database that has a good backup and no drill under way. */
export interface Drilled {
  readonly database: string;
  /** Its newest good backup: when it was made, and the digest of its schema; null when its manifest has none. */
  readonly backupAt: number;
  readonly backupSchema: string | null;
  /** Its last drill; null when it never had one. */
  readonly last: { readonly at: number; readonly verdict: Verdict } | null;
  /** The schema of the last drilled backup of which one is known. */
  readonly lastSchema: string | null;
  /** When a drill was last given up, which says nothing of any backup; null when none was. */
  readonly gaveUpAt: number | null;
}

/** Why a database is to be drilled now; null when it is not. */
export function causeOf(known: Drilled, now: number): Cause | null {
  const { database, backupAt, backupSchema, last, lastSchema, gaveUpAt } = known;
  if (gaveUpAt !== null && now - gaveUpAt < GIVEN_UP_FOR) return null;
  // The backup after one that failed is a first one again.
  if (last === null || (last.verdict === "failed" && backupAt > last.at)) return "first";
  if (backupSchema !== null && lastSchema !== null && backupSchema !== lastSchema) return "schema";
  return last.at < monthlyTime(database, now) - RECENT ? "monthly" : null;
}

/** When a database's monthly drill was due last: each has a time of its own in every month. */
export function monthlyTime(database: string, now: number): number {
  const offset = (hashOf(database) % (SPREAD / SPREAD_STEP)) * SPREAD_STEP;
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const time = Date.UTC(year, month) + offset;
  return time <= now ? time : Date.UTC(year, month - 1) + offset;
}

/** The first moment of a time's month in UTC: when a budget begins. */
export function monthOf(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
}

/** A drill that would begin now, and the rows that it is expected to write. */
export interface Wanted<D> {
  readonly drill: D;
  readonly cause: Cause;
  /** The smaller, the more urgent: the database's priority. */
  readonly priority: number;
  readonly rows: number;
}

/**
 * Chooses what begins now: the most urgent causes and databases first, as many as there is room for. The budget wins over
 * the schedule; a database that is too large for what is left of it does not hold up smaller ones.
 *
 * @returns also how many had to wait for the budget
 */
export function chooseDrills<D>(
  wanted: readonly Wanted<D>[],
  { room, rows }: { room: number; rows: number },
): { chosen: readonly Wanted<D>[]; held: number } {
  const urgent = [...wanted].sort(
    (a, b) => CAUSES.indexOf(a.cause) - CAUSES.indexOf(b.cause) || a.priority - b.priority || a.rows - b.rows,
  );
  const chosen: Wanted<D>[] = [];
  let left = rows;
  let held = 0;
  for (const one of urgent) {
    if (one.rows > left) held += 1;
    else if (chosen.length < room) {
      chosen.push(one);
      left -= one.rows;
    }
  }
  return { chosen, held };
}

/** FNV-1a in 32 bits: the same for a name everywhere and always. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
