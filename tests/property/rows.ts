import { quoted } from "./names.ts";
import type { MadeTable, TableRecipe } from "./tables.ts";
import { fitted, furtherValue, NULL, type Value } from "./values.ts";

/** One statement that builds a database. `values` are bound where `?` stands, TEXT as the bytes it is given in. */
export interface Step {
  readonly sql: string;
  readonly values?: readonly Value[];
}

/** How a value stands in a statement: a TEXT is bound as bytes, because a JavaScript string is always UTF-8. */
export function mark(value: Value): string {
  return value.kind === "text" ? "CAST(? AS TEXT)" : "?";
}

/** The INSERTs of a table. Foreign keys are given values of rows that the parent has by then. */
export function inserts(table: MadeTable, { rows, furtherRows, rowids }: TableRecipe): Step[] {
  const pool = rows.flat();
  const further = Array.from({ length: furtherRows }, (_, i) =>
    table.columns.map((_, place) => furtherValue(i * 5 + place * 3, pool)),
  );
  return [...rows, ...further].map((row, i): Step => {
    const cells = new Map<string, Value>();
    if (table.rowid !== null && rowids !== null && i < 3) {
      cells.set(table.rowid, { kind: "integer", value: BigInt.asIntN(64, rowids + BigInt(i)) });
    }
    for (const [place, { name, type }] of table.columns.entries()) {
      const value = row[place % row.length] ?? NULL;
      cells.set(name, table.strict || type === "INTEGER" ? fitted(value, type) : value);
    }
    const keys = table.foreignKeys.flatMap(({ columns, parent, referenced }) =>
      columns.map((name, part) => {
        const from = `SELECT ${quoted(referenced[part] ?? "")} FROM ${quoted(parent)} LIMIT 1 OFFSET ${i % 5}`;
        return { name, sql: `(${from})` };
      }),
    );
    const names = [...cells.keys(), ...keys.map(({ name }) => name)];
    const sql = [...[...cells.values()].map(mark), ...keys.map((one) => one.sql)];
    return {
      sql: `INSERT OR IGNORE INTO ${quoted(table.name)}(${names.map(quoted).join(",")}) VALUES(${sql.join(",")})`,
      values: [...cells.values()],
    };
  });
}
