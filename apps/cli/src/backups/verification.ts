import type { Manifest } from "@patina/archive/manifest";
import { readBack } from "@patina/archive/read-back";
import type { Check } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import type { Backup } from "./backup.ts";
import { streamOf } from "./stored-stream.ts";

/** Reads a stored object from end to end and compares it with what its manifest says; the words are those of a drill. */
export async function verifyObject(backup: Backup, onProgress: (bytes: number) => void): Promise<Check> {
  let manifest: Manifest | null;
  try {
    manifest = await backup.manifest();
  } catch (error) {
    const isFault =
      error instanceof PatinaError && (error.code === "manifest_invalid" || error.code === "backup_damaged");
    if (isFault) return object("failed", error.message);
    throw error;
  }
  const size = await backup.size();
  if (size === null) return object("failed", "There is a manifest, but no object");
  if (manifest !== null && size !== manifest.object.bytes) {
    return object("failed", `The object has ${size} bytes instead of ${manifest.object.bytes}`);
  }
  try {
    const body = manifest?.sql.body ?? { start: 0, end: 0 };
    const read = await readBack(counted(backup, onProgress), { key: backup.id, body });
    if (manifest === null)
      return object("unprovable", "It is whole; without a manifest nothing says what it should be");
    const { digests } = read;
    const isSame =
      digests.stored === manifest.object.sha256 &&
      digests.raw === manifest.sql.sha256 &&
      digests.body === manifest.sql.body.sha256;
    return isSame ? object("passed") : object("failed", "Its digest is not the one that the manifest says");
  } catch (error) {
    if (error instanceof PatinaError && error.code === "backup_damaged") return object("failed", error.message);
    throw error;
  }
}

function object(end: Check["end"], finding?: string): Check {
  return { name: "object", end, findings: finding === undefined ? [] : [finding] };
}

async function* counted(backup: Backup, onProgress: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const bytes of streamOf(backup.stored)) {
    yield bytes;
    done += bytes.length;
    onProgress(done);
  }
}
