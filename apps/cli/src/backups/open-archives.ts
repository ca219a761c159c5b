import { statSync } from "node:fs";
import { decodeArchiveManifest } from "@patina/archive/archive-index";
import { archiveKey } from "@patina/archive/keys";
import { datesOf } from "@patina/core/week";
import { CommandError, EXIT, usageError } from "../failure.ts";
import { FolderStore } from "../store/folder-store.ts";
import { S3Store } from "../store/s3-store.ts";
import type { Store } from "../store/store.ts";
import type { BackupSource } from "./backup.ts";
import { BucketArchives } from "./bucket-archives.ts";
import { openSource } from "./open-source.ts";

/** What an archive's manifest says of it, in the API's words. */
export interface ArchiveSummary {
  readonly week: string;
  readonly backups: number;
  readonly missing: readonly { readonly date: string; readonly database: string; readonly reason: string }[];
  readonly raw_bytes: number;
  readonly stored_bytes: number;
  readonly verified_at: string;
}

/** The weekly archives of a bucket or its copy, the newest first. */
export async function archivesOf(named: string | undefined, env: NodeJS.ProcessEnv): Promise<ArchiveSummary[]> {
  const store = storeOf(named, env);
  const found: ArchiveSummary[] = [];
  for (const week of (await new BucketArchives(store).weeks()).toReversed()) {
    const text = await store.text(archiveKey({ is: "manifest", week }));
    if (text === null) continue; // deleted meanwhile
    const { backups, missing, rawBytes, object, verifiedAt } = decodeArchiveManifest(text);
    found.push({
      week,
      backups,
      missing,
      raw_bytes: rawBytes,
      stored_bytes: object.bytes,
      verified_at: verifiedAt,
    });
  }
  return found;
}

/** The backups of one week's archive alone; of a lone file where no week is named. */
export async function weekSource(
  week: string | null,
  { source, env }: { source: string | undefined; env: NodeJS.ProcessEnv },
): Promise<BackupSource> {
  if (week === null) return await openSource(source === undefined ? {} : { source }, env);
  const store = storeOf(source, env);
  const archives = new BucketArchives(store);
  if (!(await archives.weeks()).includes(week)) {
    throw new CommandError(`Cannot find the archive of ${week}: ${store.label} has none`, {
      exit: EXIT.notFound,
      hint: "patina archive list",
    });
  }
  return {
    label: `${store.label}, week ${week}`,
    async *find({ database, since = "", until = "9" }) {
      for (const date of datesOf(week).filter((day) => day >= since && day <= until)) {
        for (const backup of await archives.at(date)) {
          if (database === undefined || backup.database === database) yield backup;
        }
      }
    },
  };
}

function storeOf(named: string | undefined, env: NodeJS.ProcessEnv): Store {
  const place = named ?? env["PATINA_SOURCE"] ?? "";
  if (place.startsWith("s3:")) return S3Store.of(place, env);
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory()) return new FolderStore(place);
  throw usageError(`Cannot look for archives in "${place}"`, "Name a folder or s3://bucket with --source.");
}
