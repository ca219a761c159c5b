import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { findJob, type Job, type JobTask, jobTasks } from "./jobs.ts";

/** The newest backup of a database that exists. */
export interface LastGood {
  readonly job: string;
  readonly key: string;
  readonly at: number;
}

export interface JobWithTasks {
  readonly job: Job;
  readonly tasks: readonly JobTask[];
  readonly lastGood: ReadonlyMap<string, LastGood>;
}

/** A job with everything that is said about it: its tasks, their results, and what each database still has. */
export async function jobWithTasks(catalog: Catalog, id: string): Promise<JobWithTasks | undefined> {
  const job = await findJob(catalog, id);
  if (job === undefined) return undefined;
  const rows = await catalog.all<LastGood & { database: string }>(
    // Beside max(), the bare columns come from the row with the maximum.
    sql`select i.database as "database", i.job_id as "job", i.key as "key", max(i.created_at) as "at"
        from backup_inventory i
        where i.deleted_at is null and i.database in (select database from backup_tasks where job_id = ${id})
        group by i.database`,
  );
  const lastGood = new Map(rows.map(({ database, ...good }) => [database, good]));
  return { job, tasks: await jobTasks(catalog, id), lastGood };
}
