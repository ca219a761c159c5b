import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { whenInterrupted } from "../interruption.ts";
import type { Content } from "./content.ts";
import { load } from "./load.ts";
import { checkRoom, requiredFor } from "./space.ts";
import { openUnjournalled } from "./sqlite-file.ts";

/** A backup as a database that is gone when it is closed. */
export interface Scratch {
  readonly db: DatabaseSync;
  readonly path: string;
  close(): void;
}

/**
 * Restores a content into a database in the folder for temporary files, readable by nobody else.
 *
 * @throws {CommandError} when it does not fit there
 */
export async function openScratch(content: Content, onProgress: (bytes: number) => void): Promise<Scratch> {
  if (content.bytes !== null) {
    const { least: required } = requiredFor(content.bytes);
    const hint = "Free some, or set TMPDIR to a folder on another disk.";
    checkRoom(tmpdir(), { required, what: `unpack ${content.backup.id}`, hint });
  }
  const folder = mkdtempSync(join(tmpdir(), "patina-scratch-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const forget = whenInterrupted(() => {
    remove();
    return null;
  });
  const path = join(folder, "scratch.sqlite");
  let db: DatabaseSync | null = null;
  const close = () => {
    db?.close();
    remove();
    forget();
  };
  try {
    db = openUnjournalled(path, { pageSize: 4_096 });
    if (content.tables !== null) db.exec("BEGIN");
    await load(db, { content, onProgress });
    if (db.isTransaction) db.exec("COMMIT");
    return { db, path, close };
  } catch (error) {
    close();
    throw error;
  }
}
