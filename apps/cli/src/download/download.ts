import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Manifest } from "@patina/archive/manifest";
import { damageOf } from "@patina/archive/verification";
import { PatinaError } from "@patina/core/error";
import { StatementCounter } from "@patina/dump/statement-counter";
import type { Backup } from "../backups/backup.ts";
import { streamOf } from "../backups/stored-stream.ts";
import { CommandError, explain } from "../failure.ts";
import { AtomicFile } from "../files/atomic-file.ts";
import { checkRoom } from "../restore/space.ts";
import { ResumableFile } from "./resumable-file.ts";

export interface DownloadRequest {
  readonly backup: Backup;
  readonly manifest: Manifest;
  /** Where the stored dump goes when it is complete and proven. */
  readonly path: string;
  /** Bytes that have to fit beside it in the end, this dump included. */
  readonly required: number;
  /** Told the bytes that are there. */
  readonly onProgress: (bytes: number) => void;
}

/**
 * Fetches a stored dump, going on with what an earlier try has left, and compares it with its manifest. The file does not
 * have its name yet: whoever gets it finishes or discards it.
 *
 * @throws {PatinaError} `backup_damaged` when what arrived is not what the manifest says; nothing is left of it
 * @throws {CommandError} with what was kept when the source does not answer any more
 */
export async function fetchDump(request: DownloadRequest): Promise<{ file: ResumableFile; resumedFrom: number }> {
  const { backup, manifest, path, required } = request;
  const file = new ResumableFile(path, manifest.object.sha256);
  if (file.length > manifest.object.bytes) file.restart();
  const resumedFrom = file.length;
  let damage: string | null;
  try {
    checkRoom(dirname(path), { required: required - file.length, what: "download" });
    await fill(file, request);
    damage = await damageIn(file, manifest);
    if (damage === null) return { file, resumedFrom };
    if (resumedFrom > 0) {
      // What was left may have been written to by something else.
      file.restart();
      await fill(file, request);
      damage = await damageIn(file, manifest);
      if (damage === null) return { file, resumedFrom: 0 };
    }
  } catch (cause) {
    const kept = file.keep();
    if (kept === null) throw cause;
    const { exit, message, hint } = explain(cause);
    throw new CommandError(`${message}. ${kept.replace(/\.$/, "")}`, {
      exit,
      cause,
      ...(hint === null ? {} : { hint }),
    });
  }
  file.discard();
  throw new PatinaError(
    "backup_damaged",
    `Cannot download ${backup.id}: what arrived is not what its manifest says. ${damage}`,
  );
}

async function fill(file: ResumableFile, { backup, onProgress }: DownloadRequest): Promise<void> {
  for await (const bytes of streamOf(backup.stored, file.length)) {
    file.write(bytes);
    onProgress(file.length);
  }
}

/** In what a file, read from the disk, is not what its manifest says; null when it is. */
async function damageIn({ partial }: ResumableFile, manifest: Manifest): Promise<string | null> {
  return await damageOf(manifest, { stored: createReadStream(partial), counter: new StatementCounter() });
}

/** Writes the SQL inside a dump that is whole into a file of its own. */
export async function unpack(dump: string, { path, manifest }: { path: string; manifest: Manifest }): Promise<void> {
  const file = new AtomicFile(path);
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(dump), createGunzip(), async (sql: AsyncIterable<Uint8Array>) => {
      for await (const bytes of sql) {
        hash.update(bytes);
        file.write(bytes);
      }
    });
    if (hash.digest("hex") !== manifest.sql.sha256) throw new Error(`The SQL in ${dump} changed while it was read`);
    file.finish();
  } catch (error) {
    file.abandon();
    throw error;
  }
}
