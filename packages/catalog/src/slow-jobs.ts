import { DEFAULT_THRESHOLDS } from "@patina/alerts/thresholds";
import { MINUTE } from "@patina/core/date";
import { type SQL, sql } from "drizzle-orm";
import { fillOutbox } from "./alert-events.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./transaction.ts";

/** Raises the event of every job that has been running for too long: once per job, while it runs. */
export async function reportSlowJobs(catalog: Catalog, now: number): Promise<void> {
  await transaction(catalog, [
    slowJobs({ now, where: sql`j.status = 'running'` }),
    fillOutbox(sql`e.kind = 'job-slow' and e.at = ${now}`),
  ]);
}

/** The statement that writes the event of those jobs `j` that take or took longer than the threshold. */
export function slowJobs({ now, where }: { now: number; where: SQL }): SQL {
  const limit = sql`coalesce((select slow_minutes from alert_thresholds where id = 1), ${DEFAULT_THRESHOLDS.slowMinutes})`;
  return sql`insert into alert_events (event, kind, job_id, facts, at)
      select 'job-slow:' || j.id, 'job-slow', j.id, json_object('kind', 'job-slow', 'job', j.id), ${now}
      from backup_jobs j where ${where} and coalesce(j.finished_at, ${now}) - j.started_at > ${limit} * ${MINUTE}
      on conflict (event) do nothing`;
}
