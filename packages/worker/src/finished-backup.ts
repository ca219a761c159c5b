import { type BackupRef, manifestKey } from "@patina/archive/keys";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import { PatinaError } from "@patina/core/error";
import { bucketError } from "./bucket-error.ts";

/** A backup that exists: its manifest, and where that lies. */
export interface Backup {
  readonly key: string;
  readonly manifest: Manifest;
}

/**
 * The backup of a task, if some delivery of it has finished one: its manifest is there, of this job and generation, and
 * the object it names is still the one it was written for.
 *
 * @throws {PatinaError} `bucket_unavailable`
 */
export async function findBackup(
  bucket: R2Bucket,
  { ref, job, generation }: { ref: BackupRef; job: string; generation: number },
): Promise<Backup | null> {
  const key = manifestKey(ref);
  try {
    const stored = await bucket.get(key);
    if (stored === null) return null;
    const manifest = decodeManifest(await stored.text());
    if (manifest.job !== job || manifest.generation !== generation) return null;
    const object = await bucket.head(manifest.object.key);
    return object?.etag === manifest.object.etag ? { key, manifest } : null;
  } catch (cause) {
    // An unreadable manifest is no backup; it is written again.
    if (cause instanceof PatinaError && cause.code === "manifest_invalid") return null;
    throw bucketError(key, cause);
  }
}
