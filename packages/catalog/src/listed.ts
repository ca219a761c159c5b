import { type SQL, sql } from "drizzle-orm";

/** A list as a subquery for `in`: one parameter, however long it is. */
export function listed(values: readonly (string | number)[]): SQL {
  return sql`(select value from json_each(${JSON.stringify(values)}))`;
}
