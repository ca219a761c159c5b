import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { newestGoodBackups } from "./good-backups.ts";
import { findJob, type Job, type JobTask, jobTasks } from "./jobs.ts";

/** The newest good backup of a database that exists. */
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
    sql`select database as "database", job as "job", key as "key", at as "at"
        from (${newestGoodBackups(sql`select database as name from backup_tasks where job_id = ${id}`)})
        where key is not null`,
  );
  const lastGood = new Map(rows.map(({ database, ...good }) => [database, good]));
  return { job, tasks: await jobTasks(catalog, id), lastGood };
}
