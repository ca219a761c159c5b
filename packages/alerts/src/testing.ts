import { type AlertEvent, eventId, levelOf } from "./event.ts";
import type { DatabaseReport, JobReport, Report } from "./report.ts";

/** For tests: a report of six o'clock about the nightly of 2026-11-20. */

const NIGHT = Date.parse("2026-11-20T03:00:00Z");
const JOB = "nightly-2026-11-20";

export function good(name: string, change: Partial<DatabaseReport> = {}): DatabaseReport {
  return {
    name,
    state: "succeeded",
    consistency: "snapshot",
    rows: 1_562,
    rawBytes: 290_000,
    storedBytes: 61_000,
    durationMs: 210,
    key: `daily/2026-11-20/${name}.sql.gz`,
    warnings: [],
    attempts: 1,
    error: null,
    lastGood: { job: JOB, key: `daily/2026-11-20/${name}.sql.gz`, at: NIGHT + 4_000 },
    failures: 0,
    failingSince: null,
    baselineBytes: 280_000,
    ...change,
  };
}

export function failed(name: string, message = "Cannot read database: no such table: x"): DatabaseReport {
  return good(name, {
    state: "failed",
    consistency: null,
    rows: null,
    rawBytes: null,
    storedBytes: null,
    durationMs: null,
    key: null,
    attempts: 3,
    error: { code: "source_failed", message, next: "Run the named statement against the database." },
    lastGood: {
      job: "nightly-2026-11-19",
      key: `daily/2026-11-19/${name}.sql.gz`,
      at: Date.parse("2026-11-19T03:00:04Z"),
    },
    failures: 1,
    failingSince: NIGHT + 9_000,
    baselineBytes: null,
  });
}

export function jobOf(databases: readonly DatabaseReport[]): JobReport {
  const wrong = databases.filter(({ state }) => state === "failed").length;
  return {
    id: JOB,
    kind: "nightly",
    status: wrong > 0 ? "failed" : "completed",
    date: "2026-11-20",
    startedAt: NIGHT,
    finishedAt: NIGHT + 9_000,
    databases: databases.length,
    succeeded: databases.length - wrong,
    failed: wrong,
    rows: 5_901,
    rawBytes: 866_000,
    storedBytes: 190_000,
    error: null,
  };
}

/** What is told of databases after their job, or of any other event. */
export function reportOf(databases: readonly DatabaseReport[], change: Partial<Report> = {}): Report {
  const job = jobOf(databases);
  const event: AlertEvent = change.event ?? { kind: job.failed > 0 ? "job-failed" : "job-completed", job: JOB };
  return {
    id: eventId(event),
    event,
    level: levelOf(event.kind),
    environment: "production",
    at: NIGHT + 9_000,
    now: NIGHT + 10_000,
    home: null,
    job,
    databases,
    letters: null,
    ...change,
  };
}

/** One event of every kind. */
export const EVERY_EVENT: readonly AlertEvent[] = [
  { kind: "job-started", job: JOB },
  { kind: "job-completed", job: JOB },
  { kind: "job-failed", job: JOB },
  { kind: "job-slow", job: JOB },
  { kind: "backup-failed", job: JOB, database: "shop", generation: 1 },
  { kind: "recovered", job: JOB, replayed: null },
  { kind: "recovered", job: JOB, replayed: { database: "shop", generation: 2 } },
  { kind: "run-missed", job: JOB, scheduledFor: NIGHT },
  { kind: "size-deviated", job: JOB, replayed: null },
  { kind: "backup-fuzzy", job: JOB, replayed: null },
  { kind: "archive-skipped", job: "weekly-2026-11-22", reason: "The nightly is still running" },
  {
    kind: "archive-incomplete",
    job: "weekly-2026-11-22",
    missing: 7,
    error: "The archive lacks 7: shop of 2026-11-18",
  },
  {
    kind: "verify-mismatch",
    content: "etag",
    key: "daily/2026-11-19/shop.sql.gz",
    database: "shop",
    error: "its SHA-256 differs from the manifest's",
  },
  {
    kind: "restored",
    restore: "1",
    key: "daily/2026-11-19/shop.sql.gz",
    database: "shop",
    target: "a SQLite file",
    isReplaced: false,
    actor: "admin-token",
    error: null,
  },
  {
    kind: "restore-failed",
    restore: "1",
    key: "daily/2026-11-19/shop.sql.gz",
    database: "shop",
    target: "D1 database shop",
    isReplaced: true,
    actor: "ann@example.com",
    error: 'The rows of table "t" differ',
  },
  { kind: "drill-failed", drill: "1", key: "daily/2026-11-19/shop.sql.gz", database: "shop", error: "table t differs" },
  {
    kind: "dead-letter",
    letter: "1",
    queue: "patina-exports",
    job: JOB,
    database: "shop",
    generation: 1,
    failedChannel: null,
  },
  {
    kind: "dead-letter",
    letter: "2",
    queue: "patina-alerts",
    job: null,
    database: null,
    generation: null,
    failedChannel: "discord",
  },
  { kind: "daily-summary", date: "2026-11-20" },
  { kind: "channel-test", test: "3f1c" },
];
