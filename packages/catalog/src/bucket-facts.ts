import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { listed } from "./listed.ts";

/** What the catalog knows of objects that were listed. */

/** A row of the inventory, as it is held against the bucket. */
export interface InventoryEntry {
  readonly key: string;
  readonly database: string | null;
  readonly etag: string;
  readonly size: number;
  readonly deletedAt: number | null;
  readonly damagedAt: number | null;
  readonly damage: string | null;
}

/** Keys behind one and up to another; without an end, up to the last. */
export interface KeyRange {
  readonly from: string;
  readonly to: string | null;
}

/** Rows of these keys, whether or not their objects are said to exist; and all of a range that are. */
export async function inventoryOf(
  catalog: Catalog,
  { keys, range }: { keys: readonly string[]; range?: KeyRange },
): Promise<InventoryEntry[]> {
  const until = range === undefined || range.to === null ? sql`` : sql` and key <= ${range.to}`;
  const inRange = range === undefined ? sql`` : sql`(key > ${range.from}${until} and deleted_at is null) or `;
  return await catalog.all<InventoryEntry>(
    sql`select key, database as "database", etag, size, deleted_at as "deletedAt", damaged_at as "damagedAt", damage
        from backup_inventory
        where ${inRange}key in ${listed(keys)}`,
  );
}

/** Those of the dates that have a daily backup which is stored. */
export async function datesWithBackups(catalog: Catalog, dates: readonly string[]): Promise<Set<string>> {
  if (dates.length === 0) return new Set();
  const rows = await catalog.all<{ date: string }>(
    sql`select distinct date as "date" from backup_inventory
        where date in ${listed(dates)} and kind = 'daily' and deleted_at is null`,
  );
  return new Set(rows.map(({ date }) => date));
}

/** A database that somebody may be writing a backup of just now. */
export interface OpenTask {
  readonly job: string;
  readonly database: string;
  readonly kind: "nightly" | "weekly" | "manual";
  readonly date: string;
}

/** The tasks of these databases that have not ended. */
export async function openTasksOf(catalog: Catalog, databases: readonly string[]): Promise<OpenTask[]> {
  if (databases.length === 0) return [];
  return await catalog.all<OpenTask>(
    sql`select t.job_id as "job", t.database as "database", j.kind as "kind", j.date as "date"
        from backup_tasks t join backup_jobs j on j.id = t.job_id
        where t.state in ('queued', 'running') and t.database in ${listed(databases)}`,
  );
}

/** Those of the weeks whose archive is being made. */
export async function weeksUnderWay(catalog: Catalog, weeks: readonly string[]): Promise<Set<string>> {
  if (weeks.length === 0) return new Set();
  const rows = await catalog.all<{ week: string }>(
    sql`select a.week as "week" from archives a left join backup_jobs j on j.id = a.job_id
        where a.week in ${listed(weeks)} and (a.state <> 'checked' or j.status = 'running')`,
  );
  return new Set(rows.map(({ week }) => week));
}

/** The statements that take back that objects were missing: they are there again, the same as they were, with all in them. */
export function foundStatements(keys: readonly string[], { damages }: { damages: readonly string[] }): SQL[] {
  const found = sql`key in ${listed(keys)} and damage in ${listed(damages)}`;
  return [
    sql`update archive_members set damaged_at = null
        where (week, damaged_at) in (select substr(key, 8, 8), damaged_at from backup_inventory
          where kind = 'weekly' and ${found})`,
    sql`update backup_inventory set damaged_at = null, damage = null where ${found}`,
  ];
}

/** Uploads that were begun before a moment and neither completed nor aborted. */
export async function oldUploads(
  catalog: Catalog,
  before: number,
): Promise<{ readonly uploadId: string; readonly key: string; readonly startedAt: number }[]> {
  return await catalog.all(
    sql`select upload_id as "uploadId", key, started_at as "startedAt" from open_uploads u
        where started_at <= ${before} and not exists (select 1 from archives where upload_id = u.upload_id)
        order by started_at limit 1000`,
  );
}
