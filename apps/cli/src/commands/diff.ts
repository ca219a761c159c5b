import { count } from "@patina/core/wording";
import { type Command, InvalidArgumentError } from "commander";
import { findBackup, REFERENCE_HELP } from "../backups/reference.ts";
import { type BackupDiff, diffBackups } from "../diff/backup-diff.ts";
import type { ChangedRow, RowDiff } from "../diff/row-diff.ts";
import type { SchemaDiff } from "../diff/schema-diff.ts";
import { EXIT } from "../failure.ts";
import { printData, printJson, tone } from "../output/print.ts";
import { ProgressLine } from "../output/progress-line.ts";
import { contentOf } from "../restore/content.ts";
import { type SourceOptions, sourceCommand, sourceOf } from "./command.ts";

interface DiffOptions extends SourceOptions {
  readonly rows: number;
}

/** `patina diff`: what changed between two backups, definitions first, then rows by their key. */
export function diffCommand(): Command {
  return sourceCommand("diff", "Compare two backups: definitions, then rows by their key; exit code 4 when they differ")
    .argument("<before>", REFERENCE_HELP)
    .argument("<after>", "the later one, named likewise")
    .option("--rows <number>", "show so many rows of each kind of change in a table", rows, 10)
    .action(async (before: string, after: string, options: DiffOptions) => {
      const source = sourceOf(options);
      const [one, other] = [await findBackup(before, source), await findBackup(after, source)];
      const contents = { before: await contentOf(one, []), after: await contentOf(other, []) };
      const progress = new ProgressLine("Comparing", { total: null });
      const onProgress = (done: number) => progress.show(done);
      const diff = await diffBackups(contents, { limit: options.rows, onProgress }).finally(() => progress.end());
      if (options.json) printJson({ before: one.id, after: other.id, equal: isEqual(diff), ...jsonOf(diff) });
      else printData(describe(diff, { before: one.id, after: other.id }));
      process.exitCode = isEqual(diff) ? EXIT.ok : EXIT.findings;
    });
}

function rows(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number <= 10_000) return number;
  throw new InvalidArgumentError("That is a number from 0 to 10000.");
}

function isEqual({ schema, tables, untold }: BackupDiff): boolean {
  const { added, removed, changed } = schema;
  return [added, removed, changed, tables, untold].every((list) => list.length === 0);
}

function jsonOf({ schema, tables, untold }: BackupDiff) {
  return { schema, tables: tables.map(({ hasSameColumns: _, ...table }) => table), untold };
}

function describe(diff: BackupDiff, { before, after }: { before: string; after: string }): string {
  if (isEqual(diff)) return `${before} and ${after} hold the same.`;
  return [
    `From ${before} to ${after}:`,
    ...schemaLines(diff.schema),
    ...diff.tables.flatMap(tableLines),
    ...diff.untold.map((name) => `~ table ${name}: its rows differ, in a way that cannot be told row by row`),
  ].join("\n");
}

function schemaLines({ added, removed, changed }: SchemaDiff): string[] {
  return [
    ...added.map(({ type, name }) => tone("good", `+ ${type} ${name}`)),
    ...removed.map(({ type, name }) => tone("bad", `- ${type} ${name}`)),
    ...changed.flatMap((pair) => [
      tone("warn", `~ ${pair.after.type} ${pair.after.name}`),
      ...indented("-", pair.before.sql),
      ...indented("+", pair.after.sql),
    ]),
  ];
}

function indented(mark: string, sql: string): string[] {
  return sql.split("\n").map((line) => `    ${mark} ${line}`);
}

function tableLines({ table, added, removed, changed, rows: some }: RowDiff): string[] {
  const counts = `${count(added)} added, ${count(removed)} removed, ${count(changed)} changed`;
  const more = added + removed + changed - some.length;
  return [
    tone("warn", `~ table ${table}: ${counts}`),
    ...some.map(rowLine),
    ...(more > 0 ? [`    ... and ${count(more)} more`] : []),
  ];
}

function rowLine({ change, key, before, after }: ChangedRow): string {
  const pairs = (literals: Readonly<Record<string, string>> | null) =>
    Object.entries(literals ?? {}).map(([name, value]) => `${name}=${short(value)}`);
  const id = pairs(key).join(", ");
  if (change === "added") return `    + ${id}: ${pairs(after).join(", ")}`;
  if (change === "removed") return `    - ${id}: ${pairs(before).join(", ")}`;
  const changes = Object.keys(after ?? {}).map(
    (name) => `${name}: ${short(before?.[name] ?? "")} -> ${short(after?.[name] ?? "")}`,
  );
  return `    ~ ${id}: ${changes.join(", ")}`;
}

/** A literal on one line, cut where it is long; `--json` has all of it. */
function short(literal: string): string {
  const line = literal.replaceAll(/\s+/g, " ");
  return line.length <= 60 ? line : `${line.slice(0, 57)}...`;
}
