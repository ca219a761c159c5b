import type { Check, Verdict } from "@patina/core/drill";
import type { DumpPolicy } from "@patina/core/retention-policy";
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The catalog's tables of custody: what happens to stored backups. Part of schema.ts. */

/** How stored backups are looked after: at most one row; without it the defaults of packages/core. */
export const custodySettings = sqliteTable("custody_settings", {
  id: integer().primaryKey(),
  /** For every database that has no retention of its own. */
  retention: text({ mode: "json" }).$type<DumpPolicy>().notNull(),
  weeklyWeeks: integer("weekly_weeks").notNull(),
  /** Bytes that one scheduled verification may read. */
  verifyBytes: integer("verify_bytes").notNull(),
  /** Rows that drills may write in a calendar month: the platform bills them. */
  drillRows: integer("drill_rows").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** One prune: what was to go, decided before anything went, and how far it came. */
export const prunePlans = sqliteTable(
  "prune_plans",
  {
    id: text().primaryKey(),
    /** The job after which it runs; null when a person asked for it. */
    jobId: text("job_id"),
    state: text({ enum: ["running", "done", "failed"] })
      .notNull()
      .default("running"),
    /** What is being done: nothing goes before everything is decided and stored. */
    phase: text({ enum: ["listing", "marking", "archives", "dumps", "acting", "ageing"] })
      .notNull()
      .default("listing"),
    /** Where the phase goes on: behind this key, or behind this database. */
    cursor: text(),
    /** The moment for which everything is decided. */
    decidedAt: integer("decided_at"),
    /** Why nothing may go; null when there is no such reason. */
    doubt: text(),
    /** Backups that stay, and those that go, as decided. */
    kept: integer().notNull().default(0),
    removing: integer().notNull().default(0),
    /** What came of it: backups and archives that went, and their bytes. */
    removed: integer().notNull().default(0),
    removedBytes: integer("removed_bytes").notNull().default(0),
    /** Backups copied out of an archive before that may go. */
    rescued: integer().notNull().default(0),
    /** Objects that were looked at, and those among them that Patina does not write and never touches. */
    listed: integer().notNull().default(0),
    foreignObjects: integer("foreign_objects").notNull().default(0),
    /** Leftovers that were found, stored backups whose object was not, and backups that the catalog had lost. */
    orphans: integer().notNull().default(0),
    missing: integer().notNull().default(0),
    adopted: integer().notNull().default(0),
    /** Rows of the catalog that had become too old. */
    aged: integer().notNull().default(0),
    /** How often its message was sent again. */
    resends: integer().notNull().default(0),
    /** Why it was given up. */
    error: text(),
    startedAt: integer("started_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    finishedAt: integer("finished_at"),
  },
  (table) => [index("prune_plans_started").on(table.startedAt)],
);

/**
 * What a step does: copy a backup out of an archive; put a backup back into the inventory that it had lost; take a backup
 * out of it whose object is missing; remove a backup, an archive, or what nothing needs; end an upload.
 */
export const PRUNE_ACTIONS = [
  "rescue",
  "adopt",
  "forget_row",
  "remove",
  "remove_archive",
  "remove_orphan",
  "abort_upload",
] as const;

/** The steps of a prune plan, each of which may be taken twice. */
export const pruneSteps = sqliteTable(
  "prune_steps",
  {
    plan: text()
      .notNull()
      .references(() => prunePlans.id, { onDelete: "cascade" }),
    /** The object that it is about; of an upload without an end, its id. */
    key: text().notNull(),
    action: text({ enum: PRUNE_ACTIONS }).notNull(),
    /** Null where it is about no single database. */
    database: text(),
    /** The object that is meant: another one under its key is left alone. Null where there is none to compare. */
    etag: text(),
    reason: text().notNull(),
    /** Bytes of the object; 0 where there is none. */
    size: integer().notNull().default(0),
    state: text({ enum: ["planned", "done", "skipped"] })
      .notNull()
      .default("planned"),
    /** Why it was skipped. */
    note: text(),
  },
  (table) => [
    primaryKey({ columns: [table.plan, table.key] }),
    index("prune_steps_open").on(table.plan).where(sql`state = 'planned'`),
  ],
);

/** Where a verification goes on. */
export interface VerifyPlace {
  /** Behind the backup with this key, in the order of `rank` and key. */
  readonly rank: number;
  readonly key: string;
  /** Of an archive that is under way: it is the one with that key, and so many pages of it are done. Null otherwise. */
  readonly page: number | null;
}

/** Something that a verification found to be wrong. */
export interface VerifyFinding {
  readonly key: string;
  /** A sentence without row data. */
  readonly damage: string;
}

/** When the tick ran: at most one row. See packages/core/src/ticks.ts. */
export const ticks = sqliteTable("ticks", {
  id: integer().primaryKey(),
  last: integer().notNull(),
  since: integer().notNull(),
});

/** One verification of stored backups, and how far it came. */
export const verifyRuns = sqliteTable(
  "verify_runs",
  {
    id: text().primaryKey(),
    /** `due`: what has waited longest, within a budget. `asked`: all that a person named, by database and date. */
    scope: text({ enum: ["due", "asked"] })
      .notNull()
      .default("due"),
    /** Only this database's, only this date's; null for any. */
    database: text(),
    date: text(),
    state: text({ enum: ["running", "done"] })
      .notNull()
      .default("running"),
    after: text({ mode: "json" }).$type<VerifyPlace>(),
    /** Backups that it was to look at when it began; null until it has. */
    total: integer(),
    checked: integer().notNull().default(0),
    damaged: integer().notNull().default(0),
    /** Backups that the bucket did not give: nothing is known of them, and they stay due. */
    unread: integer().notNull().default(0),
    bytes: integer().notNull().default(0),
    /** Backups that were due and had to wait, because the run's bytes were used up; and the keys of the first of them. */
    postponed: integer().notNull().default(0),
    waiting: text({ mode: "json" }).$type<readonly string[]>().notNull().default([]),
    /** The first of what it found. */
    findings: text({ mode: "json" }).$type<readonly VerifyFinding[]>().notNull().default([]),
    startedAt: integer("started_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    finishedAt: integer("finished_at"),
  },
  (table) => [index("verify_runs_started").on(table.startedAt)],
);

/** One drill: a stored backup restored into a scratch database, and compared. */
export const drills = sqliteTable(
  "drills",
  {
    id: text().primaryKey(),
    database: text().notNull(),
    /** Of the backup: its date, the job that made it, and its object. Null until they are known. */
    date: text(),
    jobId: text("job_id"),
    key: text(),
    /** Why it was begun: a database's first backup, another schema than in the last drill, its month, or a person. */
    cause: text({ enum: ["first", "schema", "monthly", "asked"] }).notNull(),
    state: text({ enum: ["queued", "running", "done"] })
      .notNull()
      .default("queued"),
    verdict: text().$type<Verdict>(),
    /** The finding that decided the verdict; null when it passed. */
    reason: text(),
    checks: text({ mode: "json" }).$type<readonly Check[]>(),
    /** Rows and bytes of SQL restored, rows written in doing so, and milliseconds of restoring. */
    rows: integer(),
    bytes: integer(),
    rowsWritten: integer("rows_written").notNull().default(0),
    restoreMs: integer("restore_ms"),
    /** SHA-256 of the backup's definitions: another one is a reason for the next drill. */
    schemaDigest: text("schema_digest"),
    createdAt: integer("created_at").notNull(),
    /** When somebody first worked on it. */
    startedAt: integer("started_at"),
    /** When it last came further, or its message was sent; 0 while it never was. */
    updatedAt: integer("updated_at").notNull(),
    finishedAt: integer("finished_at"),
  },
  (table) => [
    index("drills_database").on(table.database, table.createdAt),
    index("drills_created").on(table.createdAt, table.id),
    index("drills_open").on(table.createdAt).where(sql`state <> 'done'`),
  ],
);

/** Backups that a Worker which may open no job asks for; the tick opens one. */
export const jobRequests = sqliteTable(
  "job_requests",
  {
    id: text().primaryKey(),
    database: text().notNull(),
    reason: text().notNull(),
    createdAt: integer("created_at").notNull(),
    /** The job that was opened for it; null while there is none. */
    jobId: text("job_id"),
  },
  (table) => [index("job_requests_open").on(table.createdAt).where(sql`job_id is null`)],
);
