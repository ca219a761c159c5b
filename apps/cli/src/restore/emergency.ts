import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { dateOf } from "@patina/core/date";
import { isDatabaseName, manualJobId } from "@patina/core/job";
import type { Source } from "@patina/dump/source";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { fileDump } from "../dump/file-dump.ts";
import { uncarried } from "../dump/uncarried.ts";
import { makeFolder } from "../files/new-folder.ts";

/** Where emergency backups go unless told otherwise: below the current folder. */
export const EMERGENCY_FOLDER = "patina-emergency";

/** Backs up what is about to be replaced; the path of the `.sql.gz`. */
export async function emergencyBackup(options: {
  folder: string;
  database: string;
  source: Source;
  warnings: readonly string[];
}): Promise<string> {
  const { folder, source, warnings } = options;
  const database = nameFor(options.database);
  const now = Date.now();
  const ref = { kind: "manual", date: dateOf(now), job: manualJobId(now, randomBytes(3)), database } as const;
  const files = { dump: join(folder, dumpKey(ref)), manifest: join(folder, manifestKey(ref)) };
  await fileDump({
    database,
    environment: "emergency",
    job: ref.job,
    source,
    files,
    clock: Date.now,
    warnings,
    onProgress: () => undefined,
  });
  return files.dump;
}

/** Backs up a SQLite file as it is now. */
export async function emergencyOfFile(db: DatabaseSync, options: { folder: string; path: string }): Promise<string> {
  db.exec("BEGIN; SELECT count(*) FROM sqlite_schema");
  try {
    const database = basename(options.path).replace(/\.(sqlite3?|db3?)$/i, "");
    return await emergencyBackup({
      folder: options.folder,
      database,
      source: sqliteSource(db),
      warnings: uncarried(db),
    });
  } finally {
    db.exec("COMMIT");
  }
}

/** Copies a file that no database can be read from, with its logs, as it is; the path of the copy. */
export function emergencyCopy({ folder, path }: { folder: string; path: string }): string {
  const copy = join(folder, "files", manualJobId(Date.now(), randomBytes(3)), basename(path));
  makeFolder(dirname(copy));
  for (const suffix of ["", "-wal", "-journal"]) {
    if (existsSync(`${path}${suffix}`)) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
  }
  return copy;
}

function nameFor(name: string): string {
  const lower = name.toLowerCase();
  return isDatabaseName(lower) ? lower : "database";
}
