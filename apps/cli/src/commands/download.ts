import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import { bytes } from "@patina/core/wording";
import type { Command } from "commander";
import type { Backup } from "../backups/backup.ts";
import { findBackup, REFERENCE_HELP, referenceOf } from "../backups/reference.ts";
import { fetchDump, unpack } from "../download/download.ts";
import { type Destination, destinationOf } from "../dump/destination.ts";
import { CommandError, EXIT, usageError } from "../failure.ts";
import { AtomicFile } from "../files/atomic-file.ts";
import { note, printData, printJson } from "../output/print.ts";
import { ProgressLine } from "../output/progress-line.ts";
import { type SourceOptions, sourceCommand, sourceOf } from "./command.ts";
import { date, place } from "./values.ts";

interface DownloadOptions extends SourceOptions {
  readonly to?: string;
  readonly date?: string;
  readonly backup?: string;
  readonly sql?: true;
}

/** `patina download`: a stored dump into a file, gone on with where an earlier try ended, and proven. */
export function downloadCommand(): Command {
  return sourceCommand("download", "Download a backup with its manifest, go on where it stopped, and prove it")
    .argument("<backup>", REFERENCE_HELP)
    .option("--to <place>", "a .sql.gz, or a folder that mirrors the bucket; a file in this folder when absent", place)
    .option("--date <date>", "the backup of this date, such as 2026-11-20", date)
    .option("--backup <id>", "the backup of this job, or the beginning of its id")
    .option("--sql", "the plain SQL instead, into a .sql")
    .action(async (argument: string, options: DownloadOptions) => {
      const backup = await findBackup(referenceOf(argument, options), sourceOf(options));
      const manifest = await backup.manifest();
      if (manifest === null) {
        throw new CommandError(`Cannot download ${backup.id}: it has no manifest to prove it by`, {
          exit: EXIT.notFound,
          hint: "Copy the file; patina verify reads it.",
        });
      }
      if (options.sql) await downloadSql(backup, { manifest, options });
      else await downloadStored(backup, { manifest, options });
    });
}

async function downloadStored(
  backup: Backup,
  { manifest, options }: { manifest: Manifest; options: DownloadOptions },
): Promise<void> {
  const { dump, manifest: beside } = placeOf(manifest, options.to);
  const { file, resumedFrom } = await fetched(backup, { manifest, path: dump, required: manifest.object.bytes });
  const besideIt = new AtomicFile(beside);
  try {
    besideIt.write(Buffer.from(encodeManifest(manifest)));
    file.finish(dump);
    besideIt.finish();
  } catch (error) {
    besideIt.abandon();
    throw error;
  }
  tell(backup, { options, file: dump, size: manifest.object.bytes, resumedFrom, manifest: beside });
}

async function downloadSql(
  backup: Backup,
  { manifest, options }: { manifest: Manifest; options: DownloadOptions },
): Promise<void> {
  const path = sqlPlaceOf(manifest, options.to);
  const required = manifest.object.bytes + manifest.sql.bytes;
  const { file, resumedFrom } = await fetched(backup, { manifest, path, required });
  await unpack(file.partial, { path, manifest });
  file.discard();
  tell(backup, { options, file: path, size: manifest.sql.bytes, resumedFrom, manifest: null });
}

async function fetched(
  backup: Backup,
  { manifest, path, required }: { manifest: Manifest; path: string; required: number },
): ReturnType<typeof fetchDump> {
  const progress = new ProgressLine(`Downloading ${backup.id}`, { total: manifest.object.bytes });
  const onProgress = (done: number) => progress.show(done);
  return await fetchDump({ backup, manifest, path, required, onProgress }).finally(() => progress.end());
}

/** `shop-2026-11-20`, or `shop-manual-20261120-154501-9f3a1c` */
function nameOf({ database, kind, date, job }: Manifest): string {
  return `${database}-${kind === "daily" ? date : job}`;
}

function placeOf(manifest: Manifest, to = `${nameOf(manifest)}.sql.gz`): Destination {
  const ref = parseKey(manifest.object.key)?.ref;
  if (ref === undefined) throw new CommandError(`Cannot download ${manifest.object.key}: that is no key of a backup`);
  return destinationOf(to, ref);
}

function sqlPlaceOf(manifest: Manifest, to = "."): string {
  const isFolder = statSync(to, { throwIfNoEntry: false })?.isDirectory() === true || to.endsWith("/");
  if (!isFolder && !to.endsWith(".sql")) throw usageError(`Cannot write SQL to "${to}"`, "Name a .sql or a folder.");
  const path = resolve(isFolder ? join(to, `${nameOf(manifest)}.sql`) : to);
  if (!existsSync(path)) return path;
  throw new CommandError(`Cannot write ${path}: it is there already`, {
    exit: EXIT.conflict,
    hint: "Name another file.",
  });
}

function tell(
  backup: Backup,
  done: { options: DownloadOptions; file: string; size: number; resumedFrom: number; manifest: string | null },
): void {
  const { options, file, size, resumedFrom, manifest } = done;
  if (options.json) {
    printJson({
      backup: backup.id,
      file,
      manifest_file: manifest,
      bytes: size,
      resumed_from: resumedFrom,
      proven: true,
    });
  } else printData(file);
  const resumed = resumedFrom === 0 ? "" : `, ${bytes(resumedFrom)} of which were there already`;
  note(`Downloaded ${backup.id}: ${bytes(size)}${resumed}. Its digests are those of its manifest.`);
}
