import { and, eq, inArray, ne, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { backupJobs, backupTasks } from "./schema.ts";
import type { Task, TaskRef } from "./tasks.ts";
import { transaction } from "./transaction.ts";

/** What the tick looks for: work that no message stands for any more. */

/** A task is left alone for this long after its message was sent: it may still be on its way. */
const IN_FLIGHT = 5 * 60_000;

/** How often a task is sent again before it is given up. */
export const MAX_RESENDS = 3;

/** Running jobs that have a task whose message was never sent: their dispatcher stopped half-way. */
export async function unsentJobs(catalog: Catalog, now: number): Promise<string[]> {
  const rows = await catalog
    .selectDistinct({ jobId: backupTasks.jobId })
    .from(backupTasks)
    .innerJoin(backupJobs, eq(backupJobs.id, backupTasks.jobId))
    .where(
      and(
        eq(backupTasks.state, "queued"),
        sql`${backupTasks.sentAt} is null`,
        // A fan-out of thousands takes a while; it is not yet lost.
        sql`${backupJobs.startedAt} <= ${now - IN_FLIGHT}`,
      ),
    );
  return rows.map((row) => row.jobId);
}

/**
 * Tasks that were sent, are held by nobody and are due. Whether their messages are really gone is for the caller to
 * ask the queue: in a backlog they look just like this.
 */
export async function idleTasks(catalog: Catalog, { now, limit }: { now: number; limit: number }): Promise<Task[]> {
  return await catalog
    .select()
    .from(backupTasks)
    .where(
      and(
        inArray(backupTasks.state, ["queued", "running"]),
        sql`${backupTasks.sentAt} <= ${now - IN_FLIGHT}`,
        sql`coalesce(${backupTasks.leaseExpiresAt}, 0) <= ${now}`,
        sql`coalesce(${backupTasks.nextAttemptAt}, 0) <= ${now}`,
      ),
    )
    .orderBy(backupTasks.priority, backupTasks.sentAt)
    .limit(limit);
}

/** Notes that a task's message was sent once more. */
export async function markResent(catalog: Catalog, { tasks, now }: { tasks: readonly TaskRef[]; now: number }) {
  const refs = JSON.stringify(tasks.map((task) => [task.job, task.database]));
  const listed = sql`(select e.value ->> 0, e.value ->> 1 from json_each(${refs}) e)`;
  await transaction(catalog, [
    sql`insert into task_events (job_id, database, generation, event, attempt, at)
        select job_id, database, generation, 'resent', attempt, ${now} from backup_tasks
        where (job_id, database) in ${listed}`,
    sql`update backup_tasks set resends = resends + 1, sent_at = ${now} where (job_id, database) in ${listed}`,
  ]);
}

/** Running jobs whose tasks have all ended: whoever should have closed them stopped before. */
export async function unclosedJobs(catalog: Catalog): Promise<string[]> {
  const open = sql`select 1 from ${backupTasks} t where t.job_id = ${backupJobs.id} and t.state in ('queued', 'running')`;
  const rows = await catalog
    .select({ id: backupJobs.id })
    .from(backupJobs)
    .where(and(eq(backupJobs.status, "running"), ne(backupJobs.kind, "weekly"), sql`not exists (${open})`));
  return rows.map((row) => row.id);
}

/** A run of the schedule, under the name that its job has or would have. */
export interface ScheduledRun {
  readonly job: string;
  readonly scheduledFor: number;
}

/**
 * Those of the runs that should have happened and have no job: databases were registered before them, and have
 * not been resumed since. Nobody misses the nights for which every database was paused.
 *
 * @returns also whether people were told of it already
 */
export async function missedRuns(
  catalog: Catalog,
  runs: readonly ScheduledRun[],
): Promise<(ScheduledRun & { readonly isTold: boolean })[]> {
  const rows = await catalog.all<{ job: string; scheduledFor: number; told: number }>(
    sql`select run.value ->> 'job' as "job", run.value ->> 'scheduledFor' as "scheduledFor",
          exists (select 1 from alert_events where event = 'run-missed:' || (run.value ->> 'job')) as "told"
        from json_each(${JSON.stringify(runs)}) run
        where not exists (select 1 from backup_jobs where id = run.value ->> 'job')
          and exists (select 1 from databases d where d.enabled = 1 and d.created_at <= run.value ->> 'scheduledFor'
            and not exists (select 1 from audit_log a where a.subject = d.name and a.action = 'database.resume'
              and a.at > run.value ->> 'scheduledFor'))`,
  );
  return rows.map(({ job, scheduledFor, told }) => ({ job, scheduledFor, isTold: told === 1 }));
}

/**
 * For a catalog whose Workers were all stopped together with their queues, as the local run's are: no message exists and
 * nobody holds a lease, so the next tick may send everything again at once.
 */
export async function forgetQueues(catalog: Catalog): Promise<void> {
  await transaction(catalog, [
    sql`update backup_tasks set sent_at = 0, lease_expires_at = null, next_attempt_at = null
        where state in ('queued', 'running')`,
    sql`update drills set updated_at = 0 where state <> 'done'`,
    sql`update alert_outbox set next_attempt_at = 0, lease_expires_at = null where state in ('pending', 'sending')`,
    sql`update prune_plans set updated_at = 0 where state = 'running'`,
    sql`delete from leases`,
  ]);
}
