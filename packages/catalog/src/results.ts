import { type History, type Judgement, judge } from "@patina/alerts/thresholds";
import type { Consistency } from "@patina/core/job";
import { type SQL, type SQLChunk, sql } from "drizzle-orm";
import { raiseEvent } from "./alert-events.ts";
import type { Catalog } from "./catalog.ts";
import { readHistory } from "./history.ts";
import { rollupStatement } from "./rollup.ts";
import { eventStatement, isTask, type TaskRef } from "./tasks.ts";
import { transaction } from "./transaction.ts";

/** A backup that exists: what its manifest says. */
export interface Succeeded {
  readonly status: "succeeded";
  readonly task: TaskRef;
  readonly kind: "daily" | "manual";
  readonly date: string;
  readonly key: string;
  readonly manifestKey: string;
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
  /** Of the database's definitions; absent where the manifest does not say. */
  readonly schemaDigest?: string | undefined;
  readonly etag: string;
  readonly warnings: readonly string[];
  readonly createdAt: number;
  /** When the stored object had been read back; null when its manifest does not say. */
  readonly verifiedAt: number | null;
}

/** A task that ended without a backup. */
export interface Failed {
  readonly status: "failed";
  readonly task: TaskRef;
  /** Null: the last error that the task itself remembers. */
  readonly errorCode: string | null;
  readonly error: string | null;
}

export type Result = Succeeded | Failed;

/**
 * Writes results, counts them into their days and settles their tasks, with what people are told of each, all in one
 * transaction. A result of an older generation, or for a task that is done, changes nothing, so the same result may
 * arrive any number of times in any order. A failure ends a task that is open; a backup also one that has failed, which
 * was given up while another copy of its message was still making it.
 *
 * The results themselves are not counted here: closing the job does that, see closeJobs().
 */
export async function settleTasks(
  catalog: Catalog,
  { results, now }: { results: readonly Result[]; now: number },
): Promise<void> {
  if (results.length === 0) return;
  const { thresholds, historyOf } = await readHistory(
    catalog,
    results.map(({ task }) => task.database),
  );
  await transaction(
    catalog,
    results.flatMap((result) => {
      const history = historyOf(result.task.database);
      return result.status === "succeeded"
        ? successStatements(result, { judgement: judge(result.rawBytes, { history, thresholds }), history, now })
        : failureStatements(result, { history, now });
    }),
  );
}

/** What a failure may end. */
const OPEN = sql`state in ('queued', 'running')`;

/** What a backup ends: it exists, whatever was said of its task before. */
const NOT_DONE = sql`state <> 'done'`;

function settle(task: TaskRef, { state, where, now }: { state: "done" | "failed"; where: SQL; now: number }): SQL {
  return sql`update backup_tasks set state = ${state}, lease_holder = null, lease_expires_at = null,
        next_attempt_at = null, finished_at = ${now}
      where ${isTask(task)} and ${where}`;
}

function successStatements(
  result: Succeeded,
  { judgement, history, now }: { judgement: Judgement; history: History; now: number },
): SQL[] {
  const { task } = result;
  const it = sql`${isTask(task)} and ${NOT_DONE}`;
  const worst = result.consistency === "fuzzy" ? "fuzzy" : "good";
  const end = { worst, bytes: result.storedBytes, ms: result.durationMs } as const;
  return [
    writeResult({ ...succeededRow(result, now), ...judgementRow(judgement), failures_before: history.failures }, it),
    writeInventory(result, it),
    rollupStatement(task, { end, where: NOT_DONE }),
    ...tellOfReplay(result, { judgement, now }),
    eventStatement({ task, event: "done", now, where: NOT_DONE }),
    settle(task, { state: "done", where: NOT_DONE, now }),
    ...heal(result, now),
  ];
}

function failureStatements(result: Failed, { history, now }: { history: History; now: number }): SQL[] {
  const { task, errorCode, error } = result;
  const it = sql`${isTask(task)} and ${OPEN}`;
  return [
    writeResult({ ...failedRow({ errorCode, error, now }), failures_before: history.failures, healed_by: null }, it),
    rollupStatement(task, { end: { worst: "failed" }, where: OPEN }),
    ...raiseEvent(
      { kind: "backup-failed", ...task },
      { now, where: sql`exists (select 1 from backup_tasks where ${it})` },
    ),
    eventStatement({ task, event: "failed", now, where: OPEN, errorCode, error }),
    settle(task, { state: "failed", where: OPEN, now }),
  ];
}

/**
 * What closing tells of all results of a job is told of this one at once when its job was closed before: a replay, or a
 * backup that was finished after its task had been given up.
 */
function tellOfReplay({ task, consistency }: Succeeded, { judgement, now }: { judgement: Judgement; now: number }) {
  const { job, database, generation } = task;
  const kinds = [
    ...(judgement.recovered ? (["recovered"] as const) : []),
    ...(judgement.deviated ? (["size-deviated"] as const) : []),
    ...(consistency === "fuzzy" ? (["backup-fuzzy"] as const) : []),
  ];
  const where = sql`exists (select 1 from backup_tasks where ${isTask(task)} and ${NOT_DONE})
      and exists (select 1 from backup_jobs where id = ${job} and status <> 'running')`;
  return kinds.flatMap((kind) => raiseEvent({ kind, job, replayed: { database, generation } }, { now, where }));
}

/**
 * Notes on the failures of this database that it has a later backup now, and on each job whose last failure that was. A
 * job stays failed; this says that nobody needs to see to it any more.
 */
function heal({ task, createdAt }: Succeeded, now: number): SQL[] {
  const { job, database, generation } = task;
  return [
    sql`update backup_results set healed_by = ${job}
        where database = ${database} and status = 'failed' and healed_by is null and finished_at <= ${createdAt}
          and exists (select 1 from backup_results g where g.job_id = ${job} and g.database = ${database}
            and g.generation = ${generation} and g.status = 'succeeded')`,
    sql`update backup_jobs set healed_by = ${job}, healed_at = ${now}
        where status = 'failed' and healed_by is null
          and id in (select job_id from backup_results where database = ${database} and (job_id = ${job} or healed_by = ${job}))
          and not exists (select 1 from backup_results r
            where r.job_id = backup_jobs.id and r.status = 'failed' and r.healed_by is null)`,
  ];
}

type Row = Record<string, SQL | string | number | null>;

function succeededRow(result: Succeeded, now: number): Row {
  return {
    status: "succeeded",
    key: result.key,
    manifest_key: result.manifestKey,
    consistency: result.consistency,
    tables: result.tables,
    rows: result.rows,
    raw_bytes: result.rawBytes,
    stored_bytes: result.storedBytes,
    duration_ms: result.durationMs,
    queries: result.queries,
    rows_read: result.rowsRead,
    body_digest: result.bodyDigest,
    stored_digest: result.storedDigest,
    schema_digest: result.schemaDigest ?? null,
    warnings: JSON.stringify(result.warnings),
    error_code: null,
    error: null,
    finished_at: now,
  };
}

/** A failure that brings no reason of its own has the last one that the task remembers. */
function failedRow({ errorCode, error, now }: { errorCode: string | null; error: string | null; now: number }): Row {
  return {
    status: "failed",
    error_code: sql`coalesce(${errorCode}, error_code, 'never_finished')`,
    error: sql`coalesce(${error}, error, 'Cannot tell why: no attempt reported an error')`,
    finished_at: now,
  };
}

function judgementRow({ baseline, deviated }: Judgement): Row {
  return { baseline_bytes: baseline, deviated: deviated ? 1 : 0 };
}

function writeResult(row: Row, it: SQL): SQL {
  const columns = Object.keys(row);
  const list = (items: SQLChunk[]) => sql.join(items, sql`, `);
  return sql`insert into backup_results (job_id, database, generation, ${list(columns.map((name) => sql.identifier(name)))})
      select job_id, database, generation, ${list(columns.map((name) => sql`${row[name]}`))}
      from backup_tasks where ${it}
      on conflict (job_id, database) do update set generation = excluded.generation,
        ${list(columns.map((name) => sql`${sql.identifier(name)} = excluded.${sql.identifier(name)}`))}`;
}

function writeInventory(result: Succeeded, it: SQL): SQL {
  return sql`insert into backup_inventory (key, kind, database, date, job_id, size, digest, etag, created_at, verified_at)
      select ${result.key}, ${result.kind}, database, ${result.date}, job_id, ${result.storedBytes},
        ${result.storedDigest}, ${result.etag}, ${result.createdAt}, ${result.verifiedAt}
      from backup_tasks where ${it}
      on conflict (key) do update set job_id = excluded.job_id, size = excluded.size, digest = excluded.digest,
        etag = excluded.etag, created_at = excluded.created_at, deleted_at = null, verified_at = excluded.verified_at,
        drilled_at = null, damaged_at = null, damage = null`;
}
