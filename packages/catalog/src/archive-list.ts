import { type SQL, sql } from "drizzle-orm";
import type { ArchiveMember } from "./archive-members.ts";
import type { Catalog } from "./catalog.ts";

/** A week's archive: being made, or stored. */
export interface ListedArchive {
  readonly week: string;
  readonly job: string;
  readonly state: "planning" | "writing" | "checking" | "checked";
  readonly startedAt: number;
  /** Daily backups in it, and bytes of their SQL, as far as it is planned. */
  readonly backups: number;
  readonly rawBytes: number;
  readonly bytes: number;
  readonly etag: string | null;
  readonly pages: number;
  /** The most databases that one of its nights has, as far as it is planned. */
  readonly databases: number;
  /** Daily backups of the week that are not in it; null as long as its job is under way. */
  readonly missing: number | null;
  /** What is missing in words, or why it was not made; null when there is no such thing. */
  readonly error: string | null;
  /** Of the stored archive; null while there is none. */
  readonly storedAt: number | null;
  readonly verifiedAt: number | null;
  readonly damage: string | null;
}

/** The most backups that a date of an archive `a` has: each is two entries of the date's pages, beside the date's sums. */
const DATABASES = sql`(select coalesce(max(n), 0) from (
    select sum(entries) / 2 as n from archive_pages p where p.week = a.week group by p.date))`;

/** Archives, newest week first; `before` is the last one of the page before. */
export async function listArchives(
  catalog: Catalog,
  { limit, before, week }: { limit: number; before?: string | undefined; week?: string | undefined },
): Promise<ListedArchive[]> {
  const where: SQL[] = [sql`true`];
  if (before !== undefined) where.push(sql`a.week < ${before}`);
  if (week !== undefined) where.push(sql`a.week = ${week}`);
  return await catalog.all<ListedArchive>(
    sql`select a.week, a.job_id as "job", a.state, a.started_at as "startedAt", a.backups, a.raw_bytes as "rawBytes",
          a.bytes, a.etag, a.pages, i.created_at as "storedAt", i.verified_at as "verifiedAt", i.damage,
          ${DATABASES} as "databases",
          case when j.status <> 'running' then j.failed end as "missing", j.error
        from archives a
        left join backup_jobs j on j.id = a.job_id
        left join backup_inventory i on i.key = 'weekly/' || a.week || '.tar.gz' and i.etag = a.etag
          and i.deleted_at is null
        where ${sql.join(where, sql` and `)}
        order by a.week desc limit ${limit}`,
  );
}

/** Daily backups that an archive holds, by date and database; `after` is the last one of the page before. */
export async function listMembers(
  catalog: Catalog,
  options: {
    week: string;
    database?: string | undefined;
    after?: { readonly date: string; readonly database: string } | undefined;
    limit: number;
  },
): Promise<ArchiveMember[]> {
  const { week, database, after, limit } = options;
  const where: SQL[] = [sql`m.week = ${week}`];
  if (database !== undefined) where.push(sql`m.database = ${database}`);
  if (after !== undefined) where.push(sql`(m.date, m.database) > (${after.date}, ${after.database})`);
  return await catalog.all<ArchiveMember>(
    sql`select m.database as "database", m.date as "date", m.week, m.offset, m.bytes, m.digest, m.raw_bytes as "rawBytes",
          m.finished_at as "finishedAt", m.manifest_offset as "manifestOffset", m.manifest_bytes as "manifestBytes",
          m.damaged_at as "damagedAt"
        from archive_members m
        where ${sql.join(where, sql` and `)}
        order by m.date, m.database limit ${limit}`,
  );
}
