import { sql } from "drizzle-orm";
import { integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** The catalog's table of its own rebuilding. Part of schema.ts. */

/** What a rebuild goes through, in this order; why in this one says apps/archiver/src/rebuild-catalog.ts. */
export const REBUILD_PHASES = ["archives", "dailies", "manuals", "receipts", "databases"] as const;
export type RebuildPhase = (typeof REBUILD_PHASES)[number];

/** What a rebuild has found in the bucket, and what of it the catalog did not have. */
export interface RebuildCounts {
  /** Backups that are objects of their own. */
  readonly backups: number;
  readonly addedBackups: number;
  readonly archives: number;
  readonly addedArchives: number;
  /** Backups in archives. */
  readonly archived: number;
  readonly addedArchived: number;
  readonly receipts: number;
  /** Drills and entries of the registry that the catalog did not have. */
  readonly addedDrills: number;
  readonly addedDatabases: number;
  /** Objects that nothing could be made of. */
  readonly skipped: number;
}

/** An object that nothing could be made of, and why, in words that follow its key. */
export interface SkippedObject {
  readonly key: string;
  readonly reason: string;
}

/** One rebuild of the catalog from the bucket, and how far it came. */
export const catalogRebuilds = sqliteTable(
  "catalog_rebuilds",
  {
    id: text().primaryKey(),
    state: text({ enum: ["running", "done", "failed"] })
      .notNull()
      .default("running"),
    phase: text({ enum: REBUILD_PHASES }).notNull().default("archives"),
    /** Where the phase goes on: behind this key, page or name; null at its beginning. */
    after: text(),
    counts: text({ mode: "json" }).$type<RebuildCounts>().notNull(),
    /** The first of the objects that were skipped. */
    skipped: text({ mode: "json" }).$type<readonly SkippedObject[]>().notNull(),
    /** Why it failed. */
    error: text(),
    startedAt: integer("started_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    finishedAt: integer("finished_at"),
  },
  // One at a time.
  (table) => [uniqueIndex("catalog_rebuilds_running").on(table.state).where(sql`state = 'running'`)],
);
