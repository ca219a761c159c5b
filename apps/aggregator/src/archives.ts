import { decodeArchiveManifest, lacking } from "@patina/archive/archive-index";
import type { ArchiveEnd } from "@patina/catalog/archive-closing";
import { PatinaError } from "@patina/core/error";
import type { ArchiveFinished } from "@patina/messages/message";

/** A weekly job and how it ended. */
export interface EndedArchive {
  readonly job: string;
  readonly end: ArchiveEnd;
}

/**
 * What the manifest of an archive, not the message, says of it.
 *
 * @throws {PatinaError} `manifest_invalid` when it is none, or of another job
 */
export function endedArchive(message: ArchiveFinished, text: string): EndedArchive {
  const manifest = decodeArchiveManifest(text);
  if (manifest.job !== message.job) {
    throw new PatinaError("manifest_invalid", `Cannot use manifest "${message.manifest}": it is of another job`);
  }
  const { object, digest, verifiedAt, backups, rawBytes, missing } = manifest;
  const { key, bytes, etag } = object;
  return {
    job: message.job,
    end: {
      status: "made",
      key,
      bytes,
      etag,
      digest,
      verifiedAt: Date.parse(verifiedAt),
      backups,
      missing: missing.length,
      rawBytes,
      error: lacking(manifest),
    },
  };
}
