import { expect, test } from "vitest";
import { backUpEarlierNights } from "./earlier-nights.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");

const pause = async () => undefined;

/** A local run whose jobs end the second time that somebody asks. */
function fake(there: string[] = []) {
  const fired: string[] = [];
  const asked = new Map(there.map((job) => [job, 2]));
  return {
    fired,
    fire: async (kind: string, time: number) => {
      const at = new Date(time).toISOString();
      fired.push(`${kind} ${at}`);
      asked.set(`${kind}-${at.slice(0, 10)}`, 0);
    },
    statusOf: async (job: string) => {
      const times = asked.get(job);
      if (times === undefined) return null;
      asked.set(job, times + 1);
      return times < 1 ? "running" : "completed";
    },
  };
}

test("backUpEarlierNights() runs the 27 nights before the last one and their weeks, oldest first, each under its own time", async () => {
  const patina = fake();
  const { signal } = new AbortController();
  expect(await backUpEarlierNights(patina, { now: NOW, signal, pause })).toBe(27);
  expect(patina.fired.slice(0, 4)).toEqual([
    "nightly 2026-10-24T03:00:00.000Z",
    "nightly 2026-10-25T03:00:00.000Z",
    "weekly 2026-10-25T04:00:00.000Z",
    "nightly 2026-10-26T03:00:00.000Z",
  ]);
  expect(patina.fired.at(-1)).toBe("nightly 2026-11-19T03:00:00.000Z");
  expect(patina.fired.filter((run) => run.startsWith("weekly"))).toHaveLength(4);
});

test("backUpEarlierNights() leaves nights alone that have a job, and runs none once it is stopped", async () => {
  const patina = fake(["nightly-2026-11-19", "nightly-2026-10-24"]);
  const stop = new AbortController();
  expect(await backUpEarlierNights(patina, { now: NOW, signal: stop.signal, pause })).toBe(25);
  expect(patina.fired).not.toContain("nightly 2026-11-19T03:00:00.000Z");
  stop.abort();
  expect(await backUpEarlierNights(fake(), { now: NOW, signal: stop.signal, pause })).toBe(0);
});

test("backUpEarlierNights() archives the week that ended with the last night", async () => {
  const patina = fake();
  const { signal } = new AbortController();
  await backUpEarlierNights(patina, { now: Date.parse("2026-11-22T12:00:00Z"), signal, pause });
  expect(patina.fired.at(-1)).toBe("weekly 2026-11-22T04:00:00.000Z");
});
