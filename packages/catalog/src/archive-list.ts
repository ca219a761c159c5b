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
  /** Of the stored archive; null while there is none. */
  readonly storedAt: number | null;
  readonly verifiedAt: number | null;
  readonly damage: string | null;
}

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
          a.bytes, a.etag, a.pages, i.created_at as "storedAt", i.verified_at as "verifiedAt", i.damage
        from archives a
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
