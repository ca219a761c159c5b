import type { DatabaseSync } from "node:sqlite";
import { compareRows, quoteName, readRows, type Source } from "./rows.ts";
import { isSystemTable, readObjects } from "./schema.ts";

/**
 * The differences in sqlite_sequence, sqlite_stat1 and whatever else begins with sqlite_. A table that is not there
 * equals an empty one: neither can be created by its name, and SQLite treats both alike. Where a name stands in
 * sqlite_sequence twice, the first row counts: rows of one name are compared in their order, the names in none.
 */
export function* compareSystemTables(left: DatabaseSync, right: DatabaseSync): Generator<[string, string]> {
  const before = systemTables(left);
  const after = systemTables(right);
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const columns = before.get(name) ?? after.get(name) ?? [];
    const expressions = columns.map((column) => `src.${quoteName(column)}`);
    const last = columns.length - 1; // what the row says; the columns before it name what it says that of
    const subject = expressions.slice(0, last).join(", ");
    const nth = `row_number() OVER (PARTITION BY ${subject} ORDER BY src.rowid)`;
    const source: Source = {
      from: `main.${quoteName(name)} AS src`,
      columns: [...columns, "occurrence"],
      expressions: [...expressions, nth],
      key: columns.map((_, i) => (i === last ? i + 1 : i)),
      order: `${subject}, src.rowid`,
    };
    const lines = compareRows(
      before.has(name) ? readRows(left, source) : [][Symbol.iterator](),
      after.has(name) ? readRows(right, source) : [][Symbol.iterator](),
      source,
    );
    for (const line of lines) yield [name, line];
  }
}

function systemTables(database: DatabaseSync): ReadonlyMap<string, readonly string[]> {
  return new Map(
    readObjects(database)
      .filter(isSystemTable)
      .map(({ name }) => [
        name,
        database
          .prepare(`PRAGMA main.table_info(${quoteName(name)})`)
          .all()
          .map((row) => String(row["name"])),
      ]),
  );
}
