import type { DatabaseSync } from "node:sqlite";
import { PatinaError } from "@patina/core/error";
import type { Query, ResultSet, Source, Value } from "./source.ts";

/**
 * A SQLite file as a source. The connection belongs to the caller and must be read through nothing else meanwhile; the
 * file may be in use by others: each batch is one read transaction, unless the caller has begun one, which then is all
 * of it.
 */
export function sqliteSource(db: DatabaseSync): Source {
  return {
    isFrozen: db.isTransaction,
    async batch(queries) {
      const isCallers = db.isTransaction;
      if (!isCallers) db.exec("BEGIN");
      try {
        return queries.map((query) => run(db, query));
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        const code = isTooBig(cause) ? "result_too_large" : "source_failed";
        throw new PatinaError(code, `Cannot read the database: ${reason}`, { cause });
      } finally {
        if (!isCallers) db.exec("COMMIT");
      }
    },
    // Moves when another connection has written (sqlite.org/pragma.html#pragma_data_version).
    async bookmark() {
      return String(db.prepare("PRAGMA data_version").get()?.["data_version"]);
    },
  };
}

/** SQLITE_TOOBIG (sqlite.org/rescode.html#toobig). */
function isTooBig(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 18;
}

function run(db: DatabaseSync, { sql, params = [] }: Query): ResultSet {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  // By their names: older Nodes, 24.6 for one, do not take numbered parameters in their order.
  const named = Object.fromEntries(params.map((value, i) => [`?${i + 1}`, value]));
  const rows = statement.all(named) as unknown as Value[][];
  // SQLite does not count rows read as D1 does.
  return { rows, rowsRead: 0, sizeAfter: sizeOf(db) };
}

function sizeOf(db: DatabaseSync): number {
  const pages = db.prepare("SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()").get();
  return Number(pages?.["size"] ?? 0);
}
