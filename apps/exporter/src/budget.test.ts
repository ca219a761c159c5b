import { expect, test } from "vitest";
import { Budget } from "./budget.ts";

test("a budget is spent when its time has come", () => {
  let now = 1_000;
  const budget = new Budget({ until: 2_000, queries: 1_000 }, () => now);
  expect(budget.isSpent).toBe(false);
  now = 2_000;
  expect(budget.isSpent).toBe(true);
});

test("a budget is spent while queries are left for the catalog and for one more page", () => {
  const budget = new Budget({ until: 1, queries: 1_000 }, () => 0);
  budget.queries = 699;
  expect(budget.isSpent).toBe(false);
  budget.queries = 700;
  expect(budget.isSpent).toBe(true);
});

test("a budget of 50 queries, as on the free plan, still reads", () => {
  const budget = new Budget({ until: 1, queries: 50 }, () => 0);
  expect(budget.batchQueries).toBe(20);
  expect(budget.singleRows).toBe(1);
});
