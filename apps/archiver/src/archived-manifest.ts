import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";

/** Where in which archive a manifest is. */
interface Place {
  readonly key: string;
  readonly etag: string;
  readonly manifestOffset: number;
  readonly manifestBytes: number;
}

/**
 * The manifest of a backup in an archive, read by its range; null when the archive is not there or is another one.
 *
 * @throws {PatinaError} `backup_damaged` when it does not decompress, `manifest_invalid` when it cannot be read
 */
export async function archivedManifest(bucket: R2Bucket, place: Place): Promise<Manifest | null> {
  const { key, etag, manifestOffset: offset, manifestBytes: length } = place;
  const bytes = await readRange(bucket, { key, etag, offset, length });
  return bytes === null ? null : decodeManifest(unzip(key, bytes));
}

/** Some bytes of an object; null when it is not there or is another one. */
export async function readRange(
  bucket: R2Bucket,
  { key, etag, offset, length }: { key: string; etag: string; offset: number; length: number },
): Promise<Uint8Array | null> {
  const object = await asking(key, () => bucket.get(key, { onlyIf: { etagMatches: etag }, range: { offset, length } }));
  if (object === null || !("body" in object)) return null;
  return new Uint8Array(await asking(key, () => object.arrayBuffer()));
}

function unzip(key: string, bytes: Uint8Array): string {
  try {
    return Buffer.from(gunzipSync(bytes)).toString();
  } catch (cause) {
    throw new PatinaError("backup_damaged", `Cannot read "${key}": a manifest in it does not decompress`, { cause });
  }
}
