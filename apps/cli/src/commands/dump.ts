import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { basename, resolve } from "node:path";
import { dateOf } from "@patina/core/date";
import { DATABASE_NAME_RULE, isDatabaseName, manualJobId } from "@patina/core/job";
import { amount, bytes } from "@patina/core/wording";
import { sqliteSource } from "@patina/dump/sqlite-source";
import type { Command } from "commander";
import { checkApart, destinationOf } from "../dump/destination.ts";
import { fileDump } from "../dump/file-dump.ts";
import { uncarried } from "../dump/uncarried.ts";
import { usageError } from "../failure.ts";
import { openForReading } from "../files/sqlite-file.ts";
import { note, printData, printJson } from "../output/print.ts";
import { ProgressLine } from "../output/progress-line.ts";
import { type CommonOptions, command } from "./command.ts";
import { place } from "./values.ts";

interface DumpOptions extends CommonOptions {
  readonly to: string;
  readonly name?: string;
}

/** `patina dump`: a backup of a SQLite file, as the exporter makes one of a D1 database. */
export function dumpCommand(): Command {
  return command("dump", "Back up a SQLite file, which may be in use, exactly as a D1 database is backed up")
    .argument("<file>", "the SQLite file")
    .requiredOption("--to <place>", "a folder that mirrors the bucket, or a file that ends in .sql.gz", place)
    .option("--name <name>", "what to call the database; its file's name when absent")
    .action(async (file: string, options: DumpOptions) => {
      const database = nameOf(file, options.name);
      const db = openForReading(file);
      try {
        const now = Date.now();
        const job = manualJobId(now, randomBytes(3));
        const files = destinationOf(options.to, { kind: "manual", date: dateOf(now), job, database });
        checkApart(file, files.dump);
        // One read transaction for everything: what others write meanwhile is not seen.
        db.exec("BEGIN; SELECT count(*) FROM sqlite_schema");
        const progress = new ProgressLine(`Dumping ${database}`, { total: null });
        const manifest = await fileDump({
          database,
          environment: "local",
          job,
          source: sqliteSource(db),
          files,
          clock: Date.now,
          warnings: uncarried(db),
          onProgress: (done) => progress.show(done),
        }).finally(() => progress.end());
        for (const warning of manifest.warnings) note(`Note on ${database}: ${warning}.`);
        if (options.json) printJson({ file: files.dump, manifest });
        else printData(files.dump);
        const { rows, tables, consistency, sql, object } = manifest;
        const sizes = `${bytes(sql.bytes)} as ${bytes(object.bytes)} stored`;
        note(`${database}: ${amount(rows, "row")} in ${amount(tables.length, "table")}, ${sizes}, ${consistency}.`);
      } finally {
        db.close();
      }
    });
}

function nameOf(file: string, given: string | undefined): string {
  if (given === undefined && statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageError(`Cannot dump ${file}: it is a folder`, "Name the SQLite file in it.");
  }
  const name =
    given ??
    basename(resolve(file))
      .replace(/\.(sqlite3?|db3?)$/i, "")
      .toLowerCase();
  if (isDatabaseName(name)) return name;
  throw usageError(`Cannot name a database "${name}": a name is ${DATABASE_NAME_RULE}`, "--name shop");
}
