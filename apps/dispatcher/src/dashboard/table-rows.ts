import type { Manifest } from "@patina/archive/manifest";

/** Rows of one table in a backup, and in the one before it; null where it did not exist. */
export interface TableRows {
  readonly name: string;
  readonly rows: number | null;
  readonly before: number | null;
}

type Tables = Pick<Manifest, "tables">;

/** Holds a backup's tables against those of the one before; with the tables that are gone, at the end. */
export function tableRows(newest: Tables, before: Tables | null): TableRows[] {
  const old = new Map((before ?? { tables: [] }).tables.map(({ name, rows }) => [name, rows]));
  const kept = newest.tables.map(({ name, rows }) => ({ name, rows, before: old.get(name) ?? null }));
  const names = new Set(newest.tables.map(({ name }) => name));
  const gone = [...old]
    .filter(([name]) => !names.has(name))
    .map(([name, rows]) => ({ name, rows: null, before: rows }));
  return [...kept, ...gone];
}
