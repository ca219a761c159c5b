import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { internalNameSql } from "@patina/dump/name";
import { databaseNamed, readProject } from "../wrangler/project.ts";

/** Where a wrangler project keeps a local D1 database, and whether anything is in it. */
export interface LocalD1 {
  readonly path: string;
  readonly isEmpty: boolean;
}

/**
 * Finds a local D1 database of a wrangler project by its name or binding.
 *
 * @throws {CommandError} exit 2 or 10 when there is no such project or database
 */
export async function findLocalD1(project: string, name: string): Promise<LocalD1> {
  const { localFile } = databaseNamed(await readProject(project), name);
  return { path: localFile, isEmpty: !existsSync(localFile) || isEmpty(localFile) };
}

/** Whether a database has nothing of its own: workerd makes the file, with tables of its own, on first use. */
function isEmpty(file: string): boolean {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare(`SELECT 1 FROM sqlite_schema WHERE NOT ${internalNameSql("name")} LIMIT 1`).get() === undefined;
  } catch {
    return false; // whatever it is, it is something
  } finally {
    db.close();
  }
}
