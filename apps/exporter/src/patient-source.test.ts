import { PatinaError } from "@patina/core/error";
import type { Source } from "@patina/dump/source";
import { expect, test } from "vitest";
import { Budget } from "./budget.ts";
import { patientSource } from "./patient-source.ts";

/** Fails with these errors, one a call, and then answers. */
function failing(errors: readonly Error[]) {
  const left = [...errors];
  const slept: number[] = [];
  const budget = new Budget({ until: 1, queries: 1_000 }, () => 0);
  const source: Source = {
    async batch() {
      const error = left.shift();
      if (error !== undefined) throw error;
      return [{ rows: [[1]], rowsRead: 1 }];
    },
  };
  const sleep = async (milliseconds: number) => void slept.push(milliseconds);
  return { source: patientSource(source, { budget, sleep, random: () => 0.5 }), slept, budget };
}

const lost = new PatinaError("source_unreachable", "Network connection lost.");
const busy = new PatinaError("source_overloaded", "D1 DB is overloaded.");

test("a passing failure is waited out, longer each time, and every query sent is counted", async () => {
  const { source, slept, budget } = failing([lost, busy, lost]);
  expect(await source.batch([{ sql: "SELECT 1" }])).toEqual([{ rows: [[1]], rowsRead: 1 }]);
  expect(slept).toEqual([200, 1_000, 4_000]);
  expect(budget.queries).toBe(4);
});

test("a failure that goes on is the attempt's", async () => {
  const { source, slept } = failing([lost, lost, lost, lost]);
  await expect(source.batch([{ sql: "SELECT 1" }])).rejects.toBe(lost);
  expect(slept).toHaveLength(3);
});

test("a failure that another try cannot help is not tried again", async () => {
  const wrong = new PatinaError("source_failed", "no such table: t");
  const { source, slept } = failing([wrong]);
  await expect(source.batch([{ sql: "SELECT 1" }])).rejects.toBe(wrong);
  expect(slept).toEqual([]);
});
