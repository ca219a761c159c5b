import type { AlertEvent } from "@patina/alerts/event";
import { isOneOfMany, levelOf } from "@patina/alerts/event";
import type { DatabaseReport, LettersReport, Report } from "@patina/alerts/report";
import { ERROR_CODES, isErrorCode } from "@patina/core/error";
import type { Consistency } from "@patina/core/job";
import { eq, type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { newestGoodBackups } from "./good-backups.ts";
import { findJob } from "./jobs.ts";
import { alertEvents } from "./schema.ts";

/** Who tells it, where its pages are, and when. */
interface Sender {
  readonly environment: string;
  readonly home: string | null;
  readonly now: number;
}

/**
 * Everything that an alert tells of an event, as it is now: what failed, what the databases still have, since when they
 * have been failing.
 *
 * @returns null when there is no such event
 */
export async function readReport(catalog: Catalog, { id, ...sender }: Sender & { id: string }): Promise<Report | null> {
  const [found] = await catalog.select().from(alertEvents).where(eq(alertEvents.event, id));
  if (found === undefined) return null;
  const { facts: event, at, jobId } = found;
  const about = subjectsOf(event);
  return {
    id,
    event,
    level: levelOf(event.kind),
    at,
    ...sender,
    job: jobId === null ? null : ((await findJob(catalog, jobId)) ?? null),
    databases: about === null ? [] : await readDatabases(catalog, about),
    letters: event.kind === "dead-letter" ? await readLetters(catalog, event) : null,
  };
}

/** The databases that an alert is about: a query of `name` and `priority`, and the job whose results count. */
interface Subjects {
  readonly names: SQL;
  /** Null: the last result of each. */
  readonly job: string | null;
  /** An object that is not to pass for a good backup. */
  readonly notGood: string | null;
}

function subjectsOf(event: AlertEvent): Subjects | null {
  switch (event.kind) {
    case "job-started":
    case "archive-skipped":
    case "archive-incomplete":
    case "channel-test":
      return null;
    case "job-completed":
    case "job-failed":
    case "job-slow":
      return ofJob(event.job);
    case "recovered":
      return ofResults(event, sql`r.failures_before > 0`);
    case "size-deviated":
      return ofResults(event, sql`r.deviated = 1`);
    case "backup-fuzzy":
      return ofResults(event, sql`r.consistency = 'fuzzy'`);
    case "backup-failed":
      return { ...named(event.database), job: event.job };
    case "verify-mismatch":
      return event.database === null ? ofArchive(event.key) : { ...named(event.database), notGood: event.key };
    case "drill-failed":
      return { ...named(event.database), notGood: event.key };
    case "restored":
    case "restore-failed":
      return { ...named(event.database), job: null };
    case "dead-letter":
      return event.job === null ? null : ofLetters(event);
    case "run-missed":
    case "daily-summary":
      return { names: sql`select name, priority from databases where enabled = 1`, job: null, notGood: null };
  }
}

function ofJob(job: string): Subjects {
  return {
    names: sql`select database as name, priority from backup_tasks where job_id = ${job}`,
    job,
    notGood: null,
  };
}

function ofResults(
  { job, replayed }: Extract<AlertEvent, { kind: "recovered" | "size-deviated" | "backup-fuzzy" }>,
  condition: SQL,
): Subjects {
  if (replayed !== null) return { ...named(replayed.database), job };
  return {
    names: sql`select r.database as name, 0 as priority from backup_results r
        where r.job_id = ${job} and r.status = 'succeeded' and ${condition}`,
    job,
    notGood: null,
  };
}

type LetterEvent = Extract<AlertEvent, { kind: "dead-letter" }>;

/** The condition that a letter is one of those that an alert stands for. */
function isOf(event: LetterEvent): SQL {
  if (!isOneOfMany(event)) return sql`id = ${event.letter}`;
  return sql`job_id = ${event.job} and queue = ${event.queue} and generation = ${event.generation}`;
}

function ofLetters(event: LetterEvent): Subjects {
  const names = sql`select distinct database as name, 0 as priority from dead_letters
      where ${isOf(event)} and database is not null`;
  return { names, job: event.job, notGood: null };
}

/** Those whose backups in an archive are damaged, and that have no other copy of them. */
function ofArchive(key: string): Subjects {
  const names = sql`select distinct m.database as name, 0 as priority
      from archive_members m join backup_inventory a on a.key = ${key} and a.kind = 'weekly'
      where a.key = 'weekly/' || m.week || '.tar.gz' and m.damaged_at is not null
        and not exists (select 1 from backup_inventory i where i.database = m.database and i.date = m.date
          and i.kind = 'daily' and i.deleted_at is null and i.damaged_at is null)`;
  return { names, job: null, notGood: null };
}

function named(database: string): Subjects {
  return { names: sql`select ${database} as name, 0 as priority`, job: null, notGood: null };
}

interface Row {
  name: string;
  attempts: number | null;
  status: "succeeded" | "failed" | null;
  consistency: Consistency | null;
  rows: number | null;
  rawBytes: number | null;
  storedBytes: number | null;
  durationMs: number | null;
  key: string | null;
  warnings: string | null;
  errorCode: string | null;
  error: string | null;
  failuresBefore: number;
  baselineBytes: number | null;
  failingSince: number | null;
  goodJob: string | null;
  goodKey: string | null;
  goodAt: number | null;
}

async function readDatabases(catalog: Catalog, { names, job, notGood }: Subjects): Promise<DatabaseReport[]> {
  const result = sql`select rowid from backup_results where database = d.name
      ${job === null ? sql`` : sql`and job_id = ${job}`} order by finished_at desc limit 1`;
  const rows = await catalog.all<Row>(
    sql`select d.name as "name", t.attempt as "attempts", r.status as "status", r.consistency as "consistency",
          r.rows as "rows", r.raw_bytes as "rawBytes", r.stored_bytes as "storedBytes", r.duration_ms as "durationMs",
          r.key as "key", r.warnings as "warnings", r.error_code as "errorCode", r.error as "error",
          coalesce(r.failures_before, 0) as "failuresBefore", r.baseline_bytes as "baselineBytes",
          i.job as "goodJob", i.key as "goodKey", i.at as "goodAt",
          (select min(f.finished_at) from backup_results f
             where f.database = d.name and f.status = 'failed' and f.finished_at <= r.finished_at
               and f.finished_at > coalesce((select max(g.finished_at) from backup_results g
                 where g.database = d.name and g.status = 'succeeded' and g.finished_at < r.finished_at), -1)
          ) as "failingSince"
        from (${names}) d
        left join backup_results r on r.rowid = (${result})
        left join backup_tasks t on t.job_id = r.job_id and t.database = d.name
        left join (${newestGoodBackups(sql`select name from (${names})`, { but: notGood })}) i on i.database = d.name
        order by d.priority, d.name`,
  );
  return rows.map(databaseReport);
}

function databaseReport(row: Row): DatabaseReport {
  const { goodJob, goodKey, goodAt, status } = row;
  return {
    name: row.name,
    state: status ?? "waiting",
    consistency: row.consistency,
    rows: row.rows,
    rawBytes: row.rawBytes,
    storedBytes: row.storedBytes,
    durationMs: row.durationMs,
    key: row.key,
    warnings: row.warnings === null ? [] : JSON.parse(row.warnings),
    attempts: row.attempts ?? 0,
    error: errorOf(row),
    lastGood:
      goodJob === null || goodKey === null || goodAt === null ? null : { job: goodJob, key: goodKey, at: goodAt },
    failures: row.failuresBefore + (status === "failed" ? 1 : 0),
    failingSince: row.failingSince,
    baselineBytes: row.baselineBytes,
  };
}

function errorOf({ status, errorCode, error }: Row): DatabaseReport["error"] {
  if (status !== "failed") return null;
  const code = errorCode !== null && isErrorCode(errorCode) ? errorCode : "internal";
  return { code, message: error ?? "", next: ERROR_CODES[code].next };
}

/** The letters that one alert stands for. */
async function readLetters(catalog: Catalog, event: LetterEvent): Promise<LettersReport> {
  const [row] = await catalog.all<{ count: number; error: string | null }>(
    // Beside max(), the bare column comes from the row with the maximum.
    sql`select count(*) as "count", error as "error", max(arrived_at) from dead_letters where ${isOf(event)}`,
  );
  return { count: row?.count ?? 0, error: row?.error ?? null };
}
