import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { whenInterrupted } from "../interruption.ts";
import type { Content } from "./content.ts";
import { load } from "./load.ts";
import { checkSpace } from "./space.ts";

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
  if (content.bytes !== null) checkSpace(tmpdir(), content.bytes);
  const folder = mkdtempSync(join(tmpdir(), "patina-scratch-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const forget = whenInterrupted(() => {
    remove();
    return null;
  });
  const path = join(folder, "scratch.sqlite");
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: true });
  const close = () => {
    db.close();
    remove();
    forget();
  };
  try {
    db.exec("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536");
    if (content.tables !== null) db.exec("BEGIN");
    await load(db, { content, onProgress });
    if (db.isTransaction) db.exec("COMMIT");
    return { db, path, close };
  } catch (error) {
    close();
    throw error;
  }
}
