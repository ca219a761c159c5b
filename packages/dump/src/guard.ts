import { isFleeting } from "./expression.ts";
import { quoteName } from "./name.ts";
import { type Range, whereOf } from "./range.ts";
import type { Table } from "./schema.ts";
import { columns, type Query } from "./source.ts";
import { qualified } from "./table-columns.ts";
import { tree } from "./tree.ts";

/**
 * Rows that a restore cannot simply insert: rows that violate a CHECK (it was added later, or switched off), and rows of
 * which a generated column cannot be computed (it was added later). The guard is an SQL condition that such rows do not
 * pass; evaluating it may also fail, which means the same.
 */

/** What is wrong with a row: null when nothing is. */
export type Trouble = "check" | "generated" | null;

/** The condition that every ordinary row passes, or null when the table has nothing that could fail. */
export function guardOf(table: Table): string | null {
  const parts = [checks(table), generated(table)].filter((part) => part !== null);
  return parts.length === 0 ? null : tree(parts, " AND ");
}

/** A CHECK holds unless it is false: NULL counts as true. */
function checks(table: Table): string | null {
  const lasting = table.checks.filter((check) => !isFleeting(check));
  if (lasting.length === 0) return null;
  return tree(
    lasting.map((check) => `((${check}) IS NOT FALSE)`),
    " AND ",
  );
}

/** Whether a table has a CHECK of which nobody can say whether a row will satisfy it when it is restored. */
export function hasFleetingCheck({ checks: all }: Table): boolean {
  return all.some(isFleeting);
}

/** Computes every generated column, and is always true. */
function generated(table: Table): string | null {
  if (table.generated.length === 0) return null;
  return tree(
    table.generated.map((name) => `(typeof(${qualified(table, name)}) IS NOT NULL)`),
    " AND ",
  );
}

/** Asks of rows whether they pass one part of the guard: each in a query of its own, because it may raise an error. */
export function troubleQueries(table: Table, range: Range): { check: Query | null; generated: Query | null } {
  const { where, params, offset } = whereOf(table, range);
  const ask = (part: string | null): Query | null => {
    if (part === null) return null;
    return { sql: `SELECT ${columns([part])} FROM ${quoteName(table.name)} ${where} LIMIT 1 ${offset}`, params };
  };
  return { check: ask(checks(table)), generated: ask(generated(table)) };
}
