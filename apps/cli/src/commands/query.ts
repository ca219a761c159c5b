import type { SQLOutputValue, StatementSync } from "node:sqlite";
import { amount } from "@patina/core/wording";
import type { Command } from "commander";
import { findBackup, REFERENCE_HELP } from "../backups/reference.ts";
import { CommandError, usageError } from "../failure.ts";
import { note, printData, printJson } from "../output/print.ts";
import { ProgressLine } from "../output/progress-line.ts";
import { table } from "../output/table.ts";
import { contentOf } from "../restore/content.ts";
import { openScratch, type Scratch } from "../restore/scratch.ts";
import { type SourceOptions, sourceCommand, sourceOf } from "./command.ts";
import { collect } from "./values.ts";

interface QueryOptions extends SourceOptions {
  readonly table: string[];
}

/** `patina query`: asks a backup something, without restoring it anywhere that stays. */
export function queryCommand(): Command {
  return sourceCommand("query", "Ask a backup something, without restoring it anywhere that stays")
    .argument("<backup>", REFERENCE_HELP)
    .argument("<sql>", "one statement that only reads, such as SELECT count(*) FROM orders")
    .option("--table <name>", "read only this table of the backup (repeatable)", collect, [])
    .action(async (argument: string, sql: string, options: QueryOptions) => {
      if (!READS.test(sql))
        throw usageError(
          "Cannot ask that: it does not only read",
          "A statement that begins with SELECT, WITH or VALUES.",
        );
      const backup = await findBackup(argument, sourceOf(options));
      const content = await contentOf(backup, options.table);
      const progress = new ProgressLine(`Reading ${backup.id}`, { total: content.bytes });
      const scratch = await openScratch(content, (done) => progress.show(done)).finally(() => progress.end());
      try {
        answer(scratch, { sql, options });
      } finally {
        scratch.close();
      }
    });
}

/** White space and comments of SQL. */
const GAP = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?(?:\*/|$))*`;

/** How a statement begins that cannot make a file: ATTACH and VACUUM INTO do, even where nothing may be written. */
const READS = new RegExp(`^${GAP}(?:SELECT|WITH|VALUES|EXPLAIN|PRAGMA)\\b`, "i");
const NOTHING = new RegExp(`^${GAP}$`);

function answer({ db }: Scratch, { sql, options }: { sql: string; options: QueryOptions }): void {
  db.exec("PRAGMA query_only=ON");
  let statement: StatementSync;
  let rows: SQLOutputValue[][];
  try {
    statement = db.prepare(sql);
    // SQLite would not even look at what follows.
    if (!NOTHING.test(sql.slice(statement.sourceSQL.length)))
      throw usageError("Cannot ask that: it is more than one statement");
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    rows = statement.all() as unknown as SQLOutputValue[][];
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError(`Cannot ask that: SQLite says "${reason}"`, "patina show <backup> lists the tables.");
  }
  const names = statement.columns().map(({ name }) => name);
  if (options.json) {
    printJson({ columns: names, rows: rows.map((row) => row.map(jsonOf)) });
    return;
  }
  if (rows.length > 0) {
    printData(
      table(
        rows,
        names.map((head, i) => ({ head, value: (row) => textOf(row[i] ?? null) })),
      ),
    );
  }
  note(`${amount(rows.length, "row")}.`);
}

/** A value in JSON: integers that a double cannot hold become text, BLOBs the literal of their bytes. */
function jsonOf(value: SQLOutputValue): string | number | null {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return blob(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return value;
}

function textOf(value: SQLOutputValue): string | number {
  if (value === null) return "NULL";
  if (value instanceof Uint8Array) return blob(value);
  return typeof value === "bigint" ? String(value) : value;
}

function blob(bytes: Uint8Array): string {
  return `X'${Buffer.from(bytes).toString("hex").toUpperCase()}'`;
}
