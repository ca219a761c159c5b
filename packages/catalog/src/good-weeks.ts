import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/** Weeks whose archive is stored, was read back whole, and was not found damaged since. */
export const GOOD_WEEKS = sql`select a.week from archives a
    join backup_inventory w on w.key = 'weekly/' || a.week || '.tar.gz' and w.etag = a.etag
    where a.state = 'checked' and w.deleted_at is null and w.damaged_at is null`;

/**
 * The condition that a member `m` of an archive could not be restored when it was last drilled, there or as a daily. What
 * else was found to be wrong with the daily's object says nothing of its copy, whose bytes were compared with its digest.
 */
export async function isDoubtful(catalog: Catalog): Promise<SQL> {
  const key = (alias: SQL) => sql`(${alias}.key like 'daily/%' or ${alias}.key like 'weekly/%')`;
  // Drills that failed are few: read once, they need not be looked for at every member.
  const failed = await catalog.all<{ database: string; date: string }>(
    sql`select d.database as "database", d.date as "date" from drills d
        where d.verdict = 'failed' and ${key(sql`d`)} and not exists (select 1 from drills n
          where n.database = d.database and n.created_at > d.created_at and n.date = d.date and ${key(sql`n`)}
            and n.verdict in ('passed', 'flawed'))`,
  );
  const list = JSON.stringify(failed.map(({ database, date }) => [database, date]));
  return sql`(m.database, m.date) in (select f.value ->> 0, f.value ->> 1 from json_each(${list}) f)`;
}

/** When a member `m` was finished; where that is not known, a time before it was. */
export const FINISHED_AFTER = sql`coalesce(m.finished_at, unixepoch(m.date) * 1000)`;

/** When a member `m` was finished; where that is not known, a time after it was. */
export const FINISHED_BEFORE = sql`coalesce(m.finished_at, unixepoch(m.date, '+3 days') * 1000)`;
