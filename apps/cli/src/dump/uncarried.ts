import type { DatabaseSync } from "node:sqlite";

/** What a SQLite file may have and a dump does not carry, because D1 reveals it to nobody: a sentence each. */
export function uncarried(db: DatabaseSync): string[] {
  return ["user_version", "application_id"].flatMap((name) => {
    const value = db.prepare(`PRAGMA ${name}`).get()?.[name];
    return value === 0 ? [] : [`PRAGMA ${name}=${value} is not carried`];
  });
}
