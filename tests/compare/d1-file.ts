import { createHash, createHmac } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Opens a database file for reading only, such as the one in which miniflare keeps a local D1 database.
 *
 * Danger: workerd writes in WAL mode, and neither closing Miniflare nor anything else moves the log into the file. A
 * small database is often wholly in `<file>-wal`, beside a main file of one empty page. Therefore
 * - never copy or move the `.sqlite` file without its `-wal` (the `-shm` is made anew), and never hash it;
 * - the folder must be writable even though the database is opened for reading, for the `-shm`;
 * - dispose of Miniflare first: what it writes later is not seen by a statement that is already running, and an open
 *   reader keeps workerd from resetting its log.
 */
export function openDatabaseFile(path: string): DatabaseSync {
  return new DatabaseSync(path, { readOnly: true, enableDoubleQuotedStringLiterals: true });
}

/** The folder below `resourcePersistencePath`, which is also the unique key of D1's Durable Object class. */
const D1_CLASS = "miniflare-D1DatabaseObject";

/**
 * The file in which miniflare keeps the D1 database of an id, below its `resourcePersistencePath`. It exists once the
 * database has been used.
 */
export function d1Path(persistence: string, databaseId: string): string {
  // workerd's id of a named object: 16 bytes of HMAC(name), 16 bytes of HMAC(those), keyed by the class's unique key.
  const key = createHash("sha256").update(D1_CLASS).digest();
  const id = createHmac("sha256", key).update(databaseId).digest().subarray(0, 16);
  const check = createHmac("sha256", key).update(id).digest().subarray(0, 16);
  return join(persistence, "d1", D1_CLASS, `${Buffer.concat([id, check]).toString("hex")}.sqlite`);
}
