import type { Consistency } from "@patina/core/job";
import { type SQLChunk, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import type { Catalog } from "./catalog.ts";
import { backupInventory, backupResults, backupTasks } from "./schema.ts";
import { event, type TaskRef } from "./tasks.ts";

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
 * Writes results and settles their tasks, all in one transaction. A result of an older generation, or for a task that
 * is settled already, changes nothing, so the same result may arrive any number of times in any order.
 *
 * The results themselves are not counted here: closing the job does that, see closeJobs().
 */
export async function settleTasks(
  catalog: Catalog,
  { results, now }: { results: readonly Result[]; now: number },
): Promise<void> {
  const statements = results.flatMap((result) => statementsFor(catalog, result, now));
  const [first, ...rest] = statements;
  if (first === undefined) return;
  await catalog.batch([first, ...rest]);
}

function statementsFor(catalog: Catalog, result: Result, now: number): BatchItem<"sqlite">[] {
  const { task } = result;
  const open = sql`t.state in ('queued', 'running')`;
  const it = sql`t.job_id = ${task.job} and t.database = ${task.database} and t.generation = ${task.generation} and ${open}`;
  const settle = (state: "done" | "failed") =>
    catalog.run(
      sql`update ${backupTasks} as t set state = ${state}, lease_holder = null, lease_expires_at = null,
            next_attempt_at = null, finished_at = ${now}
          where ${it}`,
    );
  if (result.status === "succeeded") {
    return [
      writeResult(catalog, succeededRow(result, now), it),
      writeInventory(catalog, result, it),
      event(catalog, { task, event: "done", now, where: open }),
      settle("done"),
    ];
  }
  const error = {
    errorCode: sql`coalesce(${result.errorCode}, t.error_code, 'never_finished')`,
    error: sql`coalesce(${result.error}, t.error, 'Cannot tell why: no attempt reported an error')`,
  };
  return [
    writeResult(catalog, failedRow(error, now), it),
    event(catalog, { task, event: "failed", now, where: open, errorCode: result.errorCode, error: result.error }),
    settle("failed"),
  ];
}

type Row = Record<string, ReturnType<typeof sql> | string | number | null>;

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

function failedRow(error: { errorCode: ReturnType<typeof sql>; error: ReturnType<typeof sql> }, now: number): Row {
  return { status: "failed", error_code: error.errorCode, error: error.error, finished_at: now };
}

function writeResult(catalog: Catalog, row: Row, it: ReturnType<typeof sql>): BatchItem<"sqlite"> {
  const columns = Object.keys(row);
  const list = (items: SQLChunk[]) => sql.join(items, sql`, `);
  return catalog.run(
    sql`insert into ${backupResults} (job_id, database, generation, ${list(columns.map((name) => sql.identifier(name)))})
        select t.job_id, t.database, t.generation, ${list(columns.map((name) => sql`${row[name]}`))}
        from ${backupTasks} t where ${it}
        on conflict (job_id, database) do update set generation = excluded.generation,
          ${list(columns.map((name) => sql`${sql.identifier(name)} = excluded.${sql.identifier(name)}`))}`,
  );
}

function writeInventory(catalog: Catalog, result: Succeeded, it: ReturnType<typeof sql>): BatchItem<"sqlite"> {
  return catalog.run(
    sql`insert into ${backupInventory} (key, kind, database, date, job_id, size, digest, etag, created_at)
        select ${result.key}, ${result.kind}, t.database, ${result.date}, t.job_id, ${result.storedBytes},
          ${result.storedDigest}, ${result.etag}, ${result.createdAt}
        from ${backupTasks} t where ${it}
        on conflict (key) do update set job_id = excluded.job_id, size = excluded.size, digest = excluded.digest,
          etag = excluded.etag, created_at = excluded.created_at, deleted_at = null, verified_at = null, drilled_at = null`,
  );
}
