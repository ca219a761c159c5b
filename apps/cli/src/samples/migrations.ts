import type { DatabaseSync } from "node:sqlite";
import { DAY, timestamp } from "@patina/core/date";
import { insert } from "./insert.ts";

/** Letter by letter what `wrangler d1 migrations apply` runs before the first migration (wrangler 4.164). */
const D1_MIGRATIONS = `CREATE TABLE IF NOT EXISTS "d1_migrations"(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);`;

/** Records migrations as applied, the first one at `start` and one more every three weeks. */
export function recordMigrations(db: DatabaseSync, start: number, names: readonly string[]): void {
  db.exec(D1_MIGRATIONS);
  const rows = names.map((name, index) => ({ name, applied_at: sqlTimestamp(start + index * 21 * DAY) }));
  insert(db, "d1_migrations", rows);
}

/** A time as SQLite's CURRENT_TIMESTAMP writes it: UTC, a space in the middle, no milliseconds. */
export function sqlTimestamp(time: number): string {
  return timestamp(time).slice(0, 19).replace("T", " ");
}
