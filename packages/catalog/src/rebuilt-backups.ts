import type { Consistency, JobTrigger } from "@patina/core/job";
import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/**
 * Backups that the bucket has and the catalog does not: their rows, from what their manifests say. Whatever the catalog
 * knows already stays as it is, and a task under way is left to those who work on it.
 */

/** A backup with everything that its rows say; times in milliseconds, sizes in bytes. */
export interface RebuiltBackup {
  readonly database: string;
  readonly kind: "daily" | "manual";
  readonly date: string;
  readonly generation: number;
  readonly key: string;
  readonly manifestKey: string;
  readonly etag: string;
  readonly consistency: Consistency;
  readonly tables: number;
  readonly rows: number;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly durationMs: number;
  readonly queries: number;
  readonly rowsRead: number;
  readonly bodyDigest: string;
  readonly storedDigest: string;
  readonly warnings: readonly string[];
  readonly createdAt: number;
  /** When the stored object had been read back, as far as its manifest says. */
  readonly verifiedAt: number | null;
  readonly job: RebuiltJob;
  readonly task: { readonly priority: number; readonly attempt: number; readonly startedAt: number };
}

export interface RebuiltJob {
  readonly id: string;
  readonly trigger: JobTrigger;
  readonly reason: string | null;
  readonly scheduledFor: number;
  readonly startedAt: number;
  /** Tasks it was opened with; 0 when that is not known. */
  readonly databases: number;
  readonly replayOf: string | null;
}

/** A stored dump, and the task that it would be of. */
export interface StoredDump {
  readonly key: string;
  readonly job: string;
  readonly database: string;
}

/**
 * Keys of those dumps that the catalog does not know, and whose tasks are not under way. One without its result counts as
 * unknown, too: a prune has put it into the inventory, and nobody knows more of it yet.
 */
export async function unknownBackups(catalog: Catalog, dumps: readonly StoredDump[]): Promise<Set<string>> {
  const rows = await catalog.all<{ key: string }>(
    sql`select m.value ->> 'key' as "key" from json_each(${JSON.stringify(dumps)}) m
        where (not ${IN_INVENTORY} or not ${hasResult(sql`m.value ->> 'job'`)})
          and not ${isUnderWay(sql`m.value ->> 'job'`)}`,
  );
  return new Set(rows.map(({ key }) => key));
}

const IN_INVENTORY = sql`exists (select 1 from backup_inventory i where i.key = m.value ->> 'key')`;

function hasResult(job: SQL): SQL {
  return sql`exists (select 1 from backup_results r where r.job_id = ${job} and r.database = m.value ->> 'database')`;
}

function isUnderWay(job: SQL): SQL {
  return sql`exists (select 1 from backup_tasks t where t.job_id = ${job} and t.database = m.value ->> 'database'
      and t.state in ('queued', 'running'))`;
}

/** The statements that add backups which are objects of their own. */
export function backupStatements(backups: readonly RebuiltBackup[], now: number): SQL[] {
  return inChunks(backups, (list) => {
    const fresh = freshOf(list, IN_INVENTORY);
    return [...runStatements(fresh, { list, now }), inventory(fresh)];
  });
}

/** The statements that add what is known of backups which are in an archive, before the archive's members are added. */
export function archivedStatements(
  backups: readonly RebuiltBackup[],
  { week, now }: { week: string; now: number },
): SQL[] {
  const isMember = sql`exists (select 1 from archive_members a where a.week = ${week}
      and a.database = m.value ->> 'database' and a.date = m.value ->> 'date')`;
  return inChunks(backups, (list) => runStatements(freshOf(list, isMember), { list, now }));
}

/** Bytes of JSON that one statement is given: far below the 2 MB that D1 takes as a value. */
const CHUNK_BYTES = 200_000;

function inChunks(backups: readonly RebuiltBackup[], statementsFor: (list: string) => SQL[]): SQL[] {
  const statements: SQL[] = [];
  let chunk: string[] = [];
  let bytes = 0;
  const flush = () => {
    if (chunk.length > 0) statements.push(...statementsFor(`[${chunk.join(",")}]`));
    chunk = [];
    bytes = 0;
  };
  for (const backup of backups) {
    const json = JSON.stringify(backup);
    if (bytes + json.length > CHUNK_BYTES) flush();
    chunk.push(json);
    bytes += json.length;
  }
  flush();
  return statements;
}

/** Those of a list that are unknown and not under way; one backup is `v`, as JSON. */
function freshOf(list: string, isKnown: SQL): SQL {
  return sql`(select m.value as v from json_each(${list}) m
      where (not ${isKnown} or not ${hasResult(sql`m.value ->> '$.job.id'`)})
        and not ${isUnderWay(sql`m.value ->> '$.job.id'`)})`;
}

/**
 * Jobs, days, tasks, and at last results: what has one is not fresh any more. A result that is there already has been
 * counted into its day.
 */
function runStatements(fresh: SQL, { list, now }: { list: string; now: number }): SQL[] {
  const ids = sql`(select m.value ->> '$.job.id' from json_each(${list}) m)`;
  const isRebuilt = (job: SQL) =>
    sql`exists (select 1 from backup_jobs j where j.id = ${job} and j.rebuilt_at is not null)`;
  return [
    sql`insert into backup_jobs (id, kind, trigger, reason, date, scheduled_for, status, databases, started_at,
          replay_of, rebuilt_at)
        select v ->> '$.job.id', case v ->> 'kind' when 'daily' then 'nightly' else 'manual' end, v ->> '$.job.trigger',
          v ->> '$.job.reason', v ->> 'date', v ->> '$.job.scheduledFor', 'completed', v ->> '$.job.databases',
          min(v ->> '$.job.startedAt'), v ->> '$.job.replayOf', ${now}
        from ${fresh} group by v ->> '$.job.id'
        on conflict (id) do update set started_at = min(started_at, excluded.started_at) where rebuilt_at is not null`,
    sql`insert into daily_rollup (database, day, worst, runs, good, bytes, ms)
        select v ->> 'database', v ->> 'date', case v ->> 'consistency' when 'fuzzy' then 'fuzzy' else 'good' end, 1, 1,
          v ->> 'storedBytes', v ->> 'durationMs'
        from ${fresh} where not exists (select 1 from backup_results r
          where r.job_id = v ->> '$.job.id' and r.database = v ->> 'database')
        on conflict (database, day) do update set
          worst = case when worst = 'good' then excluded.worst else worst end,
          runs = runs + 1, good = good + 1`,
    sql`insert into backup_tasks (job_id, database, priority, state, generation, attempt, started_at, finished_at)
        select v ->> '$.job.id', v ->> 'database', v ->> '$.task.priority', 'done', v ->> 'generation',
          v ->> '$.task.attempt', v ->> '$.task.startedAt', v ->> 'createdAt'
        from ${fresh} where true
        on conflict (job_id, database) do update set generation = excluded.generation, attempt = excluded.attempt,
          started_at = excluded.started_at, finished_at = excluded.finished_at
        where excluded.finished_at > backup_tasks.finished_at and ${isRebuilt(sql`excluded.job_id`)}`,
    sql`insert into backup_results (job_id, database, generation, status, key, manifest_key, consistency, tables, rows,
          raw_bytes, stored_bytes, duration_ms, queries, rows_read, body_digest, stored_digest, warnings, finished_at)
        select v ->> '$.job.id', v ->> 'database', v ->> 'generation', 'succeeded', v ->> 'key', v ->> 'manifestKey',
          v ->> 'consistency', v ->> 'tables', v ->> 'rows', v ->> 'rawBytes', v ->> 'storedBytes', v ->> 'durationMs',
          v ->> 'queries', v ->> 'rowsRead', v ->> 'bodyDigest', v ->> 'storedDigest', v -> 'warnings', v ->> 'createdAt'
        from ${fresh} where true
        on conflict (job_id, database) do update set generation = excluded.generation, key = excluded.key,
          manifest_key = excluded.manifest_key, consistency = excluded.consistency, tables = excluded.tables,
          rows = excluded.rows, raw_bytes = excluded.raw_bytes, stored_bytes = excluded.stored_bytes,
          duration_ms = excluded.duration_ms, queries = excluded.queries, rows_read = excluded.rows_read,
          body_digest = excluded.body_digest, stored_digest = excluded.stored_digest, warnings = excluded.warnings,
          finished_at = excluded.finished_at
        where excluded.finished_at > backup_results.finished_at and ${isRebuilt(sql`excluded.job_id`)}`,
    newestOfDays(list),
    jobTotals(ids),
  ];
}

/** A day's size and duration are those of its newest backup: whatever is of a date is made within the day after it. */
function newestOfDays(list: string): SQL {
  const newest = sql`select r.stored_bytes, r.duration_ms from backup_results r join backup_jobs j on j.id = r.job_id
      where r.database = daily_rollup.database and r.status = 'succeeded' and j.date = day
        and r.finished_at >= unixepoch(day) * 1000 and r.finished_at < unixepoch(day, '+2 days') * 1000
      order by r.finished_at desc limit 1`;
  return sql`update daily_rollup set (bytes, ms) = (${newest})
      where (database, day) in (select m.value ->> 'database', m.value ->> 'date' from json_each(${list}) m)
        and exists (${newest})`;
}

/** A job that was rebuilt has what its results add up to. */
function jobTotals(ids: SQL): SQL {
  const of = (expression: SQL) => sql`(select ${expression} from backup_results r where r.job_id = backup_jobs.id)`;
  return sql`update backup_jobs set
        succeeded = ${of(sql`count(*)`)}, databases = max(databases, ${of(sql`count(*)`)}),
        rows = ${of(sql`sum(r.rows)`)}, raw_bytes = ${of(sql`sum(r.raw_bytes)`)},
        stored_bytes = ${of(sql`sum(r.stored_bytes)`)}, finished_at = ${of(sql`max(r.finished_at)`)}
      where id in ${ids} and rebuilt_at is not null`;
}

/** What the archive of its week was read back to hold was verified then, see noteAllChecked(). */
function inventory(fresh: SQL): SQL {
  return sql`insert into backup_inventory (key, kind, database, date, job_id, size, digest, etag, created_at, verified_at)
      select v ->> 'key', v ->> 'kind', v ->> 'database', v ->> 'date', v ->> '$.job.id', v ->> 'storedBytes',
        v ->> 'storedDigest', v ->> 'etag', v ->> 'createdAt',
        coalesce((select a.checked_at from archive_members n join archives a on a.week = n.week
          where v ->> 'kind' = 'daily' and n.database = v ->> 'database' and n.date = v ->> 'date'
            and n.digest = v ->> 'storedDigest' and a.state = 'checked'), v ->> 'verifiedAt')
      from ${fresh} where true
      on conflict (key) do nothing`;
}
