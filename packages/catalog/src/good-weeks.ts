import { sql } from "drizzle-orm";

/** Weeks whose archive is stored, was read back whole, and was not found damaged since. */
export const GOOD_WEEKS = sql`select a.week from archives a
    join backup_inventory w on w.key = 'weekly/' || a.week || '.tar.gz' and w.etag = a.etag
    where a.state = 'checked' and w.deleted_at is null and w.damaged_at is null`;

/** When a member `m` was finished; where that is not known, a time before it was. */
export const FINISHED_AFTER = sql`coalesce(m.finished_at, unixepoch(m.date) * 1000)`;

/** When a member `m` was finished; where that is not known, a time after it was. */
export const FINISHED_BEFORE = sql`coalesce(m.finished_at, unixepoch(m.date, '+3 days') * 1000)`;
