import { HOUR, MINUTE } from "@patina/core/date";
import type { Verdict } from "@patina/core/drill";
import { type Drilled, monthOf } from "@patina/core/drill-schedule";
import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { readCustody } from "./custody-settings.ts";
import type { DrillRow } from "./drills.ts";
import { drills } from "./schema.ts";
import { transaction } from "./transaction.ts";

/** What the tick asks about drills. */

/** A database that may be drilled: it has a good backup, and no drill under way. */
export interface Drillable extends Drilled {
  readonly priority: number;
  /** Date of the newest good backup, and the job that made it. */
  readonly date: string;
  readonly jobId: string;
  /** Rows that a drill of it is expected to write. */
  readonly rows: number;
}

/** The condition that a drill has looked at a backup: it was neither given up nor without any. */
const LOOKED = sql`state = 'done' and checks <> '[]'`;

/** Rows that restoring one row writes, its indexes included, until a drill has told. */
const WRITES_A_ROW = 2;

/** Enabled databases that may be drilled. Reads a few rows of each by index. */
export async function drillable(catalog: Catalog): Promise<Drillable[]> {
  const rows = await catalog.all<Row>(
    sql`select d.name as "database", d.priority, i.date, i.job_id as "jobId", i.created_at as "backupAt", r.rows, r.schema_digest as "backupSchema",
          l.finished_at as "lastAt", l.verdict as "lastVerdict", l.rows_written as "written", s.schema_digest as "lastSchema",
          (select max(finished_at) from drills where database = d.name and not (${LOOKED})) as "gaveUpAt"
        from databases d
        join backup_inventory i on i.key = (
          select key from backup_inventory where database = d.name and kind in ('daily', 'manual')
            and deleted_at is null and damaged_at is null order by date desc, created_at desc limit 1)
        left join backup_results r on r.job_id = i.job_id and r.database = d.name
        left join drills l on l.id = (
          select id from drills where database = d.name and ${LOOKED} order by created_at desc, id desc limit 1)
        left join drills s on s.id = (
          select id from drills where database = d.name and ${LOOKED} and schema_digest is not null
          order by created_at desc, id desc limit 1)
        where d.enabled = 1 and not exists (select 1 from drills o where o.database = d.name and o.state <> 'done')
        order by d.name`,
  );
  return rows.map(({ lastAt, lastVerdict, written, rows: restored, ...known }) => ({
    ...known,
    last: lastAt === null || lastVerdict === null ? null : { at: lastAt, verdict: lastVerdict },
    rows: written !== null && written > 0 ? written : (restored ?? 0) * WRITES_A_ROW,
  }));
}

interface Row {
  database: string;
  priority: number;
  date: string;
  jobId: string;
  backupAt: number;
  rows: number | null;
  backupSchema: string | null;
  lastAt: number | null;
  lastVerdict: Verdict | null;
  written: number | null;
  lastSchema: string | null;
  gaveUpAt: number | null;
}

/** What drills may write this month and what they have written; those that run are counted with what they are expected to. */
export interface DrillBudget {
  /** First moment of the month. */
  readonly month: number;
  readonly rows: number;
  readonly used: number;
}

export async function drillBudget(catalog: Catalog, now: number): Promise<DrillBudget> {
  const month = monthOf(now);
  const { drillRows } = await readCustody(catalog);
  const [written] = await transaction(catalog, [
    sql`select coalesce(sum(case when d.state = 'done' or d.cause = 'asked' then d.rows_written
          else max(d.rows_written, coalesce(r.rows, 0) * ${WRITES_A_ROW}) end), 0) as "used"
        from drills d left join backup_results r on d.state <> 'done' and r.job_id = d.job_id and r.database = d.database
        where d.created_at >= ${month}`,
  ]);
  return { month, rows: drillRows, used: Number(written?.[0]?.["used"]) };
}

/** A drill is left alone for so long after its last sign of life: a lease lasts 20 minutes. */
const IDLE_AFTER = 25 * MINUTE;

/** How many drills are open, whether or not anybody works on them. */
export async function openDrillCount(catalog: Catalog): Promise<number> {
  const [row] = await catalog.all<{ count: number }>(sql`select count(*) as "count" from drills where state <> 'done'`);
  return row?.count ?? 0;
}

/** How many drills somebody works on, or has a message for. */
export async function busyDrills(catalog: Catalog, now: number): Promise<number> {
  const [row] = await catalog.all<{ count: number }>(
    sql`select count(*) as "count" from drills where state <> 'done' and updated_at > ${now - IDLE_AFTER}`,
  );
  return row?.count ?? 0;
}

/**
 * Open drills that nobody has a message for: those never sent, and those lost. A person's come first, then the oldest,
 * then those of the most urgent databases.
 */
export async function idleDrills(
  catalog: Catalog,
  { now, limit }: { now: number; limit: number },
): Promise<DrillRow[]> {
  return await catalog
    .select()
    .from(drills)
    .where(
      sql`${drills.state} <> 'done' and ${drills.updatedAt} <= ${now - IDLE_AFTER}
          and not exists (select 1 from leases l where l.name = 'drill:' || ${drills.database} and l.expires_at > ${now})`,
    )
    .orderBy(
      sql`${drills.cause} <> 'asked', ${drills.createdAt},
          (select d.priority from databases d where d.name = ${drills.database}), ${drills.database}`,
    )
    .limit(limit);
}

/** Notes that the messages of drills are sent. */
export async function markDrillsSent(catalog: Catalog, { ids, now }: { ids: readonly string[]; now: number }) {
  await catalog.run(
    sql`update drills set updated_at = ${now}
        where state <> 'done' and id in (select value from json_each(${JSON.stringify(ids)}))`,
  );
}

/** How long a drill that was begun is sent again: each time its message may become a dead letter. */
const GIVEN_UP_AFTER = 3 * HOUR;

/** Whether a drill that nobody works on is not tried again. */
export function isGivenUp({ startedAt }: DrillRow, now: number): boolean {
  return startedAt !== null && startedAt <= now - GIVEN_UP_AFTER;
}
