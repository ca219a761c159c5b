import type { ErrorCode, PatinaError } from "@patina/core/error";
import type { JobTrigger } from "@patina/core/job";
import { TASK_LEASE } from "@patina/core/lease";
import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { backupTasks } from "./schema.ts";
import { transaction } from "./transaction.ts";

export type Task = typeof backupTasks.$inferSelect;

/** Which run of which task: what every message about a task carries. */
export interface TaskRef {
  readonly job: string;
  readonly database: string;
  readonly generation: number;
}

/** The condition that a row of backup_tasks is this task, in this generation. */
export function isTask({ job, database, generation }: TaskRef): SQL {
  return sql`job_id = ${job} and database = ${database} and generation = ${generation}`;
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

/** How the job of a task was opened; times in milliseconds. */
export interface Opening {
  readonly trigger: JobTrigger;
  readonly reason: string | null;
  readonly scheduledFor: number;
  readonly startedAt: number;
  /** Tasks it was opened with. */
  readonly databases: number;
  readonly replayOf: string | null;
}

/** What came of trying to claim a task. */
export type Claim =
  | {
      readonly end: "claimed";
      readonly attempt: number;
      readonly date: string;
      readonly jobKind: string;
      /** Key of the object that says where an earlier invocation stopped. */
      readonly checkpoint: string | null;
      readonly priority: number;
      /** When the task's first attempt began. */
      readonly startedAt: number;
      /** How its job was opened. */
      readonly opened: Opening;
    }
  /** Somebody else works on it, at the longest until then. */
  | { readonly end: "held"; readonly until: number }
  /** It is done, or the message belongs to an older generation. */
  | { readonly end: "settled" }
  /** It was given up in this generation; a backup that was made all the same still ends it as done. */
  | { readonly end: "failed"; readonly date: string; readonly jobKind: string }
  | { readonly end: "unknown" };

/** Claims a task for `holder` until the lease runs out. Exactly one of several callers gets it. */
export async function claimTask(
  catalog: Catalog,
  { task, holder, now }: { task: TaskRef; holder: string; now: number },
): Promise<Claim> {
  const [claimed, , found] = await transaction(catalog, [
    sql`update backup_tasks set state = 'running', lease_holder = ${holder}, lease_expires_at = ${now + TASK_LEASE},
          attempt = attempt + 1, started_at = coalesce(started_at, ${now}), next_attempt_at = ${now + TASK_LEASE}
        where ${isTask(task)} and state in ('queued', 'running')
          and (lease_expires_at is null or lease_expires_at <= ${now})
        returning attempt`,
    eventStatement({ task, event: "started", now, where: sql`lease_holder = ${holder}` }),
    sql`select t.generation, t.state, t.lease_expires_at as until, t.checkpoint, t.priority, t.started_at as startedAt,
          j.date, j.kind, j.trigger, j.reason, j.scheduled_for as scheduledFor, j.started_at as jobStartedAt,
          j.databases, j.replay_of as replayOf
        from backup_tasks t join backup_jobs j on j.id = t.job_id
        where t.job_id = ${task.job} and t.database = ${task.database}`,
  ]);
  const row = found?.[0];
  if (row === undefined || Number(row["generation"]) < task.generation) return { end: "unknown" };
  const mine = claimed?.[0];
  if (mine !== undefined) {
    return {
      end: "claimed",
      attempt: Number(mine["attempt"]),
      date: String(row["date"]),
      jobKind: String(row["kind"]),
      checkpoint: textOf(row["checkpoint"]),
      priority: Number(row["priority"]),
      startedAt: Number(row["startedAt"]),
      opened: {
        trigger: String(row["trigger"]) as JobTrigger,
        reason: textOf(row["reason"]),
        scheduledFor: Number(row["scheduledFor"]),
        startedAt: Number(row["jobStartedAt"]),
        databases: Number(row["databases"]),
        replayOf: textOf(row["replayOf"]),
      },
    };
  }
  if (Number(row["generation"]) > task.generation || row["state"] === "done") return { end: "settled" };
  if (row["state"] === "failed") return { end: "failed", date: String(row["date"]), jobKind: String(row["kind"]) };
  return { end: "held", until: Number(row["until"] ?? now) };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** An exporter has stored the backup and is about to report it; the task stays its own until the aggregator settles it. */
export async function noteExported(
  catalog: Catalog,
  { task, holder, now }: { task: TaskRef; holder: string; now: number },
): Promise<void> {
  await transaction(catalog, [eventStatement({ task, event: "exported", now, where: sql`lease_holder = ${holder}` })]);
}

/**
 * Gives a task back that goes on in another invocation, with the key of the object that says where. Nothing changes
 * when the lease has passed to someone else.
 */
export async function pauseTask(
  catalog: Catalog,
  options: { task: TaskRef; holder: string; now: number; nextAttemptAt: number; checkpoint: string },
): Promise<void> {
  const { task, holder, now, nextAttemptAt, checkpoint } = options;
  const mine = sql`state = 'running' and lease_holder = ${holder}`;
  await transaction(catalog, [
    eventStatement({ task, event: "paused", now, where: mine }),
    sql`update backup_tasks set state = 'queued', lease_holder = null, lease_expires_at = null,
          next_attempt_at = ${nextAttemptAt}, checkpoint = ${checkpoint}, resends = 0
        where ${isTask(task)} and ${mine}`,
  ]);
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
  const mine = sql`state = 'running' and lease_holder = ${holder}`;
  await transaction(catalog, [
    eventStatement({ task, event: options.event, now, where: mine, errorCode, error }),
    sql`update backup_tasks set state = 'queued', lease_holder = null, lease_expires_at = null,
          next_attempt_at = ${nextAttemptAt}, error_code = ${errorCode}, error = ${error}
        where ${isTask(task)} and ${mine}`,
  ]);
}

/** The result of a task could not be read and will be tried again: a line of its timeline. */
export async function noteUnreadResult(
  catalog: Catalog,
  { task, error, now }: { task: TaskRef; error: PatinaError; now: number },
): Promise<void> {
  const where = sql`state in ('queued', 'running')`;
  const { code: errorCode, message } = error;
  await transaction(catalog, [eventStatement({ task, event: "retried", now, where, errorCode, error: message })]);
}

type TaskEvent = "started" | "paused" | "exported" | "retried" | "dead" | "resent" | "abandoned" | "done" | "failed";

/** The statement that writes one line of a task's timeline, if the task is as `where` says. */
export function eventStatement(options: {
  task: TaskRef;
  event: TaskEvent;
  now: number;
  where: SQL;
  errorCode?: string | null;
  error?: string | null;
}): SQL {
  return sql`insert into task_events (job_id, database, generation, event, attempt, at, error_code, error)
      select job_id, database, generation, ${options.event}, attempt, ${options.now},
        ${options.errorCode ?? null}, ${options.error ?? null}
      from backup_tasks where ${isTask(options.task)} and ${options.where}`;
}
