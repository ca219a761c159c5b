import { eq, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { archivePages, archiveParts, archives } from "./schema.ts";
import { transaction } from "./transaction.ts";

/**
 * How far the making of a week's archive came. Every step is noted on the condition that it follows the one before, so a
 * step that is done twice is noted once.
 */
export type Archive = typeof archives.$inferSelect;
export type ArchivePage = typeof archivePages.$inferSelect;

/** Begins an archive, unless it is begun already; as it is now. */
export async function openArchive(
  catalog: Catalog,
  { week, jobId, date, now }: { week: string; jobId: string; date: string; now: number },
): Promise<Archive> {
  await catalog
    .insert(archives)
    .values({ week, jobId, date, damaged: [], startedAt: now, updatedAt: now })
    .onConflictDoNothing();
  const [archive] = await catalog.select().from(archives).where(eq(archives.week, week));
  if (archive === undefined) throw new TypeError(`Cannot find archive "${week}" that was just begun`);
  return archive;
}

export async function findArchive(catalog: Catalog, week: string): Promise<Archive | undefined> {
  const [found] = await catalog.select().from(archives).where(eq(archives.week, week));
  return found;
}

/** What planning knows after a page: where it goes on, and what the archive holds by then. */
export type Planned = Pick<Archive, "date" | "after" | "sumsBytes" | "bytes" | "backups" | "rawBytes">;

/** Notes that a page of the plan is stored. A page without files leaves no row: planning only goes on behind it. */
export async function notePlanned(
  catalog: Catalog,
  options: { archive: Archive; page: Omit<ArchivePage, "week"> | null; planned: Planned; now: number },
): Promise<Archive> {
  const { archive, page, planned, now } = options;
  const { week, pages } = archive;
  const { date, after, sumsBytes, bytes, backups, rawBytes } = planned;
  const now_ = sql`week = ${week} and state = 'planning' and attempt = ${archive.attempt} and pages = ${pages}`;
  const insert =
    page === null
      ? []
      : [
          sql`insert or replace into archive_pages (week, number, date, start, entries, digest)
              select week, ${page.number}, ${page.date}, ${page.start}, ${page.entries}, ${page.digest} from archives where ${now_}`,
        ];
  await transaction(catalog, [
    ...insert,
    sql`update archives set date = ${date}, after = ${after}, sums_bytes = ${sumsBytes}, bytes = ${bytes},
          backups = ${backups}, raw_bytes = ${rawBytes}, pages = ${pages + (page === null ? 0 : 1)}, updated_at = ${now}
        where ${now_}`,
  ]);
  return await reread(catalog, week);
}

/** The plan is whole: the archive has so many bytes. */
export async function noteWhole(
  catalog: Catalog,
  { archive, bytes, now }: { archive: Archive; bytes: number; now: number },
): Promise<Archive> {
  await catalog.run(
    sql`update archives set state = 'writing', bytes = ${bytes}, updated_at = ${now}
        where week = ${archive.week} and state = 'planning' and attempt = ${archive.attempt}`,
  );
  return await reread(catalog, archive.week);
}

/** Pages of an archive's index, in their order. */
export async function archivePagesOf(catalog: Catalog, week: string): Promise<ArchivePage[]> {
  return await catalog.select().from(archivePages).where(eq(archivePages.week, week)).orderBy(archivePages.number);
}

/** Notes an upload before its first part. */
export async function noteUpload(
  catalog: Catalog,
  { archive, key, uploadId, now }: { archive: Archive; key: string; uploadId: string; now: number },
): Promise<Archive> {
  await transaction(catalog, [
    sql`insert into open_uploads (upload_id, key, started_at) values (${uploadId}, ${key}, ${now})`,
    sql`delete from archive_parts where week = ${archive.week}`,
    sql`update archives set upload_id = ${uploadId}, updated_at = ${now} where week = ${archive.week} and state = 'writing'`,
  ]);
  return await reread(catalog, archive.week);
}

export async function notePart(
  catalog: Catalog,
  { archive, number, etag, now }: { archive: Archive; number: number; etag: string; now: number },
): Promise<void> {
  const mine = sql`week = ${archive.week} and state = 'writing' and upload_id = ${archive.uploadId}`;
  await transaction(catalog, [
    sql`insert or replace into archive_parts (week, number, etag)
        select week, ${number}, ${etag} from archives where ${mine}`,
    sql`update archives set updated_at = ${now} where ${mine}`,
  ]);
}

/** Parts of the upload under way, in their order. */
export async function archivePartsOf(catalog: Catalog, week: string): Promise<{ number: number; etag: string }[]> {
  return await catalog
    .select({ number: archiveParts.number, etag: archiveParts.etag })
    .from(archiveParts)
    .where(eq(archiveParts.week, week))
    .orderBy(archiveParts.number);
}

/** The object is there: what is left is to read it back. */
export async function noteWritten(
  catalog: Catalog,
  { archive, etag, now }: { archive: Archive; etag: string; now: number },
): Promise<Archive> {
  await transaction(catalog, [
    sql`delete from open_uploads where upload_id = ${archive.uploadId}`,
    sql`delete from archive_parts where week = ${archive.week}`,
    sql`delete from archive_members where week = ${archive.week}`,
    sql`update archives set state = 'checking', etag = ${etag}, upload_id = null, checked_pages = 0, updated_at = ${now}
        where week = ${archive.week} and state = 'writing'`,
  ]);
  return await reread(catalog, archive.week);
}

/** The upload is gone, or was never completed: writing begins again. */
export async function forgetUpload(
  catalog: Catalog,
  { archive, now }: { archive: Archive; now: number },
): Promise<Archive> {
  await transaction(catalog, [
    sql`delete from open_uploads where upload_id = ${archive.uploadId}`,
    sql`delete from archive_parts where week = ${archive.week}`,
    sql`update archives set upload_id = null, updated_at = ${now} where week = ${archive.week} and state = 'writing'`,
  ]);
  return await reread(catalog, archive.week);
}

/** A daily backup as it lies in the archive, read back and found to be what its manifest says. */
export interface CheckedMember {
  readonly database: string;
  readonly date: string;
  readonly offset: number;
  readonly bytes: number;
  readonly digest: string;
  readonly rawBytes: number;
  /** Exactly, since backups are put in order by it; null when the index does not say. */
  readonly finishedAt: number | null;
  readonly manifestOffset: number;
  readonly manifestBytes: number;
  /** Key and etag of the daily object that it is the same as. */
  readonly key: string;
  readonly etag: string;
}

/**
 * Notes that a page's files were read back. The daily backups among them are thereby verified too: their bytes have the
 * digest that their manifests state. One that a drill could not restore is damaged here as well: the bytes are the same.
 */
export async function noteChecked(
  catalog: Catalog,
  options: { archive: Archive; number: number; members: readonly CheckedMember[]; now: number },
): Promise<Archive> {
  const { archive, number, members, now } = options;
  const { week } = archive;
  const list = JSON.stringify(members);
  const mine = sql`week = ${week} and state = 'checking' and checked_pages = ${number}`;
  await transaction(catalog, [
    sql`insert or replace into archive_members
          (database, date, week, offset, bytes, digest, raw_bytes, finished_at, manifest_offset, manifest_bytes,
            damaged_at)
        select m.value ->> 'database', m.value ->> 'date', ${week}, m.value ->> 'offset', m.value ->> 'bytes',
          m.value ->> 'digest', m.value ->> 'rawBytes', m.value ->> 'finishedAt', m.value ->> 'manifestOffset',
          m.value ->> 'manifestBytes',
          (select i.damaged_at from backup_inventory i where i.key = m.value ->> 'key' and i.etag = m.value ->> 'etag')
        from json_each(${list}) m where exists (select 1 from archives where ${mine})`,
    sql`update backup_inventory set verified_at = ${now}
        where (key, etag) in (select m.value ->> 'key', m.value ->> 'etag' from json_each(${list}) m)`,
    sql`update archives set checked_pages = ${number + 1}, updated_at = ${now} where ${mine}`,
  ]);
  return await reread(catalog, week);
}

/**
 * Every byte was read back. From now on the dailies that it holds may go; those that are there were verified now, which is
 * what the archive's manifest says of all of them.
 */
export async function noteAllChecked(
  catalog: Catalog,
  { archive, now }: { archive: Archive; now: number },
): Promise<Archive> {
  const { week } = archive;
  const mine = sql`week = ${week} and state = 'checking' and attempt = ${archive.attempt}`;
  await transaction(catalog, [
    sql`update backup_inventory as i set verified_at = ${now} from archive_members m
        where m.week = ${week} and i.database = m.database and i.date = m.date and i.kind = 'daily'
          and i.digest = m.digest and exists (select 1 from archives where ${mine})`,
    sql`update archives set state = 'checked', checked_at = ${now}, updated_at = ${now} where ${mine}`,
  ]);
  return await reread(catalog, week);
}

/**
 * Plans an archive anew: a daily backup is no longer the one that the plan names, or the archive was read back as
 * something else. `damaged` is a daily backup that must stay out.
 */
export async function restartArchive(
  catalog: Catalog,
  options: { archive: Archive; date: string; damaged: string | null; now: number },
): Promise<Archive> {
  const { archive, date, damaged, now } = options;
  const { week } = archive;
  const keys = JSON.stringify(damaged === null ? archive.damaged : [...new Set([...archive.damaged, damaged])]);
  await transaction(catalog, [
    sql`delete from open_uploads where upload_id = ${archive.uploadId}`,
    sql`delete from archive_parts where week = ${week}`,
    sql`delete from archive_pages where week = ${week}`,
    sql`delete from archive_members where week = ${week}`,
    sql`update archives set state = 'planning', attempt = attempt + 1, date = ${date}, after = null, sums_bytes = 0,
          pages = 0, bytes = 0, backups = 0, raw_bytes = 0, upload_id = null, etag = null, checked_pages = 0,
          damaged = ${keys}, updated_at = ${now}
        where week = ${week} and state <> 'checked'`,
  ]);
  return await reread(catalog, week);
}

async function reread(catalog: Catalog, week: string): Promise<Archive> {
  const archive = await findArchive(catalog, week);
  if (archive === undefined) throw new TypeError(`Cannot find archive "${week}" any more`);
  return archive;
}
