import { quoteName } from "./name.ts";
import type { Column, KeyColumn, Table } from "./schema.ts";

/**
 * A column by its full name. A bare `"c"` that no longer exists is not an error but the text 'c': a column dropped while
 * it is read would fill the backup with its own name.
 */
export function qualified(table: Table, column: string): string {
  return `${quoteName(table.name)}.${quoteName(column)}`;
}

/** The columns that are read: the rowid where it is no column, and every stored column. */
export function readColumns(table: Table): readonly Column[] {
  if (table.key.by !== "rowid" || table.key.place !== "beside") return table.columns;
  return [{ name: table.key.name, type: "INTEGER" }, ...table.columns];
}

export function keyColumns(table: Table): readonly KeyColumn[] {
  if (table.key.by === "key") return table.key.columns;
  if (table.key.by === "rowid") return [{ name: table.key.name, collation: "BINARY", descending: false }];
  return [];
}
