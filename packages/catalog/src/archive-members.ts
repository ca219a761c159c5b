import { and, eq, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { archiveMembers, archives } from "./schema.ts";

export type ArchiveMember = typeof archiveMembers.$inferSelect;

/** A daily backup that should be in a week's archive and is not. */
export interface MissingDaily {
  readonly date: string;
  readonly database: string;
  /** Why its export failed, as far as the catalog knows. */
  readonly error: string | null;
}

/** What the nightly jobs of a week were to back up and its archive does not hold. */
export async function missingDailies(
  catalog: Catalog,
  { week, dates }: { week: string; dates: readonly string[] },
): Promise<MissingDaily[]> {
  return await catalog.all<MissingDaily>(
    sql`select j.date as "date", t.database as "database", r.error as "error"
        from backup_jobs j join backup_tasks t on t.job_id = j.id
        left join backup_results r on r.job_id = t.job_id and r.database = t.database and r.status = 'failed'
        where j.kind = 'nightly' and j.date in (select value from json_each(${JSON.stringify(dates)}))
          and not exists (select 1 from archive_members m
            where m.week = ${week} and m.date = j.date and m.database = t.database)
        order by j.date, t.database`,
  );
}

/** A daily backup in an archive, and that archive's etag. */
export interface FoundMember {
  readonly member: ArchiveMember;
  readonly etag: string;
}

/** Where a daily backup is inside a weekly archive that was read back, every byte of it. */
export async function findMember(
  catalog: Catalog,
  { date, database }: { date: string; database: string },
): Promise<FoundMember | undefined> {
  const [found] = await catalog
    .select({ member: archiveMembers, etag: archives.etag })
    .from(archiveMembers)
    .innerJoin(archives, eq(archives.week, archiveMembers.week))
    .where(and(eq(archiveMembers.database, database), eq(archiveMembers.date, date), eq(archives.state, "checked")));
  if (found === undefined || found.etag === null) return undefined;
  return { member: found.member, etag: found.etag };
}
