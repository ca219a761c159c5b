import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The catalog's tables of weekly archives. Part of schema.ts. */

/** The making of one week's archive: how far it came. Its plan is the pages of the index, in the bucket. */
export const archives = sqliteTable("archives", {
  /** Such as `2026-W47`. */
  week: text().primaryKey(),
  /** The weekly job that it was started for. */
  jobId: text("job_id").notNull(),
  state: text({ enum: ["planning", "writing", "checking", "checked"] })
    .notNull()
    .default("planning"),
  /** How often it was planned: a daily backup that changes underneath it, or is found damaged, starts it again. */
  attempt: integer().notNull().default(1),
  /** Planning: the date whose backups are listed (null after the last), and the last key of it that a page covers. */
  date: text(),
  after: text(),
  /** Bytes of that date's SHA256SUMS so far. */
  sumsBytes: integer("sums_bytes").notNull().default(0),
  pages: integer().notNull().default(0),
  /** Size of the archive, as far as it is planned. */
  bytes: integer().notNull().default(0),
  backups: integer().notNull().default(0),
  rawBytes: integer("raw_bytes").notNull().default(0),
  /** Writing: the upload under way. */
  uploadId: text("upload_id"),
  etag: text(),
  /** Checking: pages whose every byte was read back. */
  checkedPages: integer("checked_pages").notNull().default(0),
  /** Keys of daily backups that were found damaged and must not go in. */
  damaged: text({ mode: "json" }).$type<string[]>().notNull(),
  startedAt: integer("started_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
  checkedAt: integer("checked_at"),
});

/** Pages of an archive's index: where in the archive each one's files are. */
export const archivePages = sqliteTable(
  "archive_pages",
  {
    week: text()
      .notNull()
      .references(() => archives.week, { onDelete: "cascade" }),
    number: integer().notNull(),
    /** A page's files are all of one date. */
    date: text().notNull(),
    start: integer().notNull(),
    entries: integer().notNull(),
    /** SHA-256 of the page's object. */
    digest: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.week, table.number] })],
);

/** Parts of an archive that are uploaded. R2 wants their etags back to complete the upload, and cannot list them. */
export const archiveParts = sqliteTable(
  "archive_parts",
  {
    week: text()
      .notNull()
      .references(() => archives.week, { onDelete: "cascade" }),
    number: integer().notNull(),
    etag: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.week, table.number] })],
);

/**
 * Daily backups that a week's archive was read back to hold. They can be relied on once the archive is `checked`; until
 * then it may still be found damaged and made again.
 */
export const archiveMembers = sqliteTable(
  "archive_members",
  {
    database: text().notNull(),
    date: text().notNull(),
    week: text()
      .notNull()
      .references(() => archives.week, { onDelete: "cascade" }),
    /** Where in the archive the stored dump is, byte for byte as the daily object was, and its SHA-256. */
    offset: integer().notNull(),
    bytes: integer().notNull(),
    digest: text().notNull(),
    /** Size of the SQL. */
    rawBytes: integer("raw_bytes").notNull(),
    /** When the backup was finished, as its row in the inventory says it; null where that is not known. */
    finishedAt: integer("finished_at"),
    /** Where the gzip data of its manifest is. */
    manifestOffset: integer("manifest_offset").notNull(),
    manifestBytes: integer("manifest_bytes").notNull(),
    /** When it was found not to be what it was, or not to restore, here or as the daily that it is a copy of. */
    damagedAt: integer("damaged_at"),
  },
  (table) => [
    primaryKey({ columns: [table.database, table.date] }),
    index("archive_members_week").on(table.week, table.date),
  ],
);
