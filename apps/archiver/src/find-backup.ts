import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { archiveKey, manifestKey, parseKey } from "@patina/archive/keys";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import type { StoredBytes } from "@patina/archive/range-reader";
import { type FoundMember, findMember } from "@patina/catalog/archive-members";
import type { Catalog } from "@patina/catalog/catalog";
import { backupsOf } from "@patina/catalog/inventory";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import type { BackupName } from "@patina/worker/vault";

/** A backup and where its bytes are: an object of its own, or a part of a weekly archive. */
export interface StoredBackup {
  readonly from: "daily" | "manual" | "weekly";
  readonly manifest: Manifest;
  /** The object that holds the bytes, which must be the one with this etag. */
  readonly key: string;
  readonly etag: string;
  /** The stored dump is so many bytes of it, from there on. */
  readonly offset: number;
  readonly bytes: number;
  /** What is known to be wrong with it; null when nothing is. */
  readonly damage: string | null;
}

/**
 * The backup of a database on a date: the nightly, else the newest manual one, else the nightly's copy in the weekly
 * archive; a damaged one only when there is no other. Null when none of them is there, or none that the job made that is
 * asked for.
 *
 * @throws {PatinaError} `manifest_invalid` when the only one there is has a manifest that cannot be read
 */
export async function findBackup(
  name: BackupName,
  { catalog, bucket }: { catalog: Catalog; bucket: R2Bucket },
): Promise<StoredBackup | null> {
  const own = await backupsOf(catalog, name);
  const isTaken = ({ damage }: { damage: string | null }) => name.evenDamaged === true || damage === null;
  let unreadable: PatinaError | null = null;
  async function first(candidates: typeof own): Promise<StoredBackup | null> {
    for (const { key, ...about } of candidates) {
      try {
        const backup = await ownObject(key, { ...about, bucket });
        if (backup !== null) return backup;
      } catch (error) {
        if (!(error instanceof PatinaError) || error.code !== "manifest_invalid") throw error;
        unreadable ??= error;
      }
    }
    return null;
  }
  const good = await first(own.filter(isTaken));
  if (good !== null) return good;
  const archived = await archivedBackup(name, { catalog, bucket });
  if (archived !== null && isTaken(archived)) return archived;
  const damaged = (await first(own.filter((candidate) => !isTaken(candidate)))) ?? archived;
  if (damaged === null && unreadable !== null) throw unreadable;
  return damaged;
}

async function archivedBackup(
  { date, database, job }: BackupName,
  { catalog, bucket }: { catalog: Catalog; bucket: R2Bucket },
): Promise<StoredBackup | null> {
  const found = await findMember(catalog, { date, database });
  if (found === undefined) return null;
  const { member, etag } = found;
  const key = archiveKey({ is: "archive", week: member.week });
  const text = await archivedManifest(found, bucket);
  if (text === null) return null;
  const manifest = decodeManifest(text);
  if (job !== undefined && manifest.job !== job) return null;
  const damage = member.damagedAt === null ? null : `The part of "${key}" that holds it is damaged`;
  return { from: "weekly", manifest, key, etag, offset: member.offset, bytes: member.bytes, damage };
}

/**
 * The text of an archived backup's manifest; null when its archive is not there, or is another one.
 *
 * @throws {PatinaError} `backup_damaged` when it does not decompress
 */
export async function archivedManifest({ member, etag }: FoundMember, bucket: R2Bucket): Promise<string | null> {
  const key = archiveKey({ is: "archive", week: member.week });
  const zipped = await read(bucket, { key, etag, offset: member.manifestOffset, length: member.manifestBytes });
  return zipped === null ? null : unzip(key, zipped);
}

/** A backup as an object of its own; null unless its manifest is there, and the object that this names. */
async function ownObject(
  key: string,
  { kind, damage, bucket }: { kind: "daily" | "manual"; damage: string | null; bucket: R2Bucket },
): Promise<StoredBackup | null> {
  const parsed = parseKey(key);
  if (parsed === null) return null;
  const own = manifestKey(parsed.ref);
  const stored = await asking(own, () => bucket.get(own));
  if (stored === null) return null;
  const manifest = decodeManifest(await asking(own, () => stored.text()));
  const object = await asking(key, () => bucket.head(key));
  if (object === null || object.etag !== manifest.object.etag) return null;
  return { from: kind, manifest, key, etag: object.etag, offset: 0, bytes: object.size, damage };
}

/** The bytes of a stored dump, for readSql() and readTable(), wherever they are. */
export function bytesOf({ key, etag, offset, bytes }: StoredBackup, bucket: R2Bucket): StoredBytes {
  return {
    async read(from, wanted) {
      const length = Math.min(wanted, bytes - from);
      if (length <= 0) return new Uint8Array();
      const found = await read(bucket, { key, etag, offset: offset + from, length });
      if (found === null) throw new PatinaError("backup_damaged", `Cannot read "${key}": it is not there any more`);
      return found;
    },
  };
}

/** Some bytes of an object; null when it is not there or is another one. */
export async function read(
  bucket: R2Bucket,
  { key, etag, offset, length }: { key: string; etag: string; offset: number; length: number },
): Promise<Uint8Array | null> {
  const object = await asking(key, () => bucket.get(key, { onlyIf: { etagMatches: etag }, range: { offset, length } }));
  if (object === null || !("body" in object)) return null;
  return new Uint8Array(await asking(key, () => object.arrayBuffer()));
}

/** The text of a manifest out of an archive. */
export function unzip(key: string, bytes: Uint8Array): string {
  try {
    return Buffer.from(gunzipSync(bytes)).toString();
  } catch (cause) {
    throw new PatinaError("backup_damaged", `Cannot read "${key}": a manifest in it does not decompress`, { cause });
  }
}
