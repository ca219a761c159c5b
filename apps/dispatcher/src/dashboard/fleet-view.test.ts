import type { FleetEntry } from "@patina/catalog/fleet";
import type { Verdict } from "@patina/core/drill";
import { STANDINGS } from "@patina/core/standing";
import fc from "fast-check";
import * as v from "valibot";
import { expect, test } from "vitest";
import { arrange, FleetQuery, type FleetRow, PAGE_SIZE, SORTS } from "./fleet-view.ts";

function row(name: string, facts: Partial<FleetRow> & Partial<FleetEntry> = {}): FleetRow {
  const { standing = "good", drill = null, ...rest } = facts;
  const entry: FleetEntry = {
    name,
    environment: "production",
    description: "",
    priority: 2,
    isEnabled: true,
    since: 0,
    good: null,
    failures: 0,
    failure: null,
    active: null,
    ...rest,
  };
  return { entry, standing, drill };
}

function good(at: number, bytes: number, ms: number) {
  return { job: "nightly-2026-11-20", consistency: "snapshot" as const, at, bytes, ms };
}

const ALL: FleetQuery = { q: "", show: "all", sort: "attention", page: 1 };

function names(rows: readonly FleetRow[], query: Partial<FleetQuery> = {}): string[] {
  return arrange(rows, { ...ALL, ...query }).rows.map(({ entry }) => entry.name);
}

test("arrange() puts the worst first, and among equals the critical", () => {
  const rows = [
    row("a"),
    row("b", { standing: "paused" }),
    row("c", { priority: 0 }),
    row("d", { standing: "overdue" }),
    row("e", { standing: "failing" }),
  ];
  expect(names(rows)).toEqual(["e", "d", "c", "a", "b"]);
});

test("arrange() sorts by age, size and duration with the most remarkable first", () => {
  const rows = [
    row("a", { good: good(30, 10, 5) }),
    row("b", { good: good(10, 20, 1) }),
    row("c"),
    row("d", { good: good(20, 5, 9) }),
  ];
  expect(names(rows, { sort: "good" })).toEqual(["c", "b", "d", "a"]);
  expect(names(rows, { sort: "size" })).toEqual(["b", "a", "d", "c"]);
  expect(names(rows, { sort: "duration" })).toEqual(["d", "a", "b", "c"]);
  expect(names(rows, { sort: "name" })).toEqual(["a", "b", "c", "d"]);
});

test("arrange() sorts by the last drill: what failed, then what was never drilled, then what was proven longest ago", () => {
  const drilled = (verdict: Verdict, at: number) => {
    return { id: "drill-1", verdict, at, reason: null, date: "2026-11-20", restoreMs: 5 };
  };
  const rows = [
    row("a", { drill: drilled("passed", 20) }),
    row("b", { drill: drilled("unprovable", 30) }),
    row("c"),
    row("d", { drill: drilled("failed", 40) }),
    row("e", { drill: drilled("flawed", 10) }),
  ];
  expect(names(rows, { sort: "drill" })).toEqual(["d", "c", "b", "e", "a"]);
});

test("arrange() finds by name and description, in any case, and by state", () => {
  const rows = [
    row("shop-eu", { description: "Orders" }),
    row("blog", { description: "Posts of the SHOP", standing: "failing" }),
    row("auth", { standing: "overdue" }),
  ];
  expect(names(rows, { q: "Shop", sort: "name" })).toEqual(["blog", "shop-eu"]);
  expect(names(rows, { show: "attention" })).toEqual(["blog", "auth"]);
  expect(names(rows, { show: "overdue" })).toEqual(["auth"]);
});

test("the pages of any fleet together hold each matching database once, whatever the order", () => {
  const Row = fc.record({
    standing: fc.constantFrom(...STANDINGS),
    priority: fc.integer({ min: 0, max: 2 }),
    good: fc.option(fc.record({ at: fc.nat(), bytes: fc.nat(), ms: fc.nat() })),
  });
  fc.assert(
    fc.property(fc.array(Row, { maxLength: 180 }), fc.constantFrom(...SORTS), (facts, sort) => {
      const rows = facts.map(({ good: found, ...rest }, i) =>
        row(`db-${i}`, { ...rest, good: found === null ? null : good(found.at, found.bytes, found.ms) }),
      );
      const { pages } = arrange(rows, { ...ALL, sort });
      const seen = Array.from({ length: pages }, (_, i) => names(rows, { sort, page: i + 1 }));
      expect(seen.every((page) => page.length <= PAGE_SIZE)).toBe(true);
      expect(seen.flat().sort()).toEqual(rows.map(({ entry }) => entry.name).sort());
    }),
  );
});

test("a query that makes no sense is as if it had not been asked", () => {
  const read = (query: Record<string, string>) => v.parse(FleetQuery, query);
  expect(read({})).toEqual(ALL);
  expect(read({ q: "x".repeat(65), show: "?", sort: "__proto__", page: "0" })).toEqual(ALL);
  expect(read({ q: " shop ", show: "failing", sort: "size", page: "3" })).toEqual({
    q: "shop",
    show: "failing",
    sort: "size",
    page: 3,
  });
});
