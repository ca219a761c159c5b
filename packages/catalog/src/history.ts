import { BASELINE_BACKUPS, type History, type Thresholds } from "@patina/alerts/thresholds";
import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { THRESHOLDS, thresholdsOf } from "./thresholds.ts";
import { transaction } from "./transaction.ts";

const NOTHING: History = { failures: 0, sizes: [] };

/**
 * What was known of these databases before their next results: one round trip, a few rows per database.
 *
 * @returns the thresholds of now, and a function that gives a database's history
 */
export async function readHistory(
  catalog: Catalog,
  names: readonly string[],
): Promise<{ readonly thresholds: Thresholds; readonly historyOf: (database: string) => History }> {
  const list = JSON.stringify([...new Set(names)]);
  const [set, found] = await transaction(catalog, [
    THRESHOLDS,
    sql`select d.value as database,
          (select count(*) from backup_results r where r.database = d.value and r.status = 'failed'
             and r.finished_at > coalesce((select g.finished_at from backup_results g
               where g.database = d.value and g.status = 'succeeded' order by g.finished_at desc limit 1), -1)) as failures,
          (select json_group_array(raw_bytes) from (select g.raw_bytes from backup_results g
             where g.database = d.value and g.status = 'succeeded'
             order by g.finished_at desc limit ${BASELINE_BACKUPS})) as sizes
        from json_each(${list}) d`,
  ]);
  const histories = new Map<string, History>();
  for (const row of found ?? []) {
    const sizes: number[] = JSON.parse(String(row["sizes"]));
    histories.set(String(row["database"]), { failures: Number(row["failures"]), sizes });
  }
  return { thresholds: thresholdsOf(set ?? []), historyOf: (database) => histories.get(database) ?? NOTHING };
}
