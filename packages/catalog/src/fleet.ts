import type { Consistency } from "@patina/core/job";
import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { IS_UNDAMAGED } from "./good-backups.ts";

/** One database of the registry with everything that says how it stands. Times in milliseconds, sizes in bytes. */
export interface FleetEntry {
  readonly name: string;
  readonly environment: string;
  readonly description: string;
  /** 0 critical, 1 high, 2 normal. */
  readonly priority: number;
  readonly isEnabled: boolean;
  readonly since: number;
  /** The newest good backup, one that was not found to be damaged; null when there never was one. */
  readonly good: GoodBackup | null;
  /** Runs that failed since a backup was made, damaged or not, and how the last of them did. */
  readonly failures: number;
  readonly failure: LastFailure | null;
  /** The job in which the database has a task queued or running, and that job's date. */
  readonly active: { readonly job: string; readonly date: string } | null;
}

export interface GoodBackup {
  readonly job: string;
  readonly at: number;
  readonly consistency: Consistency;
  readonly bytes: number;
  readonly ms: number;
}

interface LastFailure {
  readonly job: string;
  readonly at: number;
  readonly code: string;
  readonly message: string;
}

/**
 * The whole fleet, by name. Reads the newest results of each database by index and never its history: about ten rows a
 * database, however long it has been backed up.
 *
 * @param names only these databases; all when absent
 */
export async function fleetEntries(catalog: Catalog, names?: readonly string[]): Promise<FleetEntry[]> {
  const only = names === undefined ? sql`true` : sql`d.name in (select value from json_each(${JSON.stringify(names)}))`;
  const made = sql`coalesce((select s.finished_at from backup_results s
      where s.database = d.name and s.status = 'succeeded' order by s.finished_at desc limit 1), 0)`;
  const rows = await catalog.all<Row>(
    sql`select d.name, d.environment, d.description, d.priority, d.enabled, d.created_at as since,
          g.job_id as goodJob, g.finished_at as goodAt, g.consistency, g.stored_bytes as bytes, g.duration_ms as ms,
          (select count(*) from backup_results r
            where r.database = d.name and r.finished_at > ${made} and r.status = 'failed') as failures,
          f.job_id as failedJob, f.finished_at as failedAt, f.error_code as code, f.error as message,
          j.id as activeJob, j.date as activeDate
        from databases d
        left join backup_results g on g.rowid = (
          select rowid from backup_results r where r.database = d.name and r.status = 'succeeded' and ${IS_UNDAMAGED}
          order by r.finished_at desc limit 1)
        left join backup_results f on f.rowid = (
          select rowid from backup_results r where r.database = d.name and r.status = 'failed'
            and r.finished_at > ${made}
          order by r.finished_at desc limit 1)
        left join backup_jobs j on j.id = (
          select job_id from backup_tasks t where t.database = d.name and t.state in ('queued', 'running') limit 1)
        where ${only}
        order by d.name`,
  );
  return rows.map(entryOf);
}

interface Row {
  name: string;
  environment: string;
  description: string;
  priority: number;
  enabled: number;
  since: number;
  goodJob: string | null;
  goodAt: number;
  consistency: Consistency;
  bytes: number;
  ms: number;
  failures: number;
  failedJob: string | null;
  failedAt: number;
  code: string | null;
  message: string | null;
  activeJob: string | null;
  activeDate: string;
}

function entryOf(row: Row): FleetEntry {
  const { name, environment, description, priority, since, failures } = row;
  return {
    name,
    environment,
    description,
    priority,
    since,
    failures,
    isEnabled: row.enabled === 1,
    good:
      row.goodJob === null
        ? null
        : { job: row.goodJob, at: row.goodAt, consistency: row.consistency, bytes: row.bytes, ms: row.ms },
    failure:
      row.failedJob === null
        ? null
        : { job: row.failedJob, at: row.failedAt, code: row.code ?? "internal", message: row.message ?? "" },
    active: row.activeJob === null ? null : { job: row.activeJob, date: row.activeDate },
  };
}

/** The dates from `since` on that have a nightly job. */
export async function nightlyDates(catalog: Catalog, since: string): Promise<Set<string>> {
  const rows = await catalog.all<{ date: string }>(
    // By the id, which is the kind and the date, and the primary key.
    sql`select date from backup_jobs where id >= ${`nightly-${since}`} and id < 'nightly.'`,
  );
  return new Set(rows.map(({ date }) => date));
}
