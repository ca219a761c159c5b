import { expect, test } from "vitest";
import { DAY, HOUR, MINUTE } from "./date.ts";
import { doubtOfClock, type Ticks, ticksAfter } from "./ticks.ts";

const START = Date.parse("2026-11-20T03:00:00Z");

/** Ticks every five minutes for so long. */
function ticking(from: number, length: number, before: Ticks | null = null): Ticks {
  let ticks = ticksAfter(before, from);
  for (let at = from; at <= from + length; at += 5 * MINUTE) ticks = ticksAfter(ticks, at);
  return ticks;
}

test("a clock is trusted once the tick has run for 48 hours, and as long as it runs", () => {
  expect(doubtOfClock(null, START)).toBe("no tick has run yet");
  expect(doubtOfClock(ticking(START, 47 * HOUR), START + 47 * HOUR)).toBe(
    "the tick has run again for less than 48 hours",
  );
  const ticks = ticking(START, 50 * HOUR);
  expect(doubtOfClock(ticks, START + 50 * HOUR)).toBeNull();
  expect(doubtOfClock(ticks, START + 97 * HOUR)).toBeNull();
  expect(doubtOfClock(ticks, START + 99 * HOUR)).toBe("the last tick was more than 48 hours ago");
  expect(doubtOfClock(ticks, Number.NaN)).toBe("the last tick was more than 48 hours ago");
});

test("a tick on a clock that jumped a year ahead does not vouch for it, nor one after a long silence", () => {
  const ticks = ticking(START, 10 * DAY);
  const jumped = START + 375 * DAY;
  expect(doubtOfClock(ticksAfter(ticks, jumped), jumped)).toBe("the tick has run again for less than 48 hours");
});

test("a clock that was put back begins anew, and ticks that merely overtake each other do not", () => {
  const ticks = ticking(START, 10 * DAY);
  const { last } = ticks;
  expect(ticksAfter(ticks, last - 10 * MINUTE)).toEqual(ticks);
  expect(ticksAfter(ticks, last - 2 * HOUR)).toEqual({ last: last - 2 * HOUR, since: last - 2 * HOUR });
});

test("a day without ticks breaks nothing", () => {
  const ticks = ticking(START, 10 * DAY);
  expect(ticksAfter(ticks, ticks.last + DAY)).toEqual({ last: ticks.last + DAY, since: START });
});
