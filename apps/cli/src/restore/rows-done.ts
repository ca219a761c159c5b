import { count } from "@patina/core/wording";
import type { Content } from "./content.ts";

/**
 * How many rows have been restored once so many bytes of SQL have: of a table that is under way its share. Words for a
 * progress line; undefined where nobody knows how many there are.
 */
export function rowsDone({ manifest, tables, rows, bytes }: Content, done: number): string | undefined {
  if (rows === null || bytes === null || rows === 0) return undefined;
  const so = tables === null ? rowsBefore(manifest?.tables ?? [], done) : share(done, { of: bytes, rows });
  return `${count(Math.min(rows, Math.floor(so)))} of ${count(rows)} rows`;
}

function rowsBefore(tables: readonly { rows: number; start: number; end: number }[], position: number): number {
  return tables.reduce((sum, { rows, start, end }) => sum + share(position - start, { of: end - start, rows }), 0);
}

function share(done: number, { of: all, rows }: { of: number; rows: number }): number {
  if (done <= 0) return 0;
  return done >= all ? rows : (done / all) * rows;
}
