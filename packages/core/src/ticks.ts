import { HOUR } from "./date.ts";

/** When the tick ran. */
export interface Ticks {
  readonly last: number;
  /** The first of those that followed each other without a gap of more than 48 hours. */
  readonly since: number;
}

/** A clock that is further ahead of the last tick is not trusted with deleting. */
export const MAX_SILENCE = 48 * HOUR;

/** Ticks may overtake each other by this much without the clock having been put back. */
const DISORDER = HOUR;

/**
 * What is known of the ticks after one at `now`. A tick after a long silence, or on a clock that was put back, begins
 * anew: it runs on the very clock that is in doubt, so that it does not vouch for it by itself.
 */
export function ticksAfter(before: Ticks | null, now: number): Ticks {
  if (before === null) return { last: now, since: now };
  const { last, since } = before;
  const isBroken = now - last > MAX_SILENCE || now < last - DISORDER;
  return isBroken ? { last: now, since: now } : { last: Math.max(last, now), since };
}

/** Why a clock that says `now` may not be right; null when the ticks vouch for it. */
export function doubtOfClock(ticks: Ticks | null, now: number): string | null {
  if (ticks === null) return "no tick has run yet";
  const { last, since } = ticks;
  if (!(now - last <= MAX_SILENCE)) return "the last tick was more than 48 hours ago";
  if (!(now - since >= MAX_SILENCE)) return "the tick has run again for less than 48 hours";
  return null;
}
