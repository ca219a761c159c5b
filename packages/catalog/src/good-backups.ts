import { type SQL, sql } from "drizzle-orm";

/**
 * The newest good backup of each database that `names` selects as `name`: a query of `database`, `job`, `key` and `at`,
 * which are null where there is none. A damaged one is not good. What only a weekly archive holds counts when nothing else
 * is left; its `key` is that of the object that it was.
 *
 * @param but an object that is not to pass for one
 */
export function newestGoodBackups(names: SQL, { but = null }: { but?: string | null } = {}): SQL {
  return sql`select d.name as database, coalesce(i.job_id, 'nightly-' || m.date) as job,
        coalesce(i.key, 'daily/' || m.date || '/' || m.database || '.sql.gz') as key,
        coalesce(i.created_at, m.finished_at, r.finished_at, 1000 * unixepoch(m.date)) as at
      from (${names}) d
      left join backup_inventory i on i.key = (
        select key from backup_inventory where database = d.name and deleted_at is null and damaged_at is null
          and key is not ${but}
        order by created_at desc limit 1)
      left join archive_members m on i.key is null and m.rowid = (
        select x.rowid from archive_members x join archives a on a.week = x.week and a.state = 'checked'
        where x.database = d.name and x.damaged_at is null order by x.date desc limit 1)
      left join backup_results r on r.job_id = 'nightly-' || m.date and r.database = m.database and r.status = 'succeeded'`;
}

/** The condition that the backup which a result `r` stands for has not been found to be damaged. */
export const IS_UNDAMAGED: SQL = sql`not exists (select 1 from backup_inventory i
    where i.key = r.key and i.job_id = r.job_id and i.damaged_at is not null)`;
