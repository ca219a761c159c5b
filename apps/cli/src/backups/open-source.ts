import { statSync } from "node:fs";
import { ApiClient } from "../api/client.ts";
import { usageError } from "../failure.ts";
import { FolderStore, fileBytes } from "../store/folder-store.ts";
import { S3Store } from "../store/s3-store.ts";
import { ApiBackups } from "./api-backups.ts";
import { scanArchive } from "./archive-file.ts";
import { backupsIn } from "./archive-member.ts";
import type { Backup, BackupSource } from "./backup.ts";
import { BucketBackups } from "./bucket-backups.ts";
import { fileBackup, isDumpFile } from "./file-backup.ts";

export const SOURCE_HELP =
  "a folder mirrored from the bucket, s3://bucket/prefix, a .sql.gz, or a weekly .tar.gz (or set PATINA_SOURCE)";

/** Where a command is to read backups. */
export interface Place {
  /** What `--source` names. */
  readonly source?: string;
  /** What `--api` names. */
  readonly api?: string;
}

/**
 * Opens the place that is named, else the one of PATINA_SOURCE, else a running Patina.
 *
 * @throws {CommandError} exit 2 when there is none, or it is nothing of the kind
 */
export async function openSource({ source, api }: Place, env: NodeJS.ProcessEnv): Promise<BackupSource> {
  if (source !== undefined && api !== undefined) {
    throw usageError("Cannot read from two places", "Name it once: with --source, or with --api.");
  }
  if (api !== undefined) return new ApiBackups(ApiClient.of(env, api));
  const place = source ?? env["PATINA_SOURCE"] ?? "";
  if (place === "") {
    if (ApiClient.isKnown(env)) return new ApiBackups(ApiClient.of(env));
    throw usageError("Cannot tell where the backups are", `Name the place with --source (${SOURCE_HELP}), or --api.`);
  }
  if (/^https?:/.test(place)) return new ApiBackups(ApiClient.of(env, place));
  if (place.startsWith("s3:")) return new BucketBackups(S3Store.of(place, env));
  if (isDumpFile(place)) {
    const backup = fileBackup(place);
    return {
      label: place,
      async *find({ database }) {
        if (database === undefined || database === backup.database) yield backup;
      },
    };
  }
  if (ARCHIVE.test(place) && statSync(place, { throwIfNoEntry: false })?.isFile()) return archiveSource(place);
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory()) return new BucketBackups(new FolderStore(place));
  throw usageError(`Cannot read backups from "${place}": there is no such folder`, `A source is ${SOURCE_HELP}.`);
}

const ARCHIVE = /\.(tar\.gz|tgz)$/;

/** A weekly archive by itself: read from end to end once, to find what is where. */
function archiveSource(path: string): BackupSource {
  const archive = fileBytes(path);
  let backups: Promise<Backup[]> | null = null;
  return {
    label: path,
    async *find({ database, since = "", until = "9" }) {
      backups ??= scanArchive(archive, path).then((members) => backupsIn(archive, members));
      const newestFirst = (await backups).toSorted((one, other) => ((one.date ?? "") < (other.date ?? "") ? 1 : -1));
      for (const backup of newestFirst) {
        const date = backup.date ?? "";
        if ((database === undefined || backup.database === database) && date >= since && date <= until) yield backup;
      }
    },
  };
}
