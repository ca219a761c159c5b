import type { Consistency } from "@patina/core/job";
import { type SQL, type SQLChunk, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
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
  readonly etag: string;
  readonly warnings: readonly string[];
  readonly createdAt: number;
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
 * Writes results, counts them into their days and settles their tasks, all in one transaction. A result of an older
 * generation, or for a task that is settled already, changes nothing, so the same result may arrive any number of times
 * in any order.
 *
 * The results themselves are not counted here: closing the job does that, see closeJobs().
 */
export async function settleTasks(
  catalog: Catalog,
  { results, now }: { results: readonly Result[]; now: number },
): Promise<void> {
  await transaction(
    catalog,
    results.flatMap((result) => statementsFor(result, now)),
  );
}

const OPEN = sql`state in ('queued', 'running')`;

function statementsFor(result: Result, now: number): SQL[] {
  const { task } = result;
  const it = sql`${isTask(task)} and ${OPEN}`;
  const settle = (state: "done" | "failed") =>
    sql`update backup_tasks set state = ${state}, lease_holder = null, lease_expires_at = null, next_attempt_at = null,
          finished_at = ${now}
        where ${it}`;
  if (result.status === "succeeded") {
    const worst = result.consistency === "fuzzy" ? "fuzzy" : "good";
    const end = { worst, bytes: result.storedBytes, ms: result.durationMs } as const;
    return [
      writeResult(succeededRow(result, now), it),
      writeInventory(result, it),
      rollupStatement(task, { end, where: OPEN }),
      eventStatement({ task, event: "done", now, where: OPEN }),
      settle("done"),
    ];
  }
  const { errorCode, error } = result;
  return [
    writeResult(failedRow({ errorCode, error, now }), it),
    rollupStatement(task, { end: { worst: "failed" }, where: OPEN }),
    eventStatement({ task, event: "failed", now, where: OPEN, errorCode, error }),
    settle("failed"),
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
  return sql`insert into backup_inventory (key, kind, database, date, job_id, size, digest, etag, created_at)
      select ${result.key}, ${result.kind}, database, ${result.date}, job_id, ${result.storedBytes},
        ${result.storedDigest}, ${result.etag}, ${result.createdAt}
      from backup_tasks where ${it}
      on conflict (key) do update set job_id = excluded.job_id, size = excluded.size, digest = excluded.digest,
        etag = excluded.etag, created_at = excluded.created_at, deleted_at = null, verified_at = null, drilled_at = null`;
}
