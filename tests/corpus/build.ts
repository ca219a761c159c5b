import { DatabaseSync } from "node:sqlite";
import type { Case } from "./case.ts";

/**
 * A database of its own in memory (or at `path`) as D1 has it: foreign keys enforced, double-quoted strings allowed.
 * Running the statements of a case in it gives the same contents as running them in local D1; corpus.test.ts holds
 * the two together.
 */
export function openEmpty(path = ":memory:"): DatabaseSync {
  return new DatabaseSync(path, { enableForeignKeyConstraints: true, enableDoubleQuotedStringLiterals: true });
}

/** Runs every statement of a case. A refused one fails with the case's name, its number and its beginning. */
export function build(source: Case, path = ":memory:"): DatabaseSync {
  const database = openEmpty(path);
  for (const [i, sql] of source.sql.entries()) {
    try {
      database.exec(sql);
    } catch (cause) {
      database.close();
      throw new Error(`Cannot build ${source.name}: statement ${i + 1} of ${source.sql.length}: ${sql.slice(0, 120)}`, {
        cause,
      });
    }
  }
  return database;
}
