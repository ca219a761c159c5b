import type { Manifest } from "@patina/archive/manifest";
import { amount, bytes, count, duration } from "@patina/core/wording";
import type { Command } from "commander";
import { findBackup, REFERENCE_HELP } from "../backups/reference.ts";
import { CommandError, EXIT } from "../failure.ts";
import { facts } from "../output/facts.ts";
import { printData, printJson } from "../output/print.ts";
import { type Column, table } from "../output/table.ts";
import { type SourceOptions, sourceCommand, sourceOf } from "./command.ts";

/** `patina show`: everything that a backup says of itself. */
export function showCommand(): Command {
  return sourceCommand("show", "Show what one backup says of itself")
    .argument("<backup>", REFERENCE_HELP)
    .action(async (argument: string, options: SourceOptions) => {
      const backup = await findBackup(argument, sourceOf(options));
      const manifest = await backup.manifest();
      if (manifest === null) {
        throw new CommandError(`Cannot show ${backup.id}: there is no manifest beside it`, {
          exit: EXIT.notFound,
          hint: `patina verify ${backup.id} reads the dump itself.`,
        });
      }
      if (options.json) printJson({ id: backup.id, manifest });
      else printData(`${describe(backup.id, manifest)}\n\n${table(manifest.tables, COLUMNS)}`);
    });
}

function describe(id: string, manifest: Manifest): string {
  const { object, sql } = manifest;
  const took = Date.parse(manifest.finishedAt) - Date.parse(manifest.startedAt);
  const lines: readonly [string, string][] = [
    ["backup", id],
    ["database", `${manifest.database} (${manifest.environment})`],
    ["job", manifest.job],
    ["started", manifest.startedAt],
    ["took", duration(took)],
    ["consistency", `${manifest.consistency}: ${MEANING[manifest.consistency]}`],
    ["rows", `${count(manifest.rows)} in ${amount(manifest.tables.length, "table")}`],
    ["raw", `${bytes(sql.bytes)} (${sql.bytes} bytes), SHA-256 ${sql.sha256}`],
    ["stored", `${bytes(object.bytes)} (${object.bytes} bytes), SHA-256 ${object.sha256}`],
    ["key", object.key],
    ...(manifest.rules?.redactions ?? []).map(({ table, column, as }): [string, string] => [
      "redacted",
      `${table}.${column}: ${REPLACED_BY[as]}`,
    ]),
    ...(manifest.rules?.excludedTables ?? []).map((name): [string, string] => ["left out", `table ${name}`]),
    ...manifest.warnings.map((warning): [string, string] => ["warning", `${warning}.`]),
  ];
  return facts(lines);
}

const REPLACED_BY = { null: "NULL instead", text: "a fixed text instead", digest: "a keyed digest instead" } as const;

const MEANING: Readonly<Record<Manifest["consistency"], string>> = {
  snapshot: "everything in it belongs to one instant",
  stable: "the database did not change while it was read",
  fuzzy: "the database changed, or may have changed, while it was read",
};

type TableEntry = Manifest["tables"][number];

const COLUMNS: readonly Column<TableEntry>[] = [
  { head: "table", value: ({ name }) => name },
  { head: "rows", value: ({ rows }) => rows, show: ({ rows }) => count(rows) },
  { head: "raw", value: ({ start, end }) => end - start, show: ({ start, end }) => bytes(end - start) },
  { head: "digest", value: ({ digest }) => digest, show: ({ digest }) => digest.slice(0, 12) },
];
