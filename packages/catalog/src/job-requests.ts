import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { IS_IDLE, type NewJob, openingStatements } from "./jobs.ts";
import { transaction } from "./transaction.ts";

/** A backup that somebody who may open no job has asked for. */
export interface JobRequest {
  readonly id: string;
  readonly database: string;
  readonly reason: string;
}

/** Databases that one job takes on: the next tick opens another one. */
const LIMIT = 500;

/** Requests for which no job was opened, oldest first; those of a paused database wait. */
export async function openJobRequests(catalog: Catalog): Promise<JobRequest[]> {
  return await catalog.all<JobRequest>(
    sql`select q.id as "id", q.database as "database", q.reason as "reason"
        from job_requests q join databases d on d.name = q.database and d.enabled = 1
        where q.job_id is null order by q.created_at, q.id limit ${LIMIT}`,
  );
}

/**
 * Opens a manual job for requests, in one transaction with noting it: a database is started once, however often this is
 * done. One that has a task under way is not started again; its request has that task's job.
 *
 * @returns the number of tasks that the job was opened with; 0 when all of them are under way already
 */
export async function openRequestedJob(
  catalog: Catalog,
  { job, requests }: { job: NewJob; requests: readonly JobRequest[] },
): Promise<number> {
  const ids = sql`(select value from json_each(${JSON.stringify(requests.map(({ id }) => id))}))`;
  const asked = sql`select name, priority from databases where enabled = 1 and name in (
      select database from job_requests where job_id is null and id in ${ids})`;
  const wanted = sql`select name, priority from (${asked}) as asked where ${IS_IDLE}`;
  const [open, ...fill] = openingStatements({ job, wanted });
  const noted = (which: SQL) =>
    sql`update job_requests set job_id = (${which}) where job_id is null and id in ${ids} and exists (${which})`;
  const [opened] = await transaction(catalog, [
    ...(open === undefined ? [] : [open]),
    ...fill,
    noted(sql`select t.job_id from backup_tasks t
      where t.database = job_requests.database and t.state in ('queued', 'running') limit 1`),
  ]);
  return Number(opened?.[0]?.["databases"] ?? 0);
}
