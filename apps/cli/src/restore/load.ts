import type { DatabaseSync } from "node:sqlite";
import { refusalOf } from "@patina/dump/refusal";
import { CommandError } from "../failure.ts";
import { breathe } from "../interruption.ts";
import type { Content } from "./content.ts";

/**
 * Runs the SQL of a content in a database, piece by piece.
 *
 * @throws {CommandError} when SQLite refuses a statement; the text of the statement is not told, it may hold data
 */
export async function load(
  db: DatabaseSync,
  { content, onProgress }: { content: Content; onProgress: (bytes: number) => void },
): Promise<void> {
  let done = 0;
  try {
    for await (const piece of content.pieces()) {
      run(db, { piece, id: content.backup.id });
      done += piece.length;
      onProgress(done);
      await breathe();
    }
  } finally {
    // The pragma outlives a transaction that fails, and would leave a live database without its CHECK constraints.
    db.exec("PRAGMA ignore_check_constraints=OFF");
  }
}

function run(db: DatabaseSync, { piece, id }: { piece: string; id: string }): void {
  try {
    db.exec(piece);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const errcode = "errcode" in cause ? Number(cause.errcode) & 0xff : 0;
    if (errcode === SQLITE_FULL || errcode === SQLITE_IOERR) {
      throw new CommandError(`Cannot restore ${id}: there is no space left`, {
        cause,
        hint: "Free some, or restore to another disk.",
      });
    }
    throw new CommandError(`Cannot restore ${id}: SQLite says "${refusalOf(cause)}"`, { cause });
  }
}

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
