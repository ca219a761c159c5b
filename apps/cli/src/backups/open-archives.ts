import { statSync } from "node:fs";
import { decodeArchiveManifest } from "@patina/archive/archive-index";
import { archiveKey } from "@patina/archive/keys";
import { datesOf } from "@patina/core/week";
import { apiArchives, archiveContent } from "../api/archives.ts";
import { ApiClient } from "../api/client.ts";
import { choose } from "../choice.ts";
import { usageError } from "../failure.ts";
import { FolderStore } from "../store/folder-store.ts";
import { S3Store } from "../store/s3-store.ts";
import type { Store } from "../store/store.ts";
import { ApiBackups } from "./api-backups.ts";
import type { Backup, BackupFilter, BackupSource } from "./backup.ts";
import { BucketArchives } from "./bucket-archives.ts";
import type { Place } from "./open-source.ts";

/** What an archive's manifest says of it, in the API's words. */
export interface ArchiveSummary {
  readonly week: string;
  readonly backups: number;
  readonly missing: readonly { readonly date: string; readonly database: string; readonly reason: string }[];
  readonly raw_bytes: number;
  readonly stored_bytes: number;
  readonly verified_at: string | null;
}

/** The weekly archives of a place. */
export interface Archives {
  /** How people know the place, for messages. */
  readonly label: string;
  /** The newest first. */
  list(): Promise<ArchiveSummary[]>;
  /**
   * The backups of one archive alone.
   *
   * @param typed a week, the beginning of one, or `latest`
   * @throws {CommandError} exit 10 when there is no such archive
   */
  week(typed: string): Promise<BackupSource>;
}

/**
 * Opens the place that is named, as openSource() does, for its archives.
 *
 * @throws {CommandError} exit 2 when it is none that has archives
 */
export function openArchives({ source, api }: Place, env: NodeJS.ProcessEnv): Archives {
  if (source !== undefined && api !== undefined) {
    throw usageError("Cannot read from two places", "Name it once: with --source, or with --api.");
  }
  const place = api ?? source ?? env["PATINA_SOURCE"] ?? "";
  if (place.startsWith("s3:")) return storedArchives(S3Store.of(place, env));
  if (/^https?:/.test(place) || api !== undefined || (place === "" && ApiClient.isKnown(env))) {
    return apiArchivesOf(ApiClient.of(env, place === "" ? undefined : place));
  }
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory()) return storedArchives(new FolderStore(place));
  throw usageError(`Cannot look for archives in "${place}"`, "Name a folder or s3://bucket with --source, or --api.");
}

/** Those of a bucket or a copy of it, read through their manifests and indexes. */
function storedArchives(store: Store): Archives {
  const archives = new BucketArchives(store);
  const newestFirst = async () => (await archives.weeks()).toReversed();
  return {
    label: store.label,
    async list() {
      const found: ArchiveSummary[] = [];
      for (const week of await newestFirst()) {
        const text = await store.text(archiveKey({ is: "manifest", week }));
        if (text === null) continue; // deleted meanwhile
        const { backups, missing, rawBytes, object, verifiedAt } = decodeArchiveManifest(text);
        const sizes = { raw_bytes: rawBytes, stored_bytes: object.bytes };
        found.push({ week, backups, missing, ...sizes, verified_at: verifiedAt });
      }
      return found;
    },
    async week(typed) {
      const week = weekMeant(typed, await newestFirst());
      return weekSource(week, { label: store.label, find: (filter) => inWeek(archives, { week, filter }) });
    },
  };
}

async function* inWeek(
  archives: BucketArchives,
  { week, filter }: { week: string; filter: BackupFilter },
): AsyncGenerator<Backup> {
  const { database, since = "", until = "9" } = filter;
  for (const date of datesOf(week).filter((day) => day >= since && day <= until)) {
    for (const backup of await archives.at(date)) {
      if (database === undefined || backup.database === database) yield backup;
    }
  }
}

/** Those that a running Patina has. */
function apiArchivesOf(api: ApiClient): Archives {
  const backups = new ApiBackups(api);
  return {
    label: api.url,
    async list() {
      const found: ArchiveSummary[] = [];
      for (const { week, backups: held, raw_bytes, bytes, verified_at } of (await apiArchives(api)) ?? []) {
        const { missing } = await archiveContent(api, { week });
        found.push({ week, backups: held, missing, raw_bytes, stored_bytes: bytes, verified_at });
      }
      return found;
    },
    async week(typed) {
      const weeks = ((await apiArchives(api)) ?? []).map(({ week }) => week);
      const week = weekMeant(typed, weeks);
      return weekSource(week, { label: api.url, find: (filter) => backups.week(week, filter) });
    },
  };
}

function weekMeant(typed: string, weeks: readonly string[]): string {
  const [newest = ""] = weeks;
  return choose(typed === "latest" ? newest : typed, { names: weeks, thing: "archive" });
}

function weekSource(week: string, { label, find }: Pick<BackupSource, "label" | "find">): BackupSource {
  return { label: `${label}, week ${week}`, find };
}
