import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Manifest } from "@patina/archive/manifest";
import { damageOf } from "@patina/archive/verification";
import type { Check } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import { StatementCounter } from "@patina/dump/statement-counter";
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
  const stored = counted(backup, onProgress);
  if (manifest === null) return await lone(stored);
  const damage = await damageOf(manifest, { stored, counter: new StatementCounter() });
  return damage === null ? object("passed") : object("failed", damage);
}

/** Of an object without a manifest only gzip's own checksum can be checked. */
async function lone(stored: AsyncIterable<Uint8Array>): Promise<Check> {
  const gunzip = createGunzip();
  gunzip.resume();
  try {
    await pipeline(stored, gunzip);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && String(error.code).startsWith("Z_"))) throw error;
    return object("failed", "It is not a whole gzip file");
  }
  return object("unprovable", "It is whole; without a manifest nothing says what it should be");
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
