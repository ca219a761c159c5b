import type { EventKind } from "@patina/alerts/event";
import { type SQL, sql } from "drizzle-orm";
import { fillOutbox } from "./alert-events.ts";
import type { Catalog } from "./catalog.ts";
import { slowJobs } from "./slow-jobs.ts";
import { transaction } from "./transaction.ts";

/** What is told of the results `r` of a job beside how it ended, once for all its databases. */
const TOLD_OF_RESULTS = {
  recovered: sql`r.status = 'succeeded' and r.failures_before > 0`,
  "size-deviated": sql`r.status = 'succeeded' and r.deviated = 1`,
  "backup-fuzzy": sql`r.status = 'succeeded' and r.consistency = 'fuzzy'`,
} satisfies Partial<Record<EventKind, SQL>>;

/**
 * Closes jobs whose last task has ended (a weekly one has none, see closeWeeklyJob()): counts the results, sets the status, and writes what happened with one outbox
 * row per channel that wants it. One transaction: whoever closes a job writes its alerts, and nobody closes it twice.
 *
 * @returns ids of the jobs that this call closed
 */
export async function closeJobs(
  catalog: Catalog,
  { jobIds, holder, now }: { jobIds: readonly string[]; holder: string; now: number },
): Promise<string[]> {
  if (jobIds.length === 0) return [];
  const ids = sql`(select value from json_each(${JSON.stringify(jobIds)}))`;
  const of = (expression: SQL) => sql`(select ${expression} from backup_results r where r.job_id = backup_jobs.id)`;
  const closedNow = sql`j.id in ${ids} and j.closed_by = ${holder} and j.finished_at = ${now}`;
  const [closed] = await transaction(catalog, [
    sql`update backup_jobs set
          status = case when ${of(sql`sum(r.status = 'failed')`)} > 0 then 'failed' else 'completed' end,
          succeeded = ${of(sql`coalesce(sum(r.status = 'succeeded'), 0)`)},
          failed = ${of(sql`coalesce(sum(r.status = 'failed'), 0)`)},
          rows = ${of(sql`coalesce(sum(r.rows), 0)`)},
          raw_bytes = ${of(sql`coalesce(sum(r.raw_bytes), 0)`)},
          stored_bytes = ${of(sql`coalesce(sum(r.stored_bytes), 0)`)},
          finished_at = ${now},
          closed_by = ${holder}
        where id in ${ids} and status = 'running' and kind <> 'weekly'
          and not exists (select 1 from backup_tasks t where t.job_id = backup_jobs.id and t.state in ('queued', 'running'))
        returning id`,
    // A database that failed early on may have been backed up by another job before this one closed.
    sql`update backup_jobs as j set healed_at = ${now},
          healed_by = (select max(healed_by) from backup_results r where r.job_id = j.id and r.status = 'failed')
        where ${closedNow} and j.status = 'failed' and not exists (select 1 from backup_results r
          where r.job_id = j.id and r.status = 'failed' and r.healed_by is null)`,
    sql`insert into alert_events (event, kind, job_id, facts, at)
        select 'job-' || j.status || ':' || j.id, 'job-' || j.status, j.id,
          json_object('kind', 'job-' || j.status, 'job', j.id), ${now}
        from backup_jobs j where ${closedNow}
        on conflict (event) do nothing`,
    ...Object.entries(TOLD_OF_RESULTS).map(
      ([kind, told]) =>
        sql`insert into alert_events (event, kind, job_id, facts, at)
            select ${kind} || ':' || j.id, ${kind}, j.id, json_object('kind', ${kind}, 'job', j.id, 'replayed', null), ${now}
            from backup_jobs j
            where ${closedNow} and exists (select 1 from backup_results r where r.job_id = j.id and ${told})
            on conflict (event) do nothing`,
    ),
    // One that ended between two ticks was slow all the same.
    slowJobs({ now, where: closedNow }),
    fillOutbox(sql`e.job_id in ${ids} and e.at = ${now}`),
  ]);
  return (closed ?? []).map((row) => String(row["id"]));
}
