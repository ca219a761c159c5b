import type { Check, Verdict } from "@patina/core/drill";
import type { Cause } from "@patina/core/drill-schedule";
import { eq, type SQL, sql } from "drizzle-orm";
import { raiseEvent } from "./alert-events.ts";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { copyStatement, damageStatements, requestStatements } from "./damage.ts";
import { drills } from "./schema.ts";
import { transaction } from "./transaction.ts";

export type DrillRow = typeof drills.$inferSelect;

export interface NewDrill {
  readonly id: string;
  readonly database: string;
  /** Of the backup; null for the newest. */
  readonly date: string | null;
  /** The job that made it, where a date has several; null for the nightly, or else the newest. */
  readonly jobId: string | null;
  readonly cause: Cause;
}

/**
 * Opens drills, each unless the database has one under way. Opening the same ones again changes nothing.
 *
 * @returns these drills, and those of the same databases that are open now
 */
export async function openDrills(
  catalog: Catalog,
  { wanted, now, audit }: { wanted: readonly NewDrill[]; now: number; audit?: AuditEntry },
): Promise<DrillRow[]> {
  if (wanted.length === 0) return [];
  const list = JSON.stringify(wanted);
  await transaction(catalog, [
    sql`insert into drills (id, database, date, job_id, cause, created_at, updated_at)
        select w.value ->> 'id', w.value ->> 'database', w.value ->> 'date', w.value ->> 'jobId', w.value ->> 'cause',
          ${now}, 0
        from json_each(${list}) w
        where not exists (select 1 from drills o where o.database = w.value ->> 'database' and o.state <> 'done')
        on conflict (id) do nothing`,
    ...(audit === undefined ? [] : [auditStatement(audit, sql`changes() > 0`)]),
  ]);
  const of = (field: string) => sql`(select value ->> ${field} from json_each(${list}))`;
  return await catalog
    .select()
    .from(drills)
    .where(sql`${drills.id} in ${of("id")} or (${drills.state} <> 'done' and ${drills.database} in ${of("database")})`)
    .orderBy(drills.database);
}

export async function findDrill(catalog: Catalog, id: string): Promise<DrillRow | undefined> {
  const [found] = await catalog.select().from(drills).where(eq(drills.id, id));
  return found;
}

/** Notes that somebody works on a drill, and what is known of it by now. */
export async function noteDrill(
  catalog: Catalog,
  id: string,
  {
    now,
    ...known
  }: Partial<Pick<DrillRow, "date" | "jobId" | "key" | "checks" | "rowsWritten" | "restoreMs">> & {
    readonly now: number;
  },
): Promise<void> {
  await catalog
    .update(drills)
    .set({ ...known, state: "running", startedAt: sql`coalesce(${drills.startedAt}, ${now})`, updatedAt: now })
    .where(sql`${drills.id} = ${id} and ${drills.state} <> 'done'`);
}

/** How a drill ended. */
export interface EndedDrill {
  readonly id: string;
  readonly database: string;
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly checks: readonly Check[];
  /** Rows and bytes of SQL restored; null when there was nothing to restore. */
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly rowsWritten: number;
  readonly restoreMs: number | null;
  readonly schemaDigest: string | null;
  /** The object that was restored; null when there was none. */
  readonly subject: { readonly key: string; readonly etag: string } | null;
  /** The daily backup whose copy in an archive is no better, if there is one; null when that says nothing of a copy. */
  readonly copy: { readonly date: string; readonly digest: string } | null;
}

/**
 * Ends a drill, in one transaction with all that follows from it: the backup counts as drilled, or as damaged; then people
 * are told and a fresh backup is asked for, unless the drill before failed too, and a fresh one would be no better. A drill
 * that has ended stays as it is.
 */
export async function endDrill(catalog: Catalog, ended: EndedDrill, now: number): Promise<void> {
  const { id, database, verdict, reason, subject, copy } = ended;
  const isProven = verdict === "passed" || verdict === "flawed";
  await transaction(catalog, [
    sql`update drills set state = 'done', verdict = ${verdict}, reason = ${reason},
          checks = ${JSON.stringify(ended.checks)}, rows = ${ended.rows}, bytes = ${ended.bytes},
          rows_written = ${ended.rowsWritten}, restore_ms = ${ended.restoreMs}, schema_digest = ${ended.schemaDigest},
          started_at = coalesce(started_at, ${now}), updated_at = ${now}, finished_at = ${now}
        where id = ${id} and state <> 'done'`,
    ...(isProven && subject !== null ? [drilled(subject, now)] : []),
    ...(verdict === "failed" ? failure({ id, database, subject, copy, reason: reason ?? "It failed", now }) : []),
  ]);
}

function drilled({ key, etag }: { key: string; etag: string }, now: number): SQL {
  return sql`update backup_inventory set drilled_at = ${now}
      where key = ${key} and etag = ${etag} and deleted_at is null and drilled_at is not ${now}`;
}

function failure(failed: {
  id: string;
  database: string;
  subject: EndedDrill["subject"];
  copy: EndedDrill["copy"];
  reason: string;
  now: number;
}): SQL[] {
  const { id, database, subject, copy, reason, now } = failed;
  const key = subject?.key ?? "";
  const before = sql`(select d.verdict from drills d where d.database = ${database} and d.id <> ${id}
      and d.state = 'done' order by d.created_at desc, d.id desc limit 1)`;
  return [
    ...(subject === null ? [] : damageStatements({ ...subject, database, damage: `A drill failed: ${reason}`, now })),
    ...(copy === null ? [] : [copyStatement({ ...copy, database, now })]),
    ...raiseEvent({ kind: "drill-failed", drill: id, key, database, error: reason }, { now }),
    ...requestStatements({ id, database, reason: `Drill ${id} failed`, now, where: sql`${before} is not 'failed'` }),
  ];
}
