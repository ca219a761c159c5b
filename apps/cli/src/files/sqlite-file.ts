import { closeSync, openSync, readSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { CommandError, EXIT } from "../failure.ts";

const MAGIC = "SQLite format 3\0";

/** Whether a file is a SQLite database by its first bytes; an empty file is SQLite's empty database. */
function isSqliteFile(file: string): boolean {
  if (statSync(file).size === 0) return true;
  const head = Buffer.alloc(MAGIC.length);
  const handle = openSync(file, "r");
  readSync(handle, head, 0, head.length, 0);
  closeSync(handle);
  return head.toString("latin1") === MAGIC;
}

/**
 * Opens a SQLite file for reading, with what it still has in its write-ahead log. It may be in use.
 *
 * @throws {CommandError} exit 10 when it is not there, exit 1 when it is no database that Patina can read
 */
export function openForReading(file: string): DatabaseSync {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw new CommandError(`Cannot find a file ${file}`, { exit: EXIT.notFound });
  if (!found.isFile()) throw new CommandError(`Cannot read ${file}: it is not a file`, { exit: EXIT.usage });
  if (!isSqliteFile(file)) {
    throw new CommandError(`Cannot read ${file}: it is not a SQLite database, or it is encrypted`);
  }
  const db = new DatabaseSync(file, { readOnly: true, enableDoubleQuotedStringLiterals: true, timeout: 5_000 });
  try {
    const encoding = String(db.prepare("PRAGMA encoding").get()?.["encoding"]);
    if (encoding === "UTF-8") return db;
    throw new CommandError(`Cannot read ${file}: its texts are ${encoding}, and D1 has UTF-8 only`);
  } catch (cause) {
    db.close();
    if (cause instanceof CommandError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(`Cannot read ${file}: SQLite says "${reason}"`, {
      cause,
      hint: "A database with a write-ahead log needs a folder that may be written to, for its -shm file.",
    });
  }
}
