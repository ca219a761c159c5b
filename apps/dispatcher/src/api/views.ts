import type { JobWithTasks } from "@patina/catalog/job-report";
import type { Job } from "@patina/catalog/jobs";
import { timestamp } from "@patina/core/date";
import { ERROR_CODES, isErrorCode } from "@patina/core/error";

/** How the API shows what the catalog holds: names in snake_case, times as RFC 3339, sizes in bytes. */

export function jobView(job: Job) {
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
  };
}

export function jobWithTasksView({ job, tasks, lastGood }: JobWithTasks) {
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
        error: errorView(result?.errorCode ?? task.errorCode, result === null ? task.error : result.error),
        result: result?.status === "succeeded" ? resultView(result) : null,
        last_good: good === undefined ? null : { job: good.job, key: good.key, at: timestamp(good.at) },
      };
    }),
  };
}

function resultView(result: NonNullable<JobWithTasks["tasks"][number]["result"]>) {
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

function errorView(code: string | null, message: string | null) {
  if (code === null) return null;
  return { code, message, next: isErrorCode(code) ? ERROR_CODES[code].next : null };
}

function time(value: number | null): string | null {
  return value === null ? null : timestamp(value);
}
