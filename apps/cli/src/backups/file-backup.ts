import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { decodeManifest } from "@patina/archive/manifest";
import { fileBytes } from "../store/folder-store.ts";
import type { Backup } from "./backup.ts";

const DUMP = ".sql.gz";

/** Says whether an argument names a file rather than a backup of a source. */
export function isDumpFile(argument: string): boolean {
  return argument.endsWith(DUMP) && existsSync(argument) && statSync(argument).isFile();
}

/** A `.sql.gz` by itself, with the manifest beside it if there is one. */
export function fileBackup(path: string): Backup {
  const beside = `${path.slice(0, -DUMP.length)}.manifest.json`;
  return {
    id: path,
    database: basename(path, DUMP),
    date: null,
    stored: fileBytes(path),
    size: async () => statSync(path, { throwIfNoEntry: false })?.size ?? null,
    manifest: async () => (existsSync(beside) ? decodeManifest(readFileSync(beside, "utf8")) : null),
  };
}
