import { type SQL, sql } from "drizzle-orm";
import type { CheckedMember } from "./archives.ts";
import type { Catalog } from "./catalog.ts";
import type { RebuiltJob } from "./rebuilt-backups.ts";

/** Weekly archives that the bucket has and the catalog does not: their rows, from their manifests and indexes. */

export interface RebuiltArchive {
  readonly week: string;
  /** The Sunday of the week. */
  readonly date: string;
  readonly job: Omit<RebuiltJob, "databases" | "replayOf">;
  readonly key: string;
  readonly bytes: number;
  readonly etag: string;
  readonly digest: string;
  readonly startedAt: number;
  readonly verifiedAt: number;
  readonly backups: number;
  readonly rawBytes: number;
  /** How many backups of the week it lacks, and which, in words; null when it lacks none. */
  readonly missing: number;
  readonly error: string | null;
  readonly pages: readonly {
    readonly number: number;
    readonly date: string;
    readonly start: number;
    readonly entries: number;
    readonly digest: string;
  }[];
}

/**
 * The statements that add an archive with its job and the pages of its index. One whose making the catalog knows of is
 * left alone, and so is its job.
 */
export function archiveStatements(archive: RebuiltArchive, now: number): SQL[] {
  const { week, date, job, key, bytes, etag, digest, startedAt, verifiedAt, backups, rawBytes, missing, error } =
    archive;
  const isUnknown = sql`not exists (select 1 from archives where week = ${week})`;
  const pages = JSON.stringify(archive.pages);
  return [
    sql`insert into backup_jobs (id, kind, trigger, reason, date, scheduled_for, status, databases, succeeded, failed,
          raw_bytes, stored_bytes, started_at, finished_at, error, rebuilt_at)
        select ${job.id}, 'weekly', ${job.trigger}, ${job.reason}, ${date}, ${job.scheduledFor},
          ${missing > 0 ? "failed" : "completed"}, ${backups + missing}, ${backups}, ${missing}, ${rawBytes}, ${bytes},
          ${job.startedAt}, ${verifiedAt}, ${error}, ${now}
        where ${isUnknown}
        on conflict (id) do nothing`,
    sql`insert into backup_inventory (key, kind, database, date, job_id, size, digest, etag, created_at, verified_at)
        select ${key}, 'weekly', null, ${date}, ${job.id}, ${bytes}, ${digest}, ${etag}, ${verifiedAt}, ${verifiedAt}
        where ${isUnknown}
        on conflict (key) do nothing`,
    sql`insert into archives (week, job_id, state, pages, bytes, backups, raw_bytes, etag, checked_pages, damaged,
          started_at, updated_at, checked_at)
        values (${week}, ${job.id}, 'checked', ${archive.pages.length}, ${bytes}, ${backups}, ${rawBytes}, ${etag},
          ${archive.pages.length}, '[]', ${startedAt}, ${verifiedAt}, ${verifiedAt})
        on conflict (week) do nothing`,
    sql`insert into archive_pages (week, number, date, start, entries, digest)
        select ${week}, p.value ->> 'number', p.value ->> 'date', p.value ->> 'start', p.value ->> 'entries',
          p.value ->> 'digest'
        from json_each(${pages}) p where ${isRelied({ week, etag })}
        on conflict (week, number) do nothing`,
  ];
}

/** The statements that add members of an archive that is relied on. */
export function memberStatements(
  members: readonly CheckedMember[],
  archive: { readonly week: string; readonly etag: string },
): SQL[] {
  if (members.length === 0) return [];
  return [
    sql`insert into archive_members
          (database, date, week, offset, bytes, digest, raw_bytes, finished_at, manifest_offset, manifest_bytes)
        select m.value ->> 'database', m.value ->> 'date', ${archive.week}, m.value ->> 'offset', m.value ->> 'bytes',
          m.value ->> 'digest', m.value ->> 'rawBytes', m.value ->> 'finishedAt', m.value ->> 'manifestOffset',
          m.value ->> 'manifestBytes'
        from json_each(${JSON.stringify(members)}) m where ${isRelied(archive)}
        on conflict (database, date) do nothing`,
  ];
}

/**
 * What the catalog knows of an archive: nothing, all of it, or not all its members and their results; or another one of
 * that week, or one that is being made.
 */
export type KnownArchive = "unknown" | "whole" | "partly" | "other";

export async function knownArchive(
  catalog: Catalog,
  { week, etag, backups }: { week: string; etag: string; backups: number },
): Promise<KnownArchive> {
  const [row] = await catalog.all<{ any: number; relied: number; members: number }>(
    sql`select exists (select 1 from archives where week = ${week}) as "any", ${isRelied({ week, etag })} as "relied",
          (select count(*) from archive_members m where m.week = ${week} and ${hasResult(sql`m.database`, sql`m.date`)})
            as "members"`,
  );
  if (row === undefined || row.any === 0) return "unknown";
  if (row.relied === 0) return "other";
  return row.members < backups ? "partly" : "whole";
}

/** Those of an archive's members that the catalog does not have, or has no result of. */
export async function unknownMembers(
  catalog: Catalog,
  { week, members }: { week: string; members: readonly CheckedMember[] },
): Promise<CheckedMember[]> {
  const rows = await catalog.all<{ place: number }>(
    sql`select m.key as "place" from json_each(${JSON.stringify(members)}) m
        where not exists (select 1 from archive_members a where a.week = ${week}
            and a.database = m.value ->> 'database' and a.date = m.value ->> 'date')
          or not ${hasResult(sql`m.value ->> 'database'`, sql`m.value ->> 'date'`)}`,
  );
  const places = new Set(rows.map(({ place }) => place));
  return members.filter((_, i) => places.has(i));
}

/** What is in an archive was made by the nightly job of its date. */
function hasResult(database: SQL, date: SQL): SQL {
  return sql`exists (select 1 from backup_results r where r.job_id = 'nightly-' || ${date} and r.database = ${database})`;
}

/** That exactly this archive is one that was read back. */
function isRelied({ week, etag }: { week: string; etag: string }): SQL {
  return sql`exists (select 1 from archives where week = ${week} and etag = ${etag} and state = 'checked')`;
}
