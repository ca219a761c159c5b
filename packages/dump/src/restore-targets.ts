import type { RestoreTarget } from "./restore.ts";

/** What a restore needs of a D1 binding. */
interface Database<Statement> {
  prepare(sql: string): Statement;
  batch(statements: Statement[]): Promise<unknown>;
}

/** Restores into a D1 database: a batch is one transaction. */
export function d1Target<Statement>(database: Database<Statement>): RestoreTarget {
  return {
    async transaction(statements) {
      await database.batch(statements.map((sql) => database.prepare(sql)));
    },
  };
}

/** What a restore needs of a Durable Object's storage. */
interface ObjectStorage {
  readonly sql: { exec(sql: string): unknown };
  transactionSync<T>(run: () => T): T;
}

/** Restores into the SQLite database of a Durable Object. */
export function objectTarget(storage: ObjectStorage): RestoreTarget {
  return {
    async transaction(statements) {
      storage.transactionSync(() => {
        for (const sql of statements) storage.sql.exec(sql);
      });
    },
  };
}
