import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** wrangler's own record of what it has applied: its `d1 migrations` commands go on with a database that is local. */
const RECORD = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`;

/**
 * Applies the migrations that a local D1 database lacks, each in a transaction of its own, as
 * `wrangler d1 migrations apply --local` does; that takes a second for each. Nobody may have the database open.
 *
 * @param file its SQLite file, which is made if it is not there
 * @param folder the `.sql` files, applied in the order of their names
 */
export function applyMigrations(file: string, folder: string): void {
  const db = new DatabaseSync(file);
  try {
    db.exec(RECORD);
    const isApplied = db.prepare("SELECT 1 FROM d1_migrations WHERE name = ?");
    const record = db.prepare("INSERT INTO d1_migrations(name) VALUES (?)");
    const names = readdirSync(folder).filter((name) => name.endsWith(".sql"));
    for (const name of names.sort()) {
      if (isApplied.get(name) !== undefined) continue;
      db.exec(`BEGIN;\n${readFileSync(join(folder, name), "utf8")}`);
      record.run(name);
      db.exec("COMMIT");
    }
  } finally {
    // What is not committed is rolled back.
    db.close();
  }
}
