import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest } from "@patina/archive/manifest";
import { bytes, count } from "@patina/core/wording";
import { Command } from "commander";
import type { Backup, BackupSource } from "../backups/backup.ts";
import { type ArchiveSummary, openArchives } from "../backups/open-archives.ts";
import { openSource } from "../backups/open-source.ts";
import { databaseIn } from "../backups/reference.ts";
import { streamOf } from "../backups/stored-stream.ts";
import { CommandError, EXIT } from "../failure.ts";
import { AtomicFile } from "../files/atomic-file.ts";
import { note, printData, printJson } from "../output/print.ts";
import { ProgressLine } from "../output/progress-line.ts";
import { type Column, table } from "../output/table.ts";
import { type SourceOptions, sourceCommand } from "./command.ts";
import { date, place } from "./values.ts";

/** `patina archive`: the weekly archives of a source. */
export function archiveCommand(): Command {
  const archive = new Command("archive").description("List weekly archives, and take backups out of them");
  archive.addCommand(listCommand());
  archive.addCommand(extractCommand());
  return archive;
}

function listCommand(): Command {
  return sourceCommand("list", "List the weekly archives of a source, the newest first").action(
    async (options: SourceOptions) => {
      const found = await openArchives(options, process.env).list();
      if (options.json) printJson({ archives: found });
      else if (found.length > 0) printData(table(found, COLUMNS));
      if (found.length === 0) note("There are no weekly archives.");
    },
  );
}

const COLUMNS: readonly Column<ArchiveSummary>[] = [
  { head: "week", value: ({ week }) => week },
  { head: "backups", value: ({ backups }) => backups, show: ({ backups }) => count(backups) },
  { head: "missing", value: ({ missing }) => missing.length },
  { head: "raw", value: ({ raw_bytes }) => raw_bytes, show: ({ raw_bytes }) => bytes(raw_bytes) },
  { head: "stored", value: ({ stored_bytes }) => stored_bytes, show: ({ stored_bytes }) => bytes(stored_bytes) },
  { head: "verified", value: ({ verified_at }) => verified_at ?? "-" },
];

interface ExtractOptions extends SourceOptions {
  readonly to: string;
  readonly database?: string;
  readonly date?: string;
}

function extractCommand(): Command {
  return sourceCommand("extract", "Take backups out of a weekly archive, as objects of their own with their manifests")
    .argument("<archive>", "a week of the source, such as 2026-W47, the beginning of one, latest, or a weekly .tar.gz")
    .requiredOption("--to <folder>", "a folder that mirrors the bucket", place)
    .option("--database <name>", "only of this database, by its name or the beginning of it")
    .option("--date <date>", "only of this date", date)
    .action(async (archive: string, options: ExtractOptions) => {
      const source = await sourceOf(archive, options);
      const filter = {
        ...(options.database === undefined ? {} : { database: await databaseIn(source, options.database) }),
        ...(options.date === undefined ? {} : { since: options.date, until: options.date }),
      };
      const written: string[] = [];
      for await (const backup of source.find(filter)) written.push(await extract(backup, resolve(options.to)));
      if (written.length === 0) {
        throw new CommandError(`Cannot extract from ${archive}: it holds no such backup`, { exit: EXIT.notFound });
      }
      if (options.json) printJson({ files: written });
      else printData(written.join("\n"));
      note(written.length === 1 ? "1 backup." : `${count(written.length)} backups.`);
    });
}

async function sourceOf(archive: string, options: ExtractOptions): Promise<BackupSource> {
  if (/\.(tar\.gz|tgz)$/.test(archive)) return await openSource({ source: archive }, process.env);
  return await openArchives(options, process.env).week(archive);
}

/** Writes one backup under its daily key, dump first; the path of its dump. */
async function extract(backup: Backup, folder: string): Promise<string> {
  const manifest = await backup.manifest();
  if (manifest === null) throw new CommandError(`Cannot extract ${backup.id}: it has no manifest`);
  const ref = { kind: "daily", date: manifest.date, database: manifest.database } as const;
  const paths = { dump: join(folder, dumpKey(ref)), manifest: join(folder, manifestKey(ref)) };
  for (const path of Object.values(paths)) {
    if (!existsSync(path)) continue;
    throw new CommandError(`Cannot extract ${backup.id}: ${path} is there already`, {
      exit: EXIT.conflict,
      hint: "Name another folder.",
    });
  }
  const progress = new ProgressLine(`Extracting ${backup.id}`, { total: manifest.object.bytes });
  const dump = new AtomicFile(paths.dump);
  const beside = new AtomicFile(paths.manifest);
  try {
    let done = 0;
    for await (const piece of streamOf(backup.stored)) {
      dump.write(piece);
      done += piece.length;
      progress.show(done);
    }
    beside.write(Buffer.from(encodeManifest(manifest)));
    dump.finish();
    beside.finish();
    return paths.dump;
  } catch (error) {
    beside.abandon();
    dump.abandon();
    throw error;
  } finally {
    progress.end();
  }
}
