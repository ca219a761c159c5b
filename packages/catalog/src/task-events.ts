import { and, asc, eq, inArray, sql } from "drizzle-orm";
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
