import { timestamp } from "@patina/core/date";
import type { DatabaseReport, JobReport } from "./report.ts";

/** The body of a generic webhook, documented in docs/reference/alerts.md. Fields are added, never changed. */
export function webhookPayload({ event, kind, environment, job, databases, now }: JobReport) {
  return {
    version: 1,
    event,
    kind,
    environment,
    sent_at: timestamp(now),
    job: {
      id: job.id,
      kind: job.kind,
      status: job.status,
      date: job.date,
      started_at: timestamp(job.startedAt),
      finished_at: job.finishedAt === null ? null : timestamp(job.finishedAt),
      duration_ms: job.finishedAt === null ? null : job.finishedAt - job.startedAt,
    },
    totals: {
      databases: job.databases,
      succeeded: job.succeeded,
      failed: job.failed,
      rows: job.rows,
      raw_bytes: job.rawBytes,
      stored_bytes: job.storedBytes,
    },
    databases: databases.map(database),
    errors: databases.flatMap(({ name, error }) => (error === null ? [] : [{ database: name, ...error }])),
  };
}

function database(report: DatabaseReport) {
  const { lastGood } = report;
  return {
    database: report.name,
    status: report.state,
    attempts: report.attempts,
    consistency: report.consistency,
    rows: report.rows,
    raw_bytes: report.rawBytes,
    stored_bytes: report.storedBytes,
    duration_ms: report.durationMs,
    key: report.key,
    warnings: report.warnings,
    error: report.error,
    last_good: lastGood === null ? null : { job: lastGood.job, key: lastGood.key, at: timestamp(lastGood.at) },
  };
}
