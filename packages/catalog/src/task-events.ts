import { and, asc, eq, gt, inArray, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { taskEvents } from "./schema.ts";

export type TaskEventRow = typeof taskEvents.$inferSelect;

/** The timelines of some tasks of a job, each in the order in which it happened. */
export async function timelines(
  catalog: Catalog,
  { job, names }: { job: string; names: readonly string[] },
): Promise<Map<string, TaskEventRow[]>> {
  const rows = await catalog
    .select()
    .from(taskEvents)
    .where(
      and(
        eq(taskEvents.jobId, job),
        inArray(taskEvents.database, sql`(select value from json_each(${JSON.stringify(names)}))`),
      ),
    )
    .orderBy(asc(taskEvents.id));
  return Map.groupBy(rows, ({ database }) => database);
}

/** What happened in a job, in order. `after` is the id of the last event of the page before. */
export async function jobEvents(
  catalog: Catalog,
  options: { job: string; database?: string | undefined; after?: number | undefined; limit: number },
): Promise<TaskEventRow[]> {
  const { job, database, after, limit } = options;
  return await catalog
    .select()
    .from(taskEvents)
    .where(
      and(
        eq(taskEvents.jobId, job),
        database === undefined ? undefined : eq(taskEvents.database, database),
        after === undefined ? undefined : gt(taskEvents.id, after),
      ),
    )
    .orderBy(asc(taskEvents.id))
    .limit(limit);
}
