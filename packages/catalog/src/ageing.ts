import { AGES } from "@patina/core/ageing";
import { dateOf } from "@patina/core/date";
import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { changesOf } from "./transaction.ts";

/**
 * What of the catalog becomes too old. Each rule deletes some rows at a time, and is done when it finds fewer than that.
 * Tables that only grow are looked at from their beginning, so that nothing is read but what may go.
 */

/** Rows that one statement deletes at most. */
const LIMIT = 2_000;

interface Cutoffs {
  readonly history: number;
  readonly record: number;
  readonly spent: number;
}

/** That a backup of database `r.database`, made by job `j`, exists: as an object of its own or in an archive. */
const IS_STORED = sql`(exists (select 1 from backup_inventory i
      where i.database = r.database and i.date = j.date and i.job_id = j.id and i.deleted_at is null)
    or (j.kind = 'nightly' and exists (select 1 from archive_members m where m.database = r.database and m.date = j.date)))`;

const RULES: readonly ((cutoffs: Cutoffs) => SQL)[] = [
  ({ history }) => sql`delete from task_events where id in (
      select id from (select id, at from task_events order by id limit ${LIMIT}) where at < ${history})`,
  ({ history }) => sql`delete from backup_results where rowid in (
      select r.rowid from backup_jobs j join backup_results r on r.job_id = j.id
      where j.started_at < ${history} and j.status <> 'running' and not ${IS_STORED} limit ${LIMIT})`,
  ({ history }) => sql`delete from backup_tasks where rowid in (
      select t.rowid from backup_jobs j join backup_tasks t on t.job_id = j.id
      where j.started_at < ${history} and j.status <> 'running' and t.state in ('done', 'failed')
        and not exists (select 1 from backup_results r where r.job_id = t.job_id and r.database = t.database)
      limit ${LIMIT})`,
  ({ history }) => sql`delete from backup_jobs where id in (
      select j.id from backup_jobs j where j.started_at < ${history} and j.status <> 'running'
        and not exists (select 1 from backup_tasks t where t.job_id = j.id)
        and not exists (select 1 from backup_results r where r.job_id = j.id)
        and not exists (select 1 from archives a where a.job_id = j.id)
      limit ${LIMIT})`,
  ({ history }) => sql`delete from backup_inventory where key in (
      select i.key from backup_inventory i where i.date < ${dateOf(history)} and i.deleted_at < ${history}
        and not exists (select 1 from archive_members m where m.database = i.database and m.date = i.date)
      limit ${LIMIT})`,
  ({ record }) => sql`delete from daily_rollup where rowid in (
      select id from (select rowid as id, day from daily_rollup order by rowid limit ${LIMIT})
      where day < ${dateOf(record)})`,
  ({ history }) => sql`delete from alert_outbox where rowid in (
      select rowid from alert_outbox where state in ('sent', 'given_up') and created_at < ${history} limit ${LIMIT})`,
  ({ record }) => sql`delete from alert_events where event in (
      select e.event from alert_events e where e.at < ${record}
        and not exists (select 1 from alert_outbox o where o.event = e.event) limit ${LIMIT})`,
  ({ history }) => sql`delete from dead_letters where id in (
      select id from dead_letters where state in ('replayed', 'discarded') and closed_at < ${history} limit ${LIMIT})`,
  ({ history }) => sql`delete from job_requests where id in (
      select id from job_requests where job_id is not null and created_at < ${history} limit ${LIMIT})`,
  ({ history }) => sql`delete from verify_runs where id in (
      select id from verify_runs where state = 'done' and started_at < ${history} limit ${LIMIT})`,
  // The last drill of a database is the proof that it can be restored; another schema than its own asks for the next.
  ({ record }) => sql`delete from drills where id in (
      select d.id from drills d where d.state = 'done' and d.created_at < ${record}
        and exists (select 1 from drills n
          where n.database = d.database and n.state = 'done' and n.created_at > d.created_at)
        and not exists (select 1 from backup_inventory i where i.key = d.key and i.deleted_at is null)
      limit ${LIMIT})`,
  ({ history }) => sql`delete from prune_steps where rowid in (
      select s.rowid from prune_plans p join prune_steps s on s.plan = p.id
      where p.started_at < ${history} and p.state <> 'running' limit ${LIMIT})`,
  ({ record }) => sql`delete from prune_plans where id in (
      select id from prune_plans where started_at < ${record} and state <> 'running' limit ${LIMIT})`,
  ({ record }) => sql`delete from audit_log where id in (
      select id from audit_log where at < ${record} limit ${LIMIT})`,
  ({ spent }) => sql`delete from login_links where expires_at < ${spent}`,
  ({ spent }) => sql`delete from leases where expires_at < ${spent}`,
  ({ spent }) => sql`delete from idempotency_keys where created_at < ${spent}`,
];

/**
 * Deletes some of what is too old, in one transaction.
 *
 * @returns how many rows went, and whether there may be more
 */
export async function ageOnce(
  catalog: Catalog,
  now: number,
): Promise<{ readonly rows: number; readonly hasMore: boolean; readonly queries: number }> {
  const cutoffs = { history: now - AGES.history, record: now - AGES.record, spent: now - AGES.spent };
  const changes = await changesOf(
    catalog,
    RULES.map((rule) => rule(cutoffs)),
  );
  return {
    rows: changes.reduce((sum, count) => sum + count, 0),
    hasMore: changes.some((count) => count >= LIMIT),
    queries: RULES.length,
  };
}

/** Lets SQLite bring its statistics up to date (developers.cloudflare.com/d1/sql-api/sql-statements). */
export async function optimize(catalog: Catalog): Promise<void> {
  await catalog.run(sql`pragma optimize`);
}
