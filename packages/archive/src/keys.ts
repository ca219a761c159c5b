import { isDate } from "@patina/core/date";
import { isDatabaseName, isJobId } from "@patina/core/job";
import { isWeek } from "@patina/core/week";

/** Which backup an object in the bucket belongs to. The date is the job's, in UTC. */
export type BackupRef =
  | { readonly kind: "daily"; readonly date: string; readonly database: string }
  | { readonly kind: "manual"; readonly date: string; readonly job: string; readonly database: string };

/** The backup that a task of a nightly or a manual job makes. */
export function refOfTask(task: { jobKind: string; date: string; job: string; database: string }): BackupRef {
  const { jobKind, date, job, database } = task;
  return jobKind === "manual" ? { kind: "manual", date, job, database } : { kind: "daily", date, database };
}

const DUMP = ".sql.gz";
const MANIFEST = ".manifest.json";

/** `daily/2026-11-20/shop.sql.gz` or `manual/2026-11-20/<job>/shop.sql.gz` */
export function dumpKey(ref: BackupRef): string {
  return `${folder(ref)}/${ref.database}${DUMP}`;
}

/** The manifest beside the dump. */
export function manifestKey(ref: BackupRef): string {
  return `${folder(ref)}/${ref.database}${MANIFEST}`;
}

/** What an export that goes on in another invocation has left behind. */
export function checkpointKey({ job, database }: { job: string; database: string }): string {
  return `scratch/${job}/${database}.checkpoint`;
}

const CHECKPOINT_KEY = /^scratch\/([^/]+)\/([^/]+)\.checkpoint$/;

/** The task of a checkpoint's key; null for any other key. The inverse of checkpointKey(). */
export function parseCheckpointKey(key: string): { readonly job: string; readonly database: string } | null {
  const [, job = "", database = ""] = CHECKPOINT_KEY.exec(key) ?? [];
  return isJobId(job) && isDatabaseName(database) ? { job, database } : null;
}

function folder(ref: BackupRef): string {
  return ref.kind === "daily" ? `daily/${ref.date}` : `manual/${ref.date}/${ref.job}`;
}

/** What a key is; null for one that Patina does not write. The inverse of dumpKey() and manifestKey(). */
export function parseKey(key: string): { readonly ref: BackupRef; readonly is: "dump" | "manifest" } | null {
  const is = key.endsWith(DUMP) ? "dump" : key.endsWith(MANIFEST) ? "manifest" : null;
  if (is === null) return null;
  const [kind, date = "", ...rest] = key.slice(0, -(is === "dump" ? DUMP : MANIFEST).length).split("/");
  const database = rest.at(-1) ?? "";
  if (!isDate(date) || !isDatabaseName(database)) return null;
  if (kind === "daily" && rest.length === 1) return { is, ref: { kind, date, database } };
  const [job = ""] = rest;
  if (kind === "manual" && rest.length === 2 && isJobId(job)) return { is, ref: { kind, date, job, database } };
  return null;
}

/** `daily/2026-11-20/SHA256SUMS`: the digests of that date's objects, for `sha256sum -c`. */
export function sumsKey(date: string): string {
  return `daily/${date}/SHA256SUMS`;
}

const SUMS_KEY = /^daily\/([^/]+)\/SHA256SUMS$/;

/** The date of a SHA256SUMS; null for any other key. The inverse of sumsKey(). */
export function parseSumsKey(key: string): string | null {
  const [, date = ""] = SUMS_KEY.exec(key) ?? [];
  return isDate(date) ? date : null;
}

/** An object of a weekly archive: the archive itself, its manifest, or a page of its index. */
export type ArchiveRef =
  | { readonly is: "archive" | "manifest"; readonly week: string }
  | { readonly is: "page"; readonly week: string; readonly number: number };

/** `weekly/2026-W47.tar.gz`, `weekly/2026-W47.manifest.json` or `weekly/2026-W47.index-0000.json` */
export function archiveKey(ref: ArchiveRef): string {
  switch (ref.is) {
    case "archive":
      return `weekly/${ref.week}.tar.gz`;
    case "manifest":
      return `weekly/${ref.week}.manifest.json`;
    case "page":
      return `weekly/${ref.week}.index-${String(ref.number).padStart(4, "0")}.json`;
  }
}

const ARCHIVE_KEY = /^weekly\/(\d{4}-W\d{2})\.(?:(tar\.gz)|(manifest\.json)|index-(\d{4,})\.json)$/;

/** What object of an archive a key is; null for any other key. The inverse of archiveKey(). */
export function parseArchiveKey(key: string): ArchiveRef | null {
  const [, week = "", archive, manifest, page] = ARCHIVE_KEY.exec(key) ?? [];
  if (!isWeek(week)) return null;
  if (page === undefined) return { is: archive === undefined ? "manifest" : "archive", week };
  const ref: ArchiveRef = { is: "page", week, number: Number(page) };
  return archiveKey(ref) === key && (archive ?? manifest) === undefined ? ref : null;
}
