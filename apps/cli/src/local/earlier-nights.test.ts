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
    fire: async (_: string, time: number) => {
      fired.push(new Date(time).toISOString());
      asked.set(`nightly-${new Date(time).toISOString().slice(0, 10)}`, 0);
    },
    statusOf: async (job: string) => {
      const times = asked.get(job);
      if (times === undefined) return null;
      asked.set(job, times + 1);
      return times < 1 ? "running" : "completed";
    },
  };
}

test("backUpEarlierNights() runs the 27 nights before the last one, oldest first, each under its own time", async () => {
  const patina = fake();
  const { signal } = new AbortController();
  expect(await backUpEarlierNights(patina, { now: NOW, signal, pause })).toBe(27);
  expect(patina.fired[0]).toBe("2026-10-24T03:00:00.000Z");
  expect(patina.fired.at(-1)).toBe("2026-11-19T03:00:00.000Z");
});

test("backUpEarlierNights() leaves nights alone that have a job, and runs none once it is stopped", async () => {
  const patina = fake(["nightly-2026-11-19", "nightly-2026-10-24"]);
  const stop = new AbortController();
  expect(await backUpEarlierNights(patina, { now: NOW, signal: stop.signal, pause })).toBe(25);
  expect(patina.fired).not.toContain("2026-11-19T03:00:00.000Z");
  stop.abort();
  expect(await backUpEarlierNights(fake(), { now: NOW, signal: stop.signal, pause })).toBe(0);
});
