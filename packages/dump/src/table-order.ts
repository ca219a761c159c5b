import { components } from "./circles.ts";
import { folded } from "./name.ts";
import type { Table } from "./schema.ts";

export interface TableOrder {
  /** Every table, each after the tables its foreign keys point at; otherwise in the order of definition. */
  readonly tables: readonly Table[];
  /** Tables whose foreign keys form a circle: no order puts every parent first. */
  readonly cyclic: readonly string[];
}

/**
 * Parents before children, because a restore need not be one transaction: D1's remote import checks foreign keys as it
 * goes. The tables of a circle keep their order of definition, so that a restored database is ordered the same again.
 */
export function orderTables(tables: readonly Table[]): TableOrder {
  const byName = new Map(tables.map((table, index) => [folded(table.name), index]));
  const parents = tables.map((table) =>
    table.parents.flatMap((name) => {
      const index = byName.get(folded(name));
      return index === undefined ? [] : [index];
    }),
  );
  const circles = components(parents);
  const at = (indexes: readonly number[]) =>
    [...indexes].sort((a, b) => a - b).flatMap((index) => (tables[index] === undefined ? [] : [tables[index]]));
  return {
    tables: circles.flatMap(at),
    cyclic: at(circles.filter((circle) => circle.length > 1).flat()).map((table) => table.name),
  };
}
