import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { type BackupRef, dumpKey, manifestKey } from "@patina/archive/keys";
import { CommandError, EXIT, usageError } from "../failure.ts";

export interface Destination {
  readonly dump: string;
  readonly manifest: string;
}

const DUMP = ".sql.gz";

/**
 * Where a dump goes: `x.sql.gz` is that file, anything else a folder, in which it lies under its key as it would in the
 * bucket. What is there is never written over.
 *
 * @throws {CommandError} exit 11 when the file is there already
 */
export function destinationOf(to: string, ref: BackupRef): Destination {
  const destination = to.endsWith(DUMP) ? beside(resolve(to)) : below(resolve(to), ref);
  for (const path of [destination.dump, destination.manifest]) {
    if (!existsSync(path)) continue;
    throw new CommandError(`Cannot write ${path}: it is there already`, {
      exit: EXIT.conflict,
      hint: "Name another file, or a folder, in which every backup has a place of its own.",
    });
  }
  return destination;
}

function beside(file: string): Destination {
  return { dump: file, manifest: `${file.slice(0, -DUMP.length)}.manifest.json` };
}

function below(folder: string, ref: BackupRef): Destination {
  if (statSync(folder, { throwIfNoEntry: false })?.isFile()) {
    throw usageError(`Cannot write into ${folder}: it is a file`, "Name a folder, or a file that ends in .sql.gz.");
  }
  return { dump: join(folder, dumpKey(ref)), manifest: join(folder, manifestKey(ref)) };
}

/**
 * Refuses a destination in the folder of the database itself, or below: what loses the one loses the other.
 *
 * @throws {CommandError} exit 2
 */
export function checkApart(source: string, destination: string): void {
  const home = dirname(realpathSync(source));
  const target = real(dirname(resolve(destination)));
  if (target !== home && !target.startsWith(home.endsWith(sep) ? home : `${home}${sep}`)) return;
  throw usageError(
    `Cannot write ${destination}: it is inside the folder of ${basename(source)} itself`,
    "Choose a folder elsewhere, best on another disk: what loses the database would lose its backup.",
  );
}

/** The real path of a folder that may not exist yet. */
function real(path: string): string {
  for (let at = path, rest = ""; ; rest = join(basename(at), rest), at = dirname(at)) {
    if (existsSync(at)) return join(realpathSync(at), rest).replace(/(.)[/\\]$/, "$1");
  }
}
