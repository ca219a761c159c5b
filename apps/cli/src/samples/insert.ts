import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** Column names to values. The columns must have an affinity: node:sqlite binds every number as a REAL. */
type Row = Readonly<Record<string, SQLInputValue>>;

/** Inserts rows in their order with one prepared statement; the first row says which columns there are. */
export function insert(db: DatabaseSync, table: string, rows: readonly Row[]): void {
  const [first] = rows;
  if (first === undefined) throw new RangeError(`Cannot fill table "${table}": there are no rows`);
  const columns = Object.keys(first);
  const values = columns.map((column) => `:${column}`);
  const statement = db.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${values.join(", ")})`);
  for (const row of rows) statement.run(row);
}
