import { PatinaError } from "@patina/core/error";
import { refusalOf } from "@patina/dump/refusal";
import type { Query, ResultSet, Source, Value } from "@patina/dump/source";

/** The database of a Durable Object as a source. Whoever reads it is the only one who could write to it. */
export function scratchSource(sql: SqlStorage): Source {
  return {
    isFrozen: true,
    async batch(queries) {
      try {
        return queries.map((query) => ask(sql, query));
      } catch (cause) {
        const refusal = refusalOf(cause);
        const code = refusal === "string or blob too big" ? "result_too_large" : "source_failed";
        throw new PatinaError(code, `Cannot read the scratch database: ${refusal}`, { cause });
      }
    },
  };
}

function ask(sql: SqlStorage, { sql: text, params = [] }: Query): ResultSet {
  const cursor = sql.exec(text, ...params);
  const rows = [...cursor.raw()] as unknown as Value[][];
  return { rows, rowsRead: cursor.rowsRead, sizeAfter: sql.databaseSize };
}
