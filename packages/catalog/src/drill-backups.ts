import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/**
 * A database's newest backup that is not known to be damaged, with the job that made it; out of an archive, which only has
 * nightlies, without. Null when there is none.
 */
export async function newestGoodBackup(
  catalog: Catalog,
  database: string,
): Promise<{ date: string; job: string | null } | null> {
  const [row] = await catalog.all<{ date: string; job: string | null }>(
    sql`select date, job from (
          select date, job_id as job, created_at as at from backup_inventory
          where database = ${database} and kind in ('daily', 'manual') and deleted_at is null and damaged_at is null
          union all
          select m.date, null, 0 from archive_members m join archives a on a.week = m.week
          where m.database = ${database} and a.state = 'checked' and m.damaged_at is null)
        order by date desc, at desc limit 1`,
  );
  return row ?? null;
}

/** Which of these databases have a backup of a date, or any that is not known to be damaged. */
export async function withBackup(
  catalog: Catalog,
  { names, date }: { names: readonly string[]; date: string | null },
): Promise<string[]> {
  const own = sql`select 1 from backup_inventory i where i.database = w.value and i.kind in ('daily', 'manual')
      and i.deleted_at is null and ${date === null ? sql`i.damaged_at is null` : sql`i.date = ${date}`}`;
  const archived = sql`select 1 from archive_members m join archives a on a.week = m.week
      where m.database = w.value and a.state = 'checked' and ${date === null ? sql`m.damaged_at is null` : sql`m.date = ${date}`}`;
  const rows = await catalog.all<{ name: string }>(
    sql`select w.value as "name" from json_each(${JSON.stringify(names)}) w
        where exists (${own}) or exists (${archived}) order by w.value`,
  );
  return rows.map(({ name }) => name);
}

/** An object of the inventory that is a database's backup; null when it is gone, or going. */
export async function storedObject(
  catalog: Catalog,
  key: string,
): Promise<{ key: string; etag: string; date: string; jobId: string } | null> {
  const [row] = await catalog.all<{ key: string; etag: string; date: string; jobId: string }>(
    sql`select key, etag, date, job_id as "jobId" from backup_inventory where key = ${key} and deleted_at is null`,
  );
  return row ?? null;
}
