import fc from "fast-check";
import { expect, test } from "vitest";
import type { Table } from "./schema.ts";
import { orderTables } from "./table-order.ts";

function tables(graph: Record<string, string[]>): Table[] {
  return Object.entries(graph).map(([name, parents]) => ({
    name,
    sql: "",
    columns: [],
    key: { by: "hidden" },
    strict: false,
    generated: [],
    checks: [],
    parents,
  }));
}

function names(graph: Record<string, string[]>): string[] {
  return orderTables(tables(graph)).tables.map((table) => table.name);
}

test("orderTables() keeps the order of definition where no foreign key says otherwise", () => {
  expect(names({ c: [], a: [], b: [] })).toEqual(["c", "a", "b"]);
});

test("orderTables() puts a parent before its child, whatever the case of its name, and ignores parents that are gone", () => {
  expect(names({ child: ["PARENT", "dropped"], other: [], parent: [] })).toEqual(["parent", "child", "other"]);
});

test("orderTables() takes names that differ in the case of other letters than ASCII's for two", () => {
  expect(names({ child: ["É"], É: [], é: [] })).toEqual(["É", "child", "é"]);
});

test("orderTables() names the tables of a circle, and only those", () => {
  const order = orderTables(tables({ leaf: ["a"], a: ["b"], b: ["a"], free: [] }));
  expect(order.cyclic).toEqual(["a", "b"]);
  expect(order.tables.map((table) => table.name)).toEqual(["a", "b", "leaf", "free"]);
});

test("orderTables() of its own order changes nothing: a restored database is dumped in the same order", () => {
  const once = orderTables(tables({ c: ["a"], b: ["c", "d"], a: ["b"], e: ["b"], d: [] })).tables;
  expect(orderTables(once).tables).toEqual(once);
});

test("orderTables() survives a chain of ten thousand parents", () => {
  const graph = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`t${i}`, [`t${i + 1}`]]));
  expect(names(graph).slice(0, 2)).toEqual(["t9999", "t9998"]);
});

test("orderTables() of any graph has every table once, and parents first unless they are in a circle", () => {
  const name = fc.integer({ min: 0, max: 7 }).map((i) => `t${i}`);
  const graph = fc.dictionary(name, fc.array(name, { maxLength: 3 }));
  fc.assert(
    fc.property(graph, (edges) => {
      const all = tables(edges).map((table) => ({ ...table, parents: table.parents.filter((p) => p !== table.name) }));
      const { tables: ordered, cyclic } = orderTables(all);
      expect(ordered.map((table) => table.name).sort()).toEqual(Object.keys(edges).sort());
      expect(orderTables(ordered).tables).toEqual(ordered);
      const place = new Map(ordered.map((table, index) => [table.name, index]));
      for (const table of all) {
        for (const parent of table.parents) {
          const [own, other] = [place.get(table.name) ?? 0, place.get(parent)];
          // Two tables of circles may stand either way round.
          if (other === undefined || (cyclic.includes(table.name) && cyclic.includes(parent))) continue;
          expect(other, `${parent} before ${table.name}`).toBeLessThan(own);
        }
      }
    }),
  );
});
