import { and, asc, gte, inArray, type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { dailyRollup } from "./schema.ts";
import { isTask, type TaskRef } from "./tasks.ts";

/** What became of one database on one day. */
export type RollupDay = typeof dailyRollup.$inferSelect;

/** How one run of a task ended, as far as the roll-up tells of it. */
export type RunEnd =
  | { readonly worst: "failed" }
  | { readonly worst: "good" | "fuzzy"; readonly bytes: number; readonly ms: number };

/** The statement that counts one run into its day, if the task is as `where` says: as long as it is open, once. */
export function rollupStatement(task: TaskRef, { end, where }: { end: RunEnd; where: SQL }): SQL {
  const isGood = end.worst !== "failed";
  return sql`insert into daily_rollup (database, day, worst, runs, good, bytes, ms)
      select database, (select date from backup_jobs where id = job_id), ${end.worst}, 1, ${isGood ? 1 : 0},
        ${isGood ? end.bytes : null}, ${isGood ? end.ms : null}
      from backup_tasks where ${isTask(task)} and ${where}
      on conflict (database, day) do update set
        worst = case when 'failed' in (worst, excluded.worst) then 'failed'
                     when 'fuzzy' in (worst, excluded.worst) then 'fuzzy' else 'good' end,
        runs = runs + 1, good = good + excluded.good,
        bytes = coalesce(excluded.bytes, bytes), ms = coalesce(excluded.ms, ms)`;
}

/** The days of some databases from `since` on, oldest first; at most one row a database and day. */
export async function rollupDays(
  catalog: Catalog,
  { names, since }: { names: readonly string[]; since: string },
): Promise<RollupDay[]> {
  return await catalog
    .select()
    .from(dailyRollup)
    .where(
      and(
        inArray(dailyRollup.database, sql`(select value from json_each(${JSON.stringify(names)}))`),
        gte(dailyRollup.day, since),
      ),
    )
    .orderBy(asc(dailyRollup.database), asc(dailyRollup.day));
}
