import { type ArchiveManifest, decodeArchiveManifest } from "@patina/archive/archive-index";
import { archiveKey } from "@patina/archive/keys";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";

/** What the bucket has of a week's archive, or why it is none, in words that follow the key of an object. */
export type StoredArchive =
  | { readonly is: "whole"; readonly manifest: ArchiveManifest }
  | { readonly is: "absent" }
  | { readonly is: "bad"; readonly key: string; readonly reason: string };

/** Looks whether a week's archive lies whole in the bucket: a manifest that can be read, and the object that it names. */
export async function storedArchive(week: string, bucket: R2Bucket): Promise<StoredArchive> {
  const key = archiveKey({ is: "manifest", week });
  const stored = await asking(key, () => bucket.get(key));
  if (stored === null) return { is: "absent" };
  const manifest = readable(await asking(key, () => stored.text()));
  if (manifest === null || manifest.week !== week) return { is: "bad", key, reason: "it cannot be read" };
  const { key: archive, etag } = manifest.object;
  const object = await asking(archive, () => bucket.head(archive));
  if (object === null) return { is: "bad", key: archive, reason: "it is missing" };
  if (object.etag !== etag) return { is: "bad", key: archive, reason: "it is not the one that its manifest names" };
  return { is: "whole", manifest };
}

function readable(text: string): ArchiveManifest | null {
  try {
    return decodeArchiveManifest(text);
  } catch (error) {
    if (error instanceof PatinaError && error.code === "manifest_invalid") return null;
    throw error;
  }
}
