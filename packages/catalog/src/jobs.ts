import type { JobTrigger } from "@patina/core/job";
import { and, desc, eq, inArray, ne, type SQL, sql } from "drizzle-orm";
import { raiseEvent } from "./alert-events.ts";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { backupJobs, backupResults, backupTasks, databases } from "./schema.ts";
import { transaction } from "./transaction.ts";

export type Job = typeof backupJobs.$inferSelect;

export interface NewJob {
  readonly id: string;
  readonly kind: Job["kind"];
  readonly trigger: JobTrigger;
  readonly date: string;
  readonly scheduledFor: number;
  readonly reason?: string;
  /** The job whose failures this one makes up for. */
  readonly replayOf?: string;
  readonly now: number;
}

/**
 * Opens a scheduled job with one task for every enabled database, in one transaction, so that a job never exists
 * without its tasks. Opening it again changes nothing.
 *
 * @returns whether this call opened it; false also when no database is enabled
 */
export async function openScheduledJob(catalog: Catalog, job: NewJob): Promise<boolean> {
  const wanted = sql`select name, priority from ${databases} where enabled = 1`;
  return (await openJob(catalog, { job, wanted })) > 0;
}

/** A database that already has a task under way, and the job it belongs to. */
export interface ActiveTask {
  readonly database: string;
  readonly jobId: string;
}

export interface ManualOpening {
  /** Databases whose task the job has; 0 when the job was not opened because all of them are under way already. */
  readonly opened: number;
  /** Databases that were asked for and had a task under way before. */
  readonly active: readonly ActiveTask[];
}

/**
 * Opens a manual job for the named databases, or for every enabled one when `names` is null. Those that have a task
 * queued or running are left out; the check and the opening are one transaction, so that two callers at the same moment
 * cannot both start a database.
 */
export async function openManualJob(
  catalog: Catalog,
  { job, names, audit }: { job: NewJob; names: readonly string[] | null; audit?: AuditEntry },
): Promise<ManualOpening> {
  const asked =
    names === null
      ? sql`select name, priority from ${databases} where enabled = 1`
      : sql`select name, priority from ${databases} where name in (select value from json_each(${JSON.stringify(names)}))`;
  const wanted = sql`select name, priority from (${asked}) as asked where ${IS_IDLE}`;
  const active = await catalog.all<ActiveTask>(
    sql`select t.database as "database", min(t.job_id) as "jobId" from ${backupTasks} t
        where t.state in ('queued', 'running') and t.database in (select name from (${asked}))
        group by t.database order by t.database`,
  );
  return { opened: await openJob(catalog, { job, wanted, audit }), active };
}

/** @returns the number of tasks the job was opened with; 0 when it was not opened */
async function openJob(
  catalog: Catalog,
  { job, wanted, audit }: { job: NewJob; wanted: SQL; audit?: AuditEntry | undefined },
): Promise<number> {
  const [open, ...fill] = openingStatements({ job, wanted });
  const noted = audit === undefined ? [] : [auditStatement(audit, sql`changes() > 0`)];
  const [opened] = await transaction(catalog, open === undefined ? [] : [open, ...noted, ...fill]);
  return Number(opened?.[0]?.["databases"] ?? 0);
}

/** The condition that a database `asked.name` has no task under way. */
export const IS_IDLE = sql`not exists (
    select 1 from backup_tasks t where t.database = asked.name and t.state in ('queued', 'running'))`;

/**
 * The statements that open a job with a task for each of the `wanted` databases (`name`, `priority`), if there are any.
 * The first gives the number of them, once.
 */
export function openingStatements({ job, wanted }: { job: NewJob; wanted: SQL }): SQL[] {
  return [
    sql`insert into backup_jobs (id, kind, trigger, reason, replay_of, date, scheduled_for, started_at, databases)
        select ${job.id}, ${job.kind}, ${job.trigger}, ${job.reason ?? null}, ${job.replayOf ?? null}, ${job.date},
          ${job.scheduledFor}, ${job.now}, (select count(*) from (${wanted}))
        where exists (${wanted})
        on conflict (id) do nothing
        returning databases`,
    // Only a job that has no task yet is filled: a second opening must not add databases registered since.
    sql`insert into backup_tasks (job_id, database, priority)
        select j.id, w.name, w.priority from (${wanted}) as w join backup_jobs j on j.id = ${job.id}
        where not exists (select 1 from backup_tasks where job_id = ${job.id})`,
    sql`insert into task_events (job_id, database, generation, event, at)
        select job_id, database, generation, 'queued', ${job.now} from backup_tasks
        where job_id = ${job.id} and not exists (select 1 from task_events where job_id = ${job.id})`,
    ...raiseEvent(
      { kind: "job-started", job: job.id },
      { now: job.now, where: sql`exists (select 1 from backup_jobs where id = ${job.id} and status = 'running')` },
    ),
  ];
}

export async function findJob(catalog: Catalog, id: string): Promise<Job | undefined> {
  const [found] = await catalog.select().from(backupJobs).where(eq(backupJobs.id, id));
  return found;
}

export async function runningJobs(catalog: Catalog): Promise<Job[]> {
  return await catalog.select().from(backupJobs).where(eq(backupJobs.status, "running")).orderBy(backupJobs.startedAt);
}

/** The last run of a schedule that there was, and what made it start; null when there was none yet. */
export async function lastScheduled(
  catalog: Catalog,
  kind: "nightly" | "weekly",
): Promise<{ readonly job: string; readonly trigger: JobTrigger } | null> {
  const [found] = await catalog
    .select({ job: backupJobs.id, trigger: backupJobs.trigger })
    .from(backupJobs)
    .where(eq(backupJobs.kind, kind))
    .orderBy(desc(backupJobs.scheduledFor))
    .limit(1);
  return found ?? null;
}

/** Of the jobs that have ended, the one that was scheduled last, whatever its status. */
export async function lastEndedJob(catalog: Catalog): Promise<Job | undefined> {
  const [found] = await catalog
    .select()
    .from(backupJobs)
    .where(ne(backupJobs.status, "running"))
    .orderBy(desc(backupJobs.scheduledFor), desc(backupJobs.finishedAt))
    .limit(1);
  return found;
}

export interface JobTask {
  readonly task: typeof backupTasks.$inferSelect;
  readonly result: typeof backupResults.$inferSelect | null;
}

/** The tasks of a job with their results, in the order of the fan-out. */
export async function jobTasks(catalog: Catalog, jobId: string): Promise<JobTask[]> {
  const rows = await catalog
    .select({ task: backupTasks, result: backupResults })
    .from(backupTasks)
    .leftJoin(
      backupResults,
      and(eq(backupResults.jobId, backupTasks.jobId), eq(backupResults.database, backupTasks.database)),
    )
    .where(eq(backupTasks.jobId, jobId))
    .orderBy(backupTasks.priority, backupTasks.database);
  return rows;
}

/** How many tasks of each running job are in which state. */
export async function taskCounts(
  catalog: Catalog,
  jobIds: readonly string[],
): Promise<{ jobId: string; state: string; count: number }[]> {
  if (jobIds.length === 0) return [];
  return await catalog
    .select({ jobId: backupTasks.jobId, state: backupTasks.state, count: sql<number>`count(*)` })
    .from(backupTasks)
    .where(inArray(backupTasks.jobId, [...jobIds]))
    .groupBy(backupTasks.jobId, backupTasks.state);
}
