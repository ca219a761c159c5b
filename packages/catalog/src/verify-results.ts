import { type SQL, sql } from "drizzle-orm";
import { raiseEvent } from "./alert-events.ts";
import type { Catalog } from "./catalog.ts";
import { type Damage, damageStatements, mismatchStatements, requestStatements } from "./damage.ts";
import { transaction } from "./transaction.ts";
import { progressStatement, type VerifyProgress, type VerifyRun } from "./verify-runs.ts";
import type { Subject } from "./verify-subjects.ts";

/** A dump inside an archive. */
export interface MemberRef {
  readonly database: string;
  readonly date: string;
}

/** A dump inside an archive that is damaged there, and whether another good copy of it is stored. */
export interface DamagedMember extends MemberRef {
  readonly isElsewhere: boolean;
}

/** What a run found of one subject. */
export interface Verified {
  readonly subject: Subject;
  /** Null when it is what its manifest says. */
  readonly damage: string | null;
  /** The object that holds it: its own, or the archive. */
  readonly holder: string;
  /** Stands for what was found, see Damage. */
  readonly content: string;
}

/** How many damaged backups a run tells of one by one: a bucket full of them must not send hundreds of alerts. */
export const MAX_TOLD = 10;

/**
 * Notes a piece of a run: what was verified, what is damaged, with the alerts and the requests for fresh backups that this
 * takes, and how far the run came. One transaction; doing it again changes nothing.
 */
export async function noteVerified(
  catalog: Catalog,
  options: { run: VerifyRun; progress: VerifyProgress; verified: readonly Verified[]; now: number },
): Promise<void> {
  const { run, progress, verified, now } = options;
  const damaged = verified.flatMap(({ damage, ...rest }) => (damage === null ? [] : [{ ...rest, damage }]));
  await transaction(catalog, [
    verifiedStatement(verified, now),
    ...damaged.flatMap((found, i) => damagedStatements(found, { isTold: run.damaged + i < MAX_TOLD, now })),
    progressStatement({ from: run, to: progress, now }),
  ]);
}

/** Notes a damaged backup that somebody came upon beside a run, such as while archiving it. */
export async function noteDamaged(catalog: Catalog, found: Damage & { readonly database: string }): Promise<void> {
  const { key, etag, database, now } = found;
  const reason = `Reading ${key} found it damaged`;
  await transaction(catalog, [
    ...mismatchStatements(found),
    ...requestStatements({ id: `verify:${etag}`, database, reason, now }),
  ]);
}

/** Notes how far a run came inside an archive, and which of the dumps in it are damaged. */
export async function noteArchivePage(
  catalog: Catalog,
  options: { run: VerifyRun; progress: VerifyProgress; week: string; damaged: readonly MemberRef[]; now: number },
): Promise<void> {
  const { run, progress, week, damaged, now } = options;
  await transaction(catalog, [
    ...(damaged.length === 0 ? [] : [memberStatement(week, damaged, now)]),
    progressStatement({ from: run, to: progress, now }),
  ]);
}

/** Ends a run; when it found more than it told of one by one, that is told now. */
export async function endVerifyRun(
  catalog: Catalog,
  { run, progress, now }: { run: VerifyRun; progress: VerifyProgress; now: number },
): Promise<void> {
  const many = progress.damaged;
  const [first] = progress.findings;
  await transaction(catalog, [
    ...(many > MAX_TOLD && first !== undefined
      ? raiseEvent(
          { kind: "verify-mismatch", content: run.id, key: first.key, database: null, error: first.damage, many },
          { now },
        )
      : []),
    progressStatement({ from: run, to: progress, now, isDone: true }),
  ]);
}

/** Dumps of an archive that were found to be damaged. */
export async function damagedMembers(catalog: Catalog, week: string): Promise<DamagedMember[]> {
  const rows = await catalog.all<MemberRef & { elsewhere: number }>(
    sql`select m.database as "database", m.date as "date", exists (select 1 from backup_inventory i
          where i.database = m.database and i.date = m.date and i.kind = 'daily' and i.deleted_at is null
            and i.damaged_at is null) as "elsewhere"
        from archive_members m where m.week = ${week} and m.damaged_at is not null order by m.date, m.database`,
  );
  return rows.map(({ elsewhere, ...member }) => ({ ...member, isElsewhere: elsewhere === 1 }));
}

/** Every dump of an archive is damaged: it is gone, or another object. */
export async function markAllMembers(catalog: Catalog, { week, now }: { week: string; now: number }): Promise<void> {
  await catalog.run(sql`update archive_members set damaged_at = ${now} where week = ${week} and damaged_at is null`);
}

/**
 * When objects were last read from end to end. A dump that is known to be damaged stays so: a drill may have found what
 * reading cannot. An archive is read again in a month, whatever is wrong with parts of it.
 */
function verifiedStatement(verified: readonly Verified[], now: number): SQL {
  const read = verified.filter(
    ({ damage, subject: { is } }) => is === "archive" || (is === "backup" && damage === null),
  );
  const list = JSON.stringify(read.map(({ subject: { key, etag } }) => [key, etag]));
  return sql`update backup_inventory set verified_at = ${now}
      where (key, etag) in (select e.value ->> 0, e.value ->> 1 from json_each(${list}) e)
        and deleted_at is null and (damaged_at is null or kind = 'weekly')`;
}

function damagedStatements(
  found: Verified & { readonly damage: string },
  { isTold, now }: { isTold: boolean; now: number },
): SQL[] {
  const { subject, damage, holder, content } = found;
  const { database, date, etag, week } = subject;
  const told = { key: holder, etag, database, damage, now, content };
  return [
    ...(isTold ? mismatchStatements(told) : damageStatements(told)),
    ...(subject.is === "member" && week !== null && database !== null
      ? [memberStatement(week, [{ database, date }], now)]
      : []),
    ...requestFor(found, now),
  ];
}

/**
 * A fresh backup makes up for a damaged one as far as that is possible. What an archive has lost is of days that are gone:
 * a backup is asked for only of databases that have no other one.
 */
function requestFor({ subject, holder, content }: Verified, now: number): SQL[] {
  const reason = `A verification found ${holder} damaged`;
  const { database, week } = subject;
  if (subject.is === "archive") return week === null ? [] : requestsForLost(week, { content, reason, now });
  if (database === null) return [];
  const where = subject.is === "member" ? hasNoGood(sql`${database}`) : sql`true`;
  return requestStatements({ id: `verify:${content}`, database, reason, now, where });
}

function requestsForLost(
  week: string,
  { content, reason, now }: { content: string; reason: string; now: number },
): SQL[] {
  return [
    sql`insert into job_requests (id, database, reason, created_at)
        select distinct 'verify:' || ${content} || ':' || d.name, d.name, ${reason}, ${now}
        from databases d join archive_members m on m.database = d.name
        where m.week = ${week} and m.damaged_at is not null and d.enabled = 1 and ${hasNoGood(sql`d.name`)}
          and not exists (select 1 from job_requests q where q.database = d.name and q.job_id is null)
        on conflict (id) do nothing`,
  ];
}

/** The condition that no good backup of a database is an object of its own. */
function hasNoGood(database: SQL): SQL {
  return sql`not exists (select 1 from backup_inventory i
      where i.database = ${database} and i.deleted_at is null and i.damaged_at is null)`;
}

function memberStatement(week: string, members: readonly MemberRef[], now: number): SQL {
  const list = JSON.stringify(members.map(({ database, date }) => [database, date]));
  return sql`update archive_members set damaged_at = ${now}
      where week = ${week} and damaged_at is null
        and (database, date) in (select e.value ->> 0, e.value ->> 1 from json_each(${list}) e)`;
}
