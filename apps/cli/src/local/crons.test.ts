import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startCrons } from "./crons.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** What is fired between two moments. */
async function firedBetween(from: string, to: string): Promise<string[]> {
  vi.setSystemTime(new Date(from));
  const fired: string[] = [];
  const stop = startCrons(
    { fire: async (cron, time) => void fired.push(`${cron} ${new Date(time).toISOString()}`) },
    {
      onError(error) {
        throw error;
      },
    },
  );
  await vi.advanceTimersByTimeAsync(Date.parse(to) - Date.parse(from));
  stop();
  return fired;
}

test("startCrons() fires the nightly at 03:00 UTC under exactly that time, and the tick every five minutes", async () => {
  expect(await firedBetween("2026-11-20T02:58:30Z", "2026-11-20T03:06:00Z")).toEqual([
    "nightly 2026-11-20T03:00:00.000Z",
    "tick 2026-11-20T03:00:00.000Z",
    "tick 2026-11-20T03:05:00.000Z",
  ]);
});

test("startCrons() fires the weekly on Sunday, which Cloudflare counts as 1 and others as 0", async () => {
  const saturday = await firedBetween("2026-11-21T03:58:00Z", "2026-11-21T04:02:00Z");
  const sunday = await firedBetween("2026-11-22T03:58:00Z", "2026-11-22T04:02:00Z");
  expect(saturday.filter((line) => line.startsWith("weekly"))).toEqual([]);
  expect(sunday.filter((line) => line.startsWith("weekly"))).toEqual(["weekly 2026-11-22T04:00:00.000Z"]);
});

test("startCrons() fires nothing once it is stopped", async () => {
  const fired: string[] = [];
  vi.setSystemTime(new Date("2026-11-20T02:59:00Z"));
  startCrons({ fire: async (cron) => void fired.push(cron) }, { onError: () => undefined })();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(fired).toEqual([]);
});
