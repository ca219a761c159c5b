import { gunzipSync } from "node:zlib";
import { decodeManifest } from "@patina/archive/manifest";
import type { StoredBytes } from "@patina/archive/range-reader";
import { isDate } from "@patina/core/date";
import { isDatabaseName } from "@patina/core/job";
import type { Backup } from "./backup.ts";

/** A file of a weekly archive: where in it the gzip data is that holds the file. */
export interface Member {
  readonly kind: "dump" | "manifest";
  readonly date: string;
  readonly database: string;
  readonly offset: number;
  readonly stored: number;
}

/** What a path in an archive is; null for SHA256SUMS and anything else. */
export function memberAt(path: string, place: { offset: number; stored: number }): Member | null {
  const [, date = "", database = "", suffix] = /^([^/]+)\/([^/]+?)(\.sql|\.manifest\.json)$/.exec(path) ?? [];
  if (suffix === undefined || !isDate(date) || !isDatabaseName(database)) return null;
  return { kind: suffix === ".sql" ? "dump" : "manifest", date, database, ...place };
}

/** The backups whose dump and manifest are both among the members, as backups of an archive. */
export function backupsIn(archive: StoredBytes, members: readonly Member[]): Backup[] {
  const manifests = members.filter(({ kind }) => kind === "manifest");
  return members
    .filter(({ kind }) => kind === "dump")
    .flatMap((dump) => {
      const manifest = manifests.find(({ date, database }) => date === dump.date && database === dump.database);
      return manifest === undefined ? [] : [memberBackup(archive, { dump, manifest })];
    });
}

function memberBackup(archive: StoredBytes, { dump, manifest }: { dump: Member; manifest: Member }): Backup {
  return {
    id: `${dump.database}@${dump.date}`,
    database: dump.database,
    date: dump.date,
    // The dump's bytes stand in the archive as they stood in the bucket.
    stored: within(archive, dump),
    size: async () => dump.stored,
    manifest: async () => decodeManifest(await memberText(archive, manifest)),
  };
}

/** The content of a small member. */
export async function memberText(archive: StoredBytes, { offset, stored }: Pick<Member, "offset" | "stored">) {
  return gunzipSync(await archive.read(offset, stored)).toString();
}

/** Some bytes of an object as an object of its own. */
function within(bytes: StoredBytes, { offset, stored }: Pick<Member, "offset" | "stored">): StoredBytes {
  return {
    read: (from, length) => bytes.read(offset + from, Math.max(0, Math.min(length, stored - from))),
  };
}
