import { type BackupRef, dumpKey, manifestKey, parseKey } from "@patina/archive/keys";
import { decodeManifest } from "@patina/archive/manifest";
import { isDate } from "@patina/core/date";
import { isDatabaseName } from "@patina/core/job";
import type { Store } from "../store/store.ts";
import type { Backup, BackupFilter, BackupSource } from "./backup.ts";
import { BucketArchives } from "./bucket-archives.ts";

/** The backups in a bucket or a copy of it, known by their keys alone: nothing but the objects is needed. */
export class BucketBackups implements BackupSource {
  readonly label: string;
  readonly archives: BucketArchives;
  readonly #store: Store;

  constructor(store: Store) {
    this.label = store.label;
    this.#store = store;
    this.archives = new BucketArchives(store);
  }

  async *find({ database, since = "", until = "9" }: BackupFilter): AsyncGenerator<Backup> {
    if (database !== undefined && !isDatabaseName(database)) return;
    const days = [
      ...(await this.#store.folders("daily/")),
      ...(await this.#store.folders("manual/")),
      ...(await this.archives.dates()),
    ];
    const dates = [...new Set(days)].filter((day) => isDate(day) && day >= since && day <= until).sort();
    for (const date of dates.reverse()) {
      const refs = database === undefined ? await this.#all(date) : await this.#named(date, database);
      for (const ref of refs) yield bucketBackup(this.#store, ref);
      const dailies = new Set(refs.filter(({ kind }) => kind === "daily").map((ref) => ref.database));
      // What is still there as an object of its own is not looked for in the archive of its week.
      if (database !== undefined && dailies.has(database)) continue;
      for (const backup of await this.archives.at(date)) {
        const isWanted = database === undefined || backup.database === database;
        if (isWanted && !dailies.has(backup.database)) yield backup;
      }
    }
  }

  /** Everything of a date that has a manifest. */
  async #all(date: string): Promise<BackupRef[]> {
    const refs: BackupRef[] = [];
    for (const kind of ["daily", "manual"]) {
      for await (const { key } of this.#store.list(`${kind}/${date}/`)) {
        const parsed = parseKey(key);
        if (parsed?.is === "manifest") refs.push(parsed.ref);
      }
    }
    return refs.sort(inOrder);
  }

  /** The backups of one database at a date, without listing those of the others. */
  async #named(date: string, database: string): Promise<BackupRef[]> {
    const jobs = await this.#store.folders(`manual/${date}/`);
    const candidates: BackupRef[] = [
      { kind: "daily", date, database },
      ...jobs.map((job) => ({ kind: "manual", date, job, database }) as const),
    ];
    const refs: BackupRef[] = [];
    for (const ref of candidates) {
      if ((await this.#store.size(manifestKey(ref))) !== null) refs.push(ref);
    }
    return refs.sort(inOrder);
  }
}

function inOrder(left: BackupRef, right: BackupRef): number {
  if (left.kind === "manual" && right.kind === "manual" && left.job !== right.job) return left.job < right.job ? 1 : -1;
  if (left.kind !== right.kind) return left.kind === "daily" ? -1 : 1;
  return left.database < right.database ? -1 : 1;
}

/** How people name a backup that lies in the bucket. */
function backupId(ref: BackupRef): string {
  return `${ref.database}@${ref.kind === "daily" ? ref.date : ref.job}`;
}

function bucketBackup(store: Store, ref: BackupRef): Backup {
  const key = dumpKey(ref);
  return {
    id: backupId(ref),
    database: ref.database,
    date: ref.date,
    stored: store.open(key),
    size: () => store.size(key),
    async manifest() {
      const text = await store.text(manifestKey(ref));
      return text === null ? null : decodeManifest(text);
    },
  };
}
