import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { CommandError, EXIT } from "../failure.ts";
import { syncFolder } from "../files/atomic-file.ts";
import { makeFolder } from "../files/new-folder.ts";
import { whenInterrupted } from "../interruption.ts";
import type { Content } from "./content.ts";
import { load } from "./load.ts";
import { type IntegrityCheck, type Proof, proofOf } from "./verdict.ts";

const SIDECARS = ["-wal", "-shm", "-journal"];

/** A SQLite file that is being made: called `.partial` until it is known to be what it should be. */
export class PartialDatabase {
  readonly path: string;
  readonly #undoFolder: () => void;
  readonly #forget: () => void;

  /** @param target the name that the file is to have in the end */
  constructor(target: string) {
    this.#undoFolder = makeFolder(dirname(target));
    this.path = `${target}.${process.pid}.partial`;
    removeDatabase(this.path);
    this.#forget = whenInterrupted(() => {
      this.#remove();
      return null;
    });
  }

  /** Makes the database and proves it. Leaves nothing behind when it cannot be made. */
  async fill(options: {
    content: Content;
    check: IntegrityCheck;
    onProgress: (bytes: number) => void;
    /** That of the database which this one is to be copied into. */
    pageSize?: number;
  }): Promise<Proof> {
    try {
      const db = openUnjournalled(this.path, { pageSize: options.pageSize ?? 4_096 });
      try {
        if (options.content.tables !== null) db.exec("BEGIN");
        await load(db, options);
        if (db.isTransaction) db.exec("COMMIT");
        return await proofOf(db, options);
      } finally {
        db.close();
      }
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** Gives the file its name. */
  finish(target: string): void {
    const handle = openSync(this.path, "r");
    fsyncSync(handle);
    closeSync(handle);
    renameSync(this.path, target);
    syncFolder(dirname(target));
    this.#forget();
  }

  /**
   * Puts the contents into a database that exists, in one transaction of SQLite's online backup: whoever has it open sees
   * either the old or the new. Then this file is gone.
   */
  async copyInto(target: string): Promise<void> {
    const db = new DatabaseSync(this.path, { ...OPTIONS, readOnly: true });
    try {
      await backup(db, target, { rate: ALL_PAGES });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CommandError(`Cannot replace ${target}: SQLite says "${reason}", and nothing was changed`, {
        exit: EXIT.conflict,
        hint: "Stop what uses the database, then run the command again.",
        cause,
      });
    } finally {
      db.close();
      this.discard();
    }
  }

  /** Leaves nothing behind. */
  discard(): void {
    this.#remove();
    this.#forget();
  }

  /** Leaves the file as it is, under the name that says that it is not whole. */
  keep(): void {
    this.#forget();
  }

  #remove(): void {
    removeDatabase(this.path);
    this.#undoFolder();
  }
}

const OPTIONS = { enableForeignKeyConstraints: false, enableDoubleQuotedStringLiterals: true } as const;

/**
 * Opens a new database that nobody needs until it is complete: without a journal, and without an fsync before the end.
 * What fails half-way is thrown away.
 */
export function openUnjournalled(path: string, { pageSize }: { pageSize: number }): DatabaseSync {
  // SQLite would not say why it cannot make a file.
  closeSync(openSync(path, "wx"));
  // Newer Nodes open databases so that nobody can break them, and SQLite then refuses to be without a journal.
  const db = new DatabaseSync(path, { ...OPTIONS, defensive: false });
  db.exec(`PRAGMA page_size=${pageSize}`);
  db.exec("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536");
  if ("enableDefensive" in db) db.enableDefensive(true);
  return db;
}

/** Pages copied in one step: more than a database can have, so that nobody gets a word in. */
const ALL_PAGES = 2 ** 30;

/** Removes a database that is to be made anew, with its logs, which would be taken for the new one's. */
export function removeDatabase(path: string): void {
  for (const suffix of ["", ...SIDECARS]) rmSync(`${path}${suffix}`, { force: true });
}

/**
 * Makes sure that a file of this name can be made.
 *
 * @throws {CommandError} exit 11 when the logs of another database lie there
 */
export function checkLogs(path: string): void {
  const left = SIDECARS.map((suffix) => `${path}${suffix}`).find((file) => existsSync(file));
  if (left === undefined || existsSync(path)) return;
  throw new CommandError(`Cannot restore to ${path}: ${left} of an earlier database is still there`, {
    exit: EXIT.conflict,
    hint: "SQLite would take it for the new database's. Remove it, or choose another name.",
  });
}
