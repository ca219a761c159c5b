import type { JobWithTasks } from "@patina/catalog/job-report";
import type { Job as CatalogJob } from "@patina/catalog/jobs";
import { taskEvents } from "@patina/catalog/schema";
import type { TaskEventRow } from "@patina/catalog/task-events";
import { timestamp } from "@patina/core/date";
import { isErrorCode, nextOf } from "@patina/core/error";
import { CONSISTENCIES, JOB_KINDS, JOB_STATUSES, JOB_TRIGGERS, TASK_STATES } from "@patina/core/job";
import * as v from "valibot";
import { Count, DatabaseName, Day, Sha256, Time } from "../fields.ts";

/** How the API shows jobs: names in snake_case, times as RFC 3339, sizes in bytes. */

export const Job = v.strictObject({
  id: v.string(),
  kind: v.picklist(JOB_KINDS),
  trigger: v.picklist(JOB_TRIGGERS),
  reason: v.nullable(v.string()),
  status: v.picklist(JOB_STATUSES),
  date: Day,
  scheduled_for: Time,
  started_at: Time,
  finished_at: v.nullable(Time),
  databases: Count,
  succeeded: Count,
  failed: Count,
  rows: Count,
  raw_bytes: Count,
  stored_bytes: Count,
  error: v.pipe(
    v.nullable(v.string()),
    v.description("Of a weekly job: what is wrong with its archive, or with making it."),
  ),
  replay_of: v.pipe(v.nullable(v.string()), v.description("The job whose dead letters this one makes up for.")),
  healed_by: v.pipe(
    v.nullable(v.string()),
    v.description("Of a failed job: the job with which the last of its failed databases was backed up after all."),
  ),
  healed_at: v.nullable(Time),
  rebuilt_at: v.pipe(
    v.nullable(Time),
    v.description("When it was rebuilt from the bucket: then only its backups are known, and failures are not."),
  ),
});

export function jobView(job: CatalogJob): v.InferOutput<typeof Job> {
  return {
    id: job.id,
    kind: job.kind,
    trigger: job.trigger,
    reason: job.reason,
    status: job.status,
    date: job.date,
    scheduled_for: timestamp(job.scheduledFor),
    started_at: timestamp(job.startedAt),
    finished_at: time(job.finishedAt),
    databases: job.databases,
    succeeded: job.succeeded,
    failed: job.failed,
    rows: job.rows,
    raw_bytes: job.rawBytes,
    stored_bytes: job.storedBytes,
    error: job.error,
    replay_of: job.replayOf,
    healed_by: job.healedBy,
    healed_at: time(job.healedAt),
    rebuilt_at: time(job.rebuiltAt),
  };
}

export const Failure = v.strictObject({
  code: v.string(),
  message: v.nullable(v.string()),
  next: v.pipe(v.nullable(v.string()), v.description("What to do, in one sentence.")),
});

export const Result = v.strictObject({
  key: v.nullable(v.string()),
  manifest_key: v.nullable(v.string()),
  consistency: v.nullable(v.picklist(CONSISTENCIES)),
  tables: v.nullable(Count),
  rows: v.nullable(Count),
  raw_bytes: v.nullable(Count),
  stored_bytes: v.nullable(Count),
  duration_ms: v.nullable(Count),
  queries: v.nullable(Count),
  rows_read: v.nullable(Count),
  body_digest: v.nullable(Sha256),
  stored_digest: v.nullable(Sha256),
  warnings: v.array(v.string()),
});

export const Task = v.strictObject({
  database: DatabaseName,
  state: v.picklist(TASK_STATES),
  attempt: Count,
  generation: Count,
  started_at: v.nullable(Time),
  finished_at: v.nullable(Time),
  error: v.nullable(Failure),
  result: v.nullable(Result),
  last_good: v.nullable(v.strictObject({ job: v.string(), key: v.string(), at: Time })),
});

export const JobWithTasksView = v.strictObject({ ...Job.entries, tasks: v.array(Task) });

export function jobWithTasksView({ job, tasks, lastGood }: JobWithTasks): v.InferOutput<typeof JobWithTasksView> {
  return {
    ...jobView(job),
    tasks: tasks.map(({ task, result }) => {
      const good = lastGood.get(task.database);
      return {
        database: task.database,
        state: task.state,
        attempt: task.attempt,
        generation: task.generation,
        started_at: time(task.startedAt),
        finished_at: time(task.finishedAt),
        error: failureView(result?.errorCode ?? task.errorCode, {
          message: result === null ? task.error : result.error,
          isTriedAgain: result === null,
        }),
        result: result?.status === "succeeded" ? resultView(result) : null,
        last_good: good === undefined ? null : { job: good.job, key: good.key, at: timestamp(good.at) },
      };
    }),
  };
}

export const TaskEvent = v.strictObject({
  at: Time,
  database: DatabaseName,
  event: v.picklist(taskEvents.event.enumValues),
  attempt: Count,
  generation: Count,
  error: v.nullable(Failure),
});

export function eventView(event: TaskEventRow): v.InferOutput<typeof TaskEvent> {
  return {
    at: timestamp(event.at),
    database: event.database,
    event: event.event,
    attempt: event.attempt,
    generation: event.generation,
    error: failureView(event.errorCode, { message: event.error, isTriedAgain: event.event === "retried" }),
  };
}

function resultView(result: NonNullable<JobWithTasks["tasks"][number]["result"]>): v.InferOutput<typeof Result> {
  return {
    key: result.key,
    manifest_key: result.manifestKey,
    consistency: result.consistency,
    tables: result.tables,
    rows: result.rows,
    raw_bytes: result.rawBytes,
    stored_bytes: result.storedBytes,
    duration_ms: result.durationMs,
    queries: result.queries,
    rows_read: result.rowsRead,
    body_digest: result.bodyDigest,
    stored_digest: result.storedDigest,
    warnings: result.warnings ?? [],
  };
}

export function failureView(
  code: string | null,
  { message, isTriedAgain = false }: { message: string | null; isTriedAgain?: boolean },
): v.InferOutput<typeof Failure> | null {
  if (code === null) return null;
  return { code, message, next: isErrorCode(code) ? nextOf(code, { isTriedAgain }) : null };
}

function time(value: number | null): string | null {
  return value === null ? null : timestamp(value);
}
