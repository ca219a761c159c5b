import { dueBefore } from "@patina/core/verification";
import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import type { VerifyPlace } from "./custody-tables.ts";
import type { VerifyRun } from "./verify-runs.ts";

/** Something stored that a run looks at. */
export interface Subject {
  /**
   * - `backup`: a dump that is an object of its own
   * - `archive`: a weekly archive, as a whole
   * - `member`: a dump whose own object is gone, out of its archive; `key` is that of the object that it was
   */
  readonly is: "backup" | "archive" | "member";
  readonly key: string;
  /** Of the object that holds it. */
  readonly etag: string;
  /** Null for an archive. */
  readonly database: string | null;
  readonly date: string;
  readonly job: string;
  readonly bytes: number;
  readonly digest: string;
  /** Of the archive that it is, or lies in; null for an object of its own. */
  readonly week: string | null;
  /** Subjects come in the order of rank and key: what was verified longest ago is due first. */
  readonly rank: number;
}

const COLUMNS = sql`key, etag, database, date, job, bytes, digest, week, rank`;

/** Every stored object for which `where` holds. */
function objects({ where, rank }: { where: SQL; rank: SQL }): SQL {
  return sql`select case kind when 'weekly' then 'archive' else 'backup' end as "is", key, etag, database, date,
        job_id as job, size as bytes, digest,
        case kind when 'weekly' then substr(key, length('weekly/') + 1, length('2026-W47')) end as week, ${rank} as rank
      from backup_inventory where deleted_at is null and ${where}`;
}

/** Dumps that only their archives hold any more, and for which `where` holds. */
function members(where: SQL): SQL {
  const key = sql`'daily/' || m.date || '/' || m.database || '.sql.gz'`;
  return sql`select 'member' as "is", ${key} as key, a.etag, m.database, m.date, 'nightly-' || m.date as job, m.bytes,
        m.digest, m.week, 0 as rank
      from archive_members m join archives a on a.week = m.week and a.state = 'checked'
      where ${where} and not exists (select 1 from backup_inventory i where i.key = ${key} and i.deleted_at is null)`;
}

/** What decides what a run is to look at, and where it is. */
type Aim = Pick<VerifyRun, "scope" | "database" | "date" | "startedAt" | "after">;

/** All that a run is to look at. */
function subjectsOf({ scope, database, date, startedAt }: Aim): SQL {
  if (scope === "due") {
    const { dumps, archives } = dueBefore(startedAt);
    const rank = sql`coalesce(verified_at, 0)`;
    // Of a damaged dump nothing more is to be found out; a damaged archive holds others that are good.
    const isOpen = sql`(damaged_at is null or kind = 'weekly')`;
    const where = sql`${isOpen} and ${rank} <= case kind when 'weekly' then ${archives} else ${dumps} end`;
    return objects({ where, rank });
  }
  // Archives hold all of their databases and dates: who names one of these gets its dumps out of them.
  if (database === null && date === null) return objects({ where: sql`true`, rank: sql`0` });
  const ofDatabase = (column: SQL) => (database === null ? sql`true` : sql`${column} = ${database}`);
  const ofDate = (column: SQL) => (date === null ? sql`true` : sql`${column} = ${date}`);
  const where = sql`kind <> 'weekly' and ${ofDatabase(sql`database`)} and ${ofDate(sql`date`)}`;
  const archived = sql`${ofDatabase(sql`m.database`)} and ${ofDate(sql`m.date`)}`;
  return sql`${objects({ where, rank: sql`0` })} union all ${members(archived)}`;
}

function behind(place: VerifyPlace | null): SQL {
  if (place === null) return sql`true`;
  const { rank, key, page } = place;
  return page === null ? sql`(rank, key) > (${rank}, ${key})` : sql`(rank, key) >= (${rank}, ${key})`;
}

/** What a run is to look at next, in order. */
export async function nextSubjects(
  catalog: Catalog,
  { run, limit }: { run: VerifyRun; limit: number },
): Promise<Subject[]> {
  return await catalog.all<Subject>(
    sql`select "is", ${COLUMNS} from (${subjectsOf(run)}) where ${behind(run.after)} order by rank, key limit ${limit}`,
  );
}

/** How much a run still has to look at. */
export async function countSubjects(catalog: Catalog, run: Aim): Promise<number> {
  const [row] = await catalog.all<{ count: number }>(
    sql`select count(*) as "count" from (${subjectsOf(run)}) where ${behind(run.after)}`,
  );
  return row?.count ?? 0;
}

/**
 * A stored object as the catalog has it now; undefined when it has gone, or is going. `isBusy` when its database is being
 * backed up by the job that made it: the object may be replaced at any moment.
 */
export async function findSubject(
  catalog: Catalog,
  key: string,
): Promise<(Subject & { readonly isBusy: boolean }) | undefined> {
  const [row] = await catalog.all<Subject & { busy: number }>(
    sql`select "is", ${COLUMNS}, exists (select 1 from backup_tasks t
          where t.job_id = s.job and t.database = s.database and t.state in ('queued', 'running')) as "busy"
        from (${objects({ where: sql`key = ${key}`, rank: sql`coalesce(verified_at, 0)` })}) s`,
  );
  if (row === undefined) return undefined;
  const { busy, ...subject } = row;
  return { ...subject, isBusy: busy === 1 };
}
