import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Manifest } from "@patina/archive/manifest";
import { readBack } from "@patina/archive/read-back";
import { PatinaError } from "@patina/core/error";
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
  try {
    checkRoom(dirname(path), { required: required - file.length, what: "download" });
    await fill(file, request);
    if (await isWhole(file, manifest)) return { file, resumedFrom };
    if (resumedFrom > 0) {
      // What was left may have been written to by something else.
      file.restart();
      await fill(file, request);
      if (await isWhole(file, manifest)) return { file, resumedFrom: 0 };
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
  throw new PatinaError("backup_damaged", `Cannot download ${backup.id}: what arrived is not what its manifest says`);
}

async function fill(file: ResumableFile, { backup, onProgress }: DownloadRequest): Promise<void> {
  for await (const bytes of streamOf(backup.stored, file.length)) {
    file.write(bytes);
    onProgress(file.length);
  }
}

/** Whether all digests of a file are those of its manifest, read from the disk. */
async function isWhole({ partial }: ResumableFile, { object, sql }: Manifest): Promise<boolean> {
  try {
    const { digests } = await readBack(createReadStream(partial), { key: object.key, body: sql.body });
    return digests.stored === object.sha256 && digests.raw === sql.sha256 && digests.body === sql.body.sha256;
  } catch (error) {
    if (error instanceof PatinaError && error.code === "backup_damaged") return false;
    throw error;
  }
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
