import { timestamp } from "@patina/core/date";
import { failuresFirst } from "./database-lines.ts";
import { linkOf, restOf } from "./link.ts";
import type { DatabaseReport, JobReport, Report } from "./report.ts";
import { wordsOf } from "./words.ts";

/** Databases that a payload names at most. */
export const MAX_DATABASES = 100;

/** The body of a generic webhook, documented in docs/alerts.md. Fields are added, never changed. */
export function webhookPayload(report: Report) {
  const { id, event, level, environment, job, at, now } = report;
  const databases = failuresFirst(report.databases).slice(0, MAX_DATABASES);
  const left = report.databases.length - databases.length;
  return {
    version: 1,
    event: id,
    kind: event.kind,
    level,
    environment,
    happened_at: timestamp(at),
    sent_at: timestamp(now),
    ...wordsOf(report),
    url: linkOf(report),
    facts: event,
    job: job === null ? null : jobOf(job),
    totals: job === null ? null : totalsOf(job),
    databases: databases.map(databaseOf),
    databases_total: report.databases.length,
    databases_left_out: left,
    rest_url: left === 0 ? null : restOf(report),
    errors: databases.flatMap(({ name, error }) => (error === null ? [] : [{ database: name, ...error }])),
  };
}

function jobOf(job: JobReport) {
  return {
    id: job.id,
    kind: job.kind,
    status: job.status,
    date: job.date,
    started_at: timestamp(job.startedAt),
    finished_at: job.finishedAt === null ? null : timestamp(job.finishedAt),
    duration_ms: job.finishedAt === null ? null : job.finishedAt - job.startedAt,
  };
}

function totalsOf(job: JobReport) {
  return {
    databases: job.databases,
    succeeded: job.succeeded,
    failed: job.failed,
    rows: job.rows,
    raw_bytes: job.rawBytes,
    stored_bytes: job.storedBytes,
  };
}

function databaseOf(report: DatabaseReport) {
  const { lastGood, failingSince } = report;
  return {
    database: report.name,
    status: report.state,
    attempts: report.attempts,
    consistency: report.consistency,
    rows: report.rows,
    raw_bytes: report.rawBytes,
    baseline_bytes: report.baselineBytes,
    stored_bytes: report.storedBytes,
    duration_ms: report.durationMs,
    key: report.key,
    warnings: report.warnings,
    error: report.error,
    failures: report.failures,
    failing_since: failingSince === null ? null : timestamp(failingSince),
    last_good: lastGood === null ? null : { job: lastGood.job, key: lastGood.key, at: timestamp(lastGood.at) },
  };
}
