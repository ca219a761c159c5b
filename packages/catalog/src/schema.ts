import type { DumpPolicy } from "@patina/core/retention-policy";
import type { Redaction } from "@patina/core/rules";
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The catalog: what Patina knows, in one D1 database that all Workers share. Times are milliseconds since the epoch,
 * dates `YYYY-MM-DD` in UTC, sizes bytes. Migrations only go forward: expand, deploy every Worker, then contract.
 */

export * from "./alert-tables.ts";
export * from "./archive-tables.ts";
export * from "./custody-tables.ts";
export * from "./rebuild-tables.ts";

/** The registry: which databases are backed up. */
export const databases = sqliteTable("databases", {
  name: text().primaryKey(),
  environment: text().notNull().default("production"),
  d1Id: text("d1_id"),
  /** The exporter's binding to the database, such as `DB_SHOP`. */
  binding: text().notNull(),
  shard: integer().notNull().default(0),
  description: text().notNull().default(""),
  /** 0 critical, 1 high, 2 normal: the order of the fan-out. */
  priority: integer().notNull().default(2),
  estimatedBytes: integer("estimated_bytes"),
  enabled: integer({ mode: "boolean" }).notNull().default(true),
  /** Whether a database of many pages is read twice, so that its backup is called stable only if both readings agree. */
  certain: integer({ mode: "boolean" }).notNull().default(false),
  /** What its backups do not carry as it is, as JSON: columns that are replaced, and tables whose rows are left out. */
  redactions: text({ mode: "json" }).$type<readonly Redaction[]>().notNull().default([]),
  excludedTables: text("excluded_tables", { mode: "json" }).$type<readonly string[]>().notNull().default([]),
  /** What of it is kept how long, as JSON; null for what holds for all databases. */
  retention: text({ mode: "json" }).$type<DumpPolicy>(),
  /** Why an export must fail without being tried, in words for a person; null when nothing is known against it. */
  blockedReason: text("blocked_reason"),
  /** Who describes it: the registry file, or the API that added it. Whoever does not may only pause and resume it. */
  owner: text({ enum: ["registry", "api"] })
    .notNull()
    .default("registry"),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** One fan-out. Never reopened once it is completed or failed. */
export const backupJobs = sqliteTable(
  "backup_jobs",
  {
    id: text().primaryKey(),
    kind: text({ enum: ["nightly", "weekly", "manual"] }).notNull(),
    trigger: text({ enum: ["cron", "tick", "api"] }).notNull(),
    reason: text(),
    /** The date of its backups: the UTC date it was scheduled for, whatever a consumer's clock says. */
    date: text().notNull(),
    scheduledFor: integer("scheduled_for").notNull(),
    status: text({ enum: ["running", "completed", "failed"] })
      .notNull()
      .default("running"),
    databases: integer().notNull().default(0),
    succeeded: integer().notNull().default(0),
    failed: integer().notNull().default(0),
    rows: integer().notNull().default(0),
    rawBytes: integer("raw_bytes").notNull().default(0),
    storedBytes: integer("stored_bytes").notNull().default(0),
    startedAt: integer("started_at").notNull(),
    finishedAt: integer("finished_at"),
    /** Which invocation closed it: only that one writes its alerts. */
    closedBy: text("closed_by"),
    error: text(),
    /** The job whose failures this manual one makes up for: a replay of dead letters that came too late for that job. */
    replayOf: text("replay_of"),
    /** The job that had backed up the last of the databases which failed here. It may be this one, by a replay. */
    healedBy: text("healed_by"),
    healedAt: integer("healed_at"),
    /** When it was rebuilt from the bucket, which knows only backups that were made; null for one that ran here. */
    rebuiltAt: integer("rebuilt_at"),
  },
  (table) => [
    index("backup_jobs_status").on(table.status, table.startedAt),
    index("backup_jobs_started").on(table.startedAt),
  ],
);

/** One database in a job, written when the job opens. */
export const backupTasks = sqliteTable(
  "backup_tasks",
  {
    jobId: text("job_id")
      .notNull()
      .references(() => backupJobs.id, { onDelete: "cascade" }),
    database: text().notNull(),
    priority: integer().notNull(),
    state: text({ enum: ["queued", "running", "done", "failed"] })
      .notNull()
      .default("queued"),
    /** Which run of the task a message belongs to; a replay raises it. */
    generation: integer().notNull().default(1),
    /** Deliveries that claimed the task in this generation. */
    attempt: integer().notNull().default(0),
    leaseHolder: text("lease_holder"),
    leaseExpiresAt: integer("lease_expires_at"),
    /** The tick leaves the task alone until then. */
    nextAttemptAt: integer("next_attempt_at"),
    /** When its message was last sent; null while it never was. */
    sentAt: integer("sent_at"),
    resends: integer().notNull().default(0),
    /** The object that says where the export goes on; null when it begins at the beginning. */
    checkpoint: text(),
    startedAt: integer("started_at"),
    finishedAt: integer("finished_at"),
    errorCode: text("error_code"),
    error: text(),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.database] }),
    index("backup_tasks_active").on(table.database).where(sql`state in ('queued', 'running')`),
    index("backup_tasks_state").on(table.state, table.jobId),
  ],
);

/** Every change of a task's state: its timeline. */
export const taskEvents = sqliteTable(
  "task_events",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    jobId: text("job_id").notNull(),
    database: text().notNull(),
    generation: integer().notNull(),
    event: text({
      enum: ["queued", "resent", "started", "paused", "retried", "exported", "dead", "abandoned", "done", "failed"],
    }).notNull(),
    attempt: integer().notNull().default(0),
    at: integer().notNull(),
    errorCode: text("error_code"),
    error: text(),
  },
  (table) => [index("task_events_task").on(table.jobId, table.database, table.id)],
);

/** How each database of a job ended. Written by the aggregator alone. */
export const backupResults = sqliteTable(
  "backup_results",
  {
    jobId: text("job_id")
      .notNull()
      .references(() => backupJobs.id, { onDelete: "cascade" }),
    database: text().notNull(),
    generation: integer().notNull(),
    status: text({ enum: ["succeeded", "failed"] }).notNull(),
    key: text(),
    manifestKey: text("manifest_key"),
    consistency: text({ enum: ["snapshot", "stable", "fuzzy"] }),
    tables: integer(),
    rows: integer(),
    rawBytes: integer("raw_bytes"),
    storedBytes: integer("stored_bytes"),
    durationMs: integer("duration_ms"),
    queries: integer(),
    rowsRead: integer("rows_read"),
    /** SHA-256 of the dump's body, see docs/format/dump.md. */
    bodyDigest: text("body_digest"),
    /** SHA-256 of the stored object. */
    storedDigest: text("stored_digest"),
    /** SHA-256 of the database's definitions; null where the manifest does not say. */
    schemaDigest: text("schema_digest"),
    /** What the dump could not carry, as a JSON array of sentences. */
    warnings: text({ mode: "json" }).$type<string[]>(),
    errorCode: text("error_code"),
    error: text(),
    finishedAt: integer("finished_at").notNull(),
    /** How many results of the database directly before this one had failed. */
    failuresBefore: integer("failures_before").notNull().default(0),
    /** Of a good one: median of `rawBytes` of the good ones before it; null while there are too few. */
    baselineBytes: integer("baseline_bytes"),
    /** Whether the size deviated from the baseline by more than the threshold of that day. */
    deviated: integer({ mode: "boolean" }).notNull().default(false),
    /** Of a failed one: the job that backed the database up after it. */
    healedBy: text("healed_by"),
  },
  (table) => [
    primaryKey({ columns: [table.jobId, table.database] }),
    index("backup_results_database").on(table.database, table.finishedAt),
  ],
);

/**
 * What became of a database on each day, so that a history of months is one row a day. Written with the results, see
 * rollup.ts. A day is the date of its jobs; one without a row had no run that ended.
 */
export const dailyRollup = sqliteTable(
  "daily_rollup",
  {
    database: text().notNull(),
    day: text().notNull(),
    /** The worst that a run of the day ended with. */
    worst: text({ enum: ["good", "fuzzy", "failed"] }).notNull(),
    /** Runs that ended; a replay is one more. */
    runs: integer().notNull(),
    /** Runs that ended with a backup. */
    good: integer().notNull(),
    /** Stored bytes and milliseconds of the day's newest backup; null when it has none. */
    bytes: integer(),
    ms: integer(),
  },
  (table) => [primaryKey({ columns: [table.database, table.day] })],
);

/** Every object that exists in the bucket. A row follows its object, and goes before it. */
export const backupInventory = sqliteTable(
  "backup_inventory",
  {
    key: text().primaryKey(),
    kind: text({ enum: ["daily", "manual", "weekly"] }).notNull(),
    database: text(),
    date: text().notNull(),
    jobId: text("job_id").notNull(),
    size: integer().notNull(),
    digest: text().notNull(),
    etag: text().notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    deletedAt: integer("deleted_at"),
    verifiedAt: integer("verified_at"),
    drilledAt: integer("drilled_at"),
    /** When it was found not to be what its manifest says, and in what, as a sentence; null while it is good. */
    damagedAt: integer("damaged_at"),
    damage: text(),
  },
  (table) => [
    index("backup_inventory_database").on(table.database, table.date),
    index("backup_inventory_date").on(table.date, table.database, table.key),
  ],
);

/**
 * Multipart uploads that are neither completed nor aborted. R2 cannot list them, so a row is written before the first
 * part and goes after the end of the upload.
 */
export const openUploads = sqliteTable(
  "open_uploads",
  {
    uploadId: text("upload_id").primaryKey(),
    key: text().notNull(),
    startedAt: integer("started_at").notNull(),
  },
  (table) => [index("open_uploads_key").on(table.key)],
);

/** Every message that exhausted its attempts or could never succeed. */
export const deadLetters = sqliteTable(
  "dead_letters",
  {
    /** The queue's message id: a letter delivered twice is recorded once. */
    id: text().primaryKey(),
    queue: text().notNull(),
    body: text().notNull(),
    jobId: text("job_id"),
    database: text(),
    generation: integer(),
    attempts: integer().notNull(),
    /** The first error of its attempts, where one was remembered; `error` is the last. */
    firstErrorCode: text("first_error_code"),
    firstError: text("first_error"),
    errorCode: text("error_code"),
    error: text(),
    sentAt: integer("sent_at").notNull(),
    arrivedAt: integer("arrived_at").notNull(),
    state: text({ enum: ["open", "replayed", "discarded"] })
      .notNull()
      .default("open"),
    closedAt: integer("closed_at"),
    closedBy: text("closed_by"),
    /** Why it was discarded. */
    reason: text(),
    /** Where a replay's task is: its own job with a raised generation, or a manual job. */
    replayJob: text("replay_job"),
    replayGeneration: integer("replay_generation"),
    /** When the message of a replay was sent; null while it still has to be. */
    resentAt: integer("resent_at"),
  },
  (table) => [
    index("dead_letters_state").on(table.state, table.arrivedAt),
    index("dead_letters_task").on(table.jobId, table.database),
  ],
);

/** Who did what, downloads included. Only ever added to. */
export const auditLog = sqliteTable(
  "audit_log",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    at: integer().notNull(),
    /** Who: `admin-token`, `read-token`, an Access identity, or a part of Patina. */
    actor: text().notNull(),
    /** What, as `noun.verb`: `channel.add`, `dead-letter.replay`, `backup.download`. */
    action: text().notNull(),
    /** To what: a name or an id. */
    subject: text().notNull(),
    /** What else there is to say; never a secret. */
    detail: text({ mode: "json" }).$type<Readonly<Record<string, unknown>>>(),
    /** Id of the request, which is also in the logs. */
    request: text(),
  },
  (table) => [index("audit_log_at").on(table.at), index("audit_log_subject").on(table.subject, table.id)],
);

/** Logins to the dashboard that work once, see login-links.ts. */
export const loginLinks = sqliteTable("login_links", {
  /** SHA-256 of the code. */
  digest: text().primaryKey(),
  expiresAt: integer("expires_at").notNull(),
  usedAt: integer("used_at"),
});

/** Exclusive, expiring claims that are not a task's: the tick's, for one. */
export const leases = sqliteTable("leases", {
  name: text().primaryKey(),
  holder: text().notNull(),
  expiresAt: integer("expires_at").notNull(),
});

/** Which D1 bindings the exporter of each shard has, in its own words. */
export const exporterBindings = sqliteTable("exporter_bindings", {
  shard: integer().primaryKey(),
  /** Their names, as a JSON array. */
  bindings: text({ mode: "json" }).$type<string[]>().notNull(),
  publishedAt: integer("published_at").notNull(),
});

/** Requests that came with an `Idempotency-Key`, and what was answered. Forgotten after a day. */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    principal: text().notNull(),
    key: text().notNull(),
    /** SHA-256 of the request's method, path and body. */
    digest: text().notNull(),
    /** What everything that the request makes is named after. */
    entropy: text().notNull(),
    claimedAt: integer("claimed_at").notNull(),
    createdAt: integer("created_at").notNull(),
    /** Of the answer; null as long as there is none. */
    status: integer(),
    body: text(),
    location: text(),
  },
  (table) => [
    primaryKey({ columns: [table.principal, table.key] }),
    index("idempotency_keys_created").on(table.createdAt),
  ],
);
