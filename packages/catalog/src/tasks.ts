import type { ErrorCode } from "@patina/core/error";
import { TASK_LEASE } from "@patina/core/lease";
import { and, eq, isNull, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { backupJobs, backupTasks } from "./schema.ts";

export type Task = typeof backupTasks.$inferSelect;

/** Which run of which task: what every message about a task carries. */
export interface TaskRef {
  readonly job: string;
  readonly database: string;
  readonly generation: number;
}

function is(task: TaskRef) {
  return and(
    eq(backupTasks.jobId, task.job),
    eq(backupTasks.database, task.database),
    eq(backupTasks.generation, task.generation),
  );
}

/** Tasks whose message was never sent, most urgent first: the order of the fan-out. */
export async function unsentTasks(catalog: Catalog, jobId: string): Promise<Task[]> {
  return await catalog
    .select()
    .from(backupTasks)
    .where(and(eq(backupTasks.jobId, jobId), eq(backupTasks.state, "queued"), isNull(backupTasks.sentAt)))
    .orderBy(backupTasks.priority, backupTasks.database);
}

/** Notes that the messages of these tasks of one job are in the queue. */
export async function markSent(
  catalog: Catalog,
  { jobId, names, now }: { jobId: string; names: readonly string[]; now: number },
): Promise<void> {
  await catalog.run(
    sql`update ${backupTasks} set sent_at = ${now}
        where job_id = ${jobId} and database in (select value from json_each(${JSON.stringify(names)}))`,
  );
}

/** What came of trying to claim a task. */
export type Claim =
  | { readonly end: "claimed"; readonly attempt: number; readonly date: string; readonly jobKind: string }
  /** Somebody else works on it, at the longest until then. */
  | { readonly end: "held"; readonly until: number }
  /** It has ended in this generation, or the message belongs to an older one. */
  | { readonly end: "settled" }
  | { readonly end: "unknown" };

/** Claims a task for `holder` until the lease runs out. Exactly one of several callers gets it. */
export async function claimTask(
  catalog: Catalog,
  { task, holder, now }: { task: TaskRef; holder: string; now: number },
): Promise<Claim> {
  const [claimed, , found] = await catalog.batch([
    catalog.all<{ attempt: number }>(
      sql`update ${backupTasks} set state = 'running', lease_holder = ${holder}, lease_expires_at = ${now + TASK_LEASE},
            attempt = attempt + 1, started_at = coalesce(started_at, ${now}), next_attempt_at = ${now + TASK_LEASE}
          where ${is(task)} and state in ('queued', 'running')
            and (lease_expires_at is null or lease_expires_at <= ${now})
          returning attempt`,
    ),
    event(catalog, { task, event: "started", now, where: sql`t.lease_holder = ${holder}` }),
    catalog
      .select({ task: backupTasks, date: backupJobs.date, jobKind: backupJobs.kind })
      .from(backupTasks)
      .innerJoin(backupJobs, eq(backupJobs.id, backupTasks.jobId))
      .where(and(eq(backupTasks.jobId, task.job), eq(backupTasks.database, task.database))),
  ]);
  const [row] = found;
  if (row === undefined || row.task.generation < task.generation) return { end: "unknown" };
  const [mine] = claimed;
  if (mine !== undefined) return { end: "claimed", attempt: mine.attempt, date: row.date, jobKind: row.jobKind };
  if (row.task.generation > task.generation || row.task.state === "done" || row.task.state === "failed") {
    return { end: "settled" };
  }
  return { end: "held", until: row.task.leaseExpiresAt ?? now };
}

/** An exporter has stored the backup and is about to report it; the task stays its own until the aggregator settles it. */
export async function noteExported(
  catalog: Catalog,
  { task, holder, now }: { task: TaskRef; holder: string; now: number },
): Promise<void> {
  await event(catalog, { task, event: "exported", now, where: sql`t.lease_holder = ${holder}` });
}

/**
 * Gives a task back after a failed attempt, with the reason. Changes nothing when the lease has passed to someone else.
 */
export async function releaseTask(
  catalog: Catalog,
  options: {
    task: TaskRef;
    holder: string;
    now: number;
    nextAttemptAt: number;
    event: "retried" | "dead";
    errorCode: ErrorCode;
    error: string;
  },
): Promise<void> {
  const { task, holder, now, nextAttemptAt, errorCode, error } = options;
  await catalog.batch([
    event(catalog, {
      task,
      event: options.event,
      now,
      where: sql`t.lease_holder = ${holder} and t.state = 'running'`,
      errorCode,
      error,
    }),
    catalog.run(
      sql`update ${backupTasks} set state = 'queued', lease_holder = null, lease_expires_at = null,
            next_attempt_at = ${nextAttemptAt}, error_code = ${errorCode}, error = ${error}
          where ${is(task)} and state = 'running' and lease_holder = ${holder}`,
    ),
  ]);
}

type TaskEvent = "started" | "exported" | "retried" | "dead" | "resent" | "abandoned" | "done" | "failed";

/** The statement that writes one line of a task's timeline, if the task is as `where` (on `t`) says. */
export function event(
  catalog: Catalog,
  options: {
    task: TaskRef;
    event: TaskEvent;
    now: number;
    where: ReturnType<typeof sql>;
    errorCode?: string | null;
    error?: string | null;
  },
) {
  const { task, now, where } = options;
  return catalog.run(
    sql`insert into task_events (job_id, database, generation, event, attempt, at, error_code, error)
        select t.job_id, t.database, t.generation, ${options.event}, t.attempt, ${now},
          ${options.errorCode ?? null}, ${options.error ?? null}
        from ${backupTasks} t
        where t.job_id = ${task.job} and t.database = ${task.database} and t.generation = ${task.generation} and ${where}`,
  );
}
