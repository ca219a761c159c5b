import { PatinaError } from "@patina/core/error";
import type { Query, ResultSet, Source, Value } from "@patina/dump/source";
import { sourceError } from "./platform-errors.ts";

/** A D1 binding as a source: a batch is one transaction. */
export function d1Source(name: string, database: D1Database): Source {
  return {
    async batch(queries) {
      if (queries.length === 0) return [];
      try {
        const results = await database.batch<Record<string, Value>>(queries.map((query) => statement(database, query)));
        return results.map(toResultSet);
      } catch (cause) {
        throw sourceError(name, cause);
      }
    },
    async bookmark() {
      try {
        // Only a session tells its bookmark, and only after a query.
        const session = database.withSession("first-primary");
        await session.prepare("SELECT 1").all();
        return session.getBookmark() ?? "";
      } catch (cause) {
        throw sourceError(name, cause);
      }
    },
  };
}

/** Whether a binding is a D1 database, as far as can be seen without asking it. */
export function isDatabase(binding: unknown): binding is D1Database {
  if (typeof binding !== "object" || binding === null) return false;
  // A service binding claims to have every method.
  return "batch" in binding && "prepare" in binding && !("fetch" in binding);
}

function statement(database: D1Database, { sql, params = [] }: Query): D1PreparedStatement {
  const prepared = database.prepare(sql);
  return params.length === 0 ? prepared : prepared.bind(...params);
}

function toResultSet({ results, meta }: D1Result<Record<string, Value>>): ResultSet {
  if (meta === undefined) throw new PatinaError("source_failed", "Cannot read the database: it gave no result");
  return { rows: results.map(Object.values), rowsRead: meta.rows_read ?? 0, sizeAfter: meta.size_after };
}
