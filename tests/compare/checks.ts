import type { DatabaseSync } from "node:sqlite";
import { quoteName } from "./rows.ts";
import type { Table } from "./schema.ts";

/** What pragma foreign_key_check says of a table, or the message with which it fails. */
export function* compareForeignKeys(left: DatabaseSync, right: DatabaseSync, table: Table): Generator<string> {
  const before = foreignKeyCheck(left, table.name);
  const after = foreignKeyCheck(right, table.name);
  if (before !== after) yield `foreign_key_check said ${before}, now ${after}`;
}

function foreignKeyCheck(database: DatabaseSync, table: string): string {
  try {
    const statement = database.prepare(`PRAGMA main.foreign_key_check(${quoteName(table)})`);
    statement.setReadBigInts(true);
    const rows = statement.all().map((row) => `row ${row["rowid"]} without ${row["parent"]} (key ${row["fkid"]})`);
    if (rows.length === 0) return "ok";
    return rows.length <= 5 ? rows.join(", ") : `${rows.slice(0, 5).join(", ")} and ${rows.length - 5} more`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * What pragma integrity_check finds in the right database and does not find in the left one. CHECK constraints are not
 * tried: rows and constraints are both compared exactly, a read-only connection does not try them at all, and one that
 * fails instead of saying no ends the whole check.
 */
export function* compareIntegrity(left: DatabaseSync, right: DatabaseSync): Generator<string> {
  const after = integrity(right);
  if (after.length === 0) return;
  const before = integrity(left);
  for (const message of after) {
    const known = before.indexOf(message);
    if (known === -1) yield message;
    else before.splice(known, 1);
  }
}

function integrity(database: DatabaseSync): string[] {
  const setting = database.prepare("PRAGMA ignore_check_constraints").get()?.["ignore_check_constraints"];
  database.exec("PRAGMA ignore_check_constraints=ON");
  try {
    const rows = database.prepare("PRAGMA main.integrity_check(1000)").all();
    return rows.map((row) => String(row["integrity_check"])).filter((message) => message !== "ok");
  } finally {
    database.exec(`PRAGMA ignore_check_constraints=${setting === 1 ? "ON" : "OFF"}`);
  }
}
