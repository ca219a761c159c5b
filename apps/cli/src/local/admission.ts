import { closeSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { isInternalName, quoteName } from "@patina/dump/name";
import { virtualKind } from "@patina/dump/virtual-table";

/**
 * Copies a SQLite file to where local D1 expects a database, if D1 could hold it. SQLite's online backup makes the copy:
 * the file may be in use, and what is still in its write-ahead log comes along. The original is only read.
 *
 * @returns null, or why it cannot be a D1 database; then nothing is left at `target`
 */
export async function admit(file: string, target: string): Promise<string | null> {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${target}${suffix}`, { force: true });
  const reason = notSqlite(file) ?? (await copy(file, target)) ?? refusal(target);
  if (reason !== null) rmSync(target, { force: true });
  return reason;
}

const MAGIC = "SQLite format 3\0";

function notSqlite(file: string): string | null {
  if (statSync(file).size === 0) return null; // an empty file is SQLite's empty database
  const head = Buffer.alloc(MAGIC.length);
  const handle = openSync(file, "r");
  readSync(handle, head, 0, head.length, 0);
  closeSync(handle);
  return head.toString("latin1") === MAGIC ? null : "the file is not a SQLite database, or it is encrypted";
}

async function copy(file: string, target: string): Promise<string | null> {
  let source: DatabaseSync | null = null;
  try {
    source = new DatabaseSync(file, { readOnly: true });
    await backup(source, target, { rate: 1_000 });
    return null;
  } catch (error) {
    return `SQLite cannot read the file: ${messageOf(error)}`;
  } finally {
    source?.close();
  }
}

/** Limits of D1 (developers.cloudflare.com/d1/platform/limits). */
const MAX_COLUMNS = 100;
const MAX_ROW_BYTES = 2_000_000;
const MAX_DATABASE_BYTES = 10_000_000_000;

/** What in the copy D1 could not hold, or null. */
function refusal(file: string): string | null {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return encoding(db) ?? corruption(db) ?? size(file) ?? tables(db);
  } catch (error) {
    return `SQLite cannot read the file: ${messageOf(error)}`;
  } finally {
    db.close();
  }
}

function encoding(db: DatabaseSync): string | null {
  const name = String(db.prepare("PRAGMA encoding").get()?.["encoding"]);
  return name === "UTF-8" ? null : `its texts are ${name}; D1 has UTF-8 only`;
}

function corruption(db: DatabaseSync): string | null {
  const found = String(Object.values(db.prepare("PRAGMA integrity_check(1)").get() ?? { ok: "ok" })[0]);
  const [line = ""] = found.split("\n");
  // Rows that violate a constraint are the user's own and are carried over as they are.
  const isDamage = found !== "ok" && !/^(NULL value in|CHECK constraint failed in|non-unique entry)/.test(line);
  return isDamage ? `the file is corrupt: ${line.slice(0, 200)}` : null;
}

function size(file: string): string | null {
  return statSync(file).size <= MAX_DATABASE_BYTES ? null : "it is larger than 10 GB, which is all that D1 holds";
}

function tables(db: DatabaseSync): string | null {
  const objects = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type='table' AND sql IS NOT NULL").all();
  for (const { name, sql } of objects) {
    const table = String(name);
    if (table.toLowerCase().startsWith("_cf_")) return `table "${table}" has a name that D1 keeps for itself`;
    if (isInternalName(table)) continue;
    if (/^\s*CREATE\s+VIRTUAL\b/i.test(String(sql))) {
      if (virtualKind({ name: table, sql: String(sql) }) === "other")
        return `virtual table "${table}" uses a module that D1 does not have`;
      continue;
    }
    const reason = oneTable(db, table);
    if (reason !== null) return reason;
  }
  return null;
}

function oneTable(db: DatabaseSync, table: string): string | null {
  const columns = db.prepare("SELECT name, hidden FROM pragma_table_xinfo(?)").all(table);
  if (columns.length > MAX_COLUMNS) return `table "${table}" has ${columns.length} columns; D1 allows ${MAX_COLUMNS}`;
  const sizes = columns
    .filter(({ hidden }) => hidden === 0)
    .map(({ name }) => `ifnull(octet_length(${quoteName(table)}.${quoteName(String(name))}),0)`);
  if (sizes.length === 0) return null;
  const row = db.prepare(`SELECT max(${sizes.join("+")}) AS bytes FROM ${quoteName(table)}`).get();
  const bytes = Number(row?.["bytes"] ?? 0);
  return bytes <= MAX_ROW_BYTES ? null : `table "${table}" has a row of ${bytes} bytes; D1 allows ${MAX_ROW_BYTES}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
