import type { JobTrigger } from "@patina/core/job";
import { and, eq, inArray, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { backupJobs } from "./schema.ts";

/** Opens a weekly job. It has no tasks: its archive is its only work. False when it was open, or had been, already. */
export async function openWeeklyJob(
  catalog: Catalog,
  job: { id: string; trigger: JobTrigger; date: string; scheduledFor: number; now: number },
): Promise<boolean> {
  const { id, trigger, date, scheduledFor, now } = job;
  const opened = await catalog
    .insert(backupJobs)
    .values({ id, kind: "weekly", trigger, date, scheduledFor, startedAt: now })
    .onConflictDoNothing()
    .returning({ id: backupJobs.id });
  return opened.length > 0;
}

/** Nightly jobs of these dates, by what became of them. */
export async function nightlyJobs(
  catalog: Catalog,
  dates: readonly string[],
): Promise<{ id: string; date: string; status: "running" | "completed" | "failed" }[]> {
  return await catalog
    .select({ id: backupJobs.id, date: backupJobs.date, status: backupJobs.status })
    .from(backupJobs)
    .where(and(eq(backupJobs.kind, "nightly"), inArray(backupJobs.date, [...dates])))
    .orderBy(backupJobs.date);
}

/** Whether there was anything to back up at a time, as far as the registry knows. */
export async function hadDatabases(catalog: Catalog, at: number): Promise<boolean> {
  const [row] = await catalog.all<{ any: number }>(
    sql`select exists (select 1 from databases where enabled = 1 and created_at <= ${at}) as "any"`,
  );
  return row?.any === 1;
}

/**
 * Running weekly jobs that nobody works on: their archive has not come further since `since`, and no lease for it is
 * held. Whether their messages are really gone is for the caller to ask the queue.
 */
export async function idleWeeklyJobs(
  catalog: Catalog,
  { now, since }: { now: number; since: number },
): Promise<string[]> {
  const rows = await catalog.all<{ id: string }>(
    sql`select j.id as "id" from backup_jobs j left join archives a on a.job_id = j.id
        where j.kind = 'weekly' and j.status = 'running' and max(j.started_at, coalesce(a.updated_at, 0)) <= ${since}
          and not exists (select 1 from leases l where l.name = 'archive:' || j.id and l.expires_at > ${now})
        order by j.id`,
  );
  return rows.map(({ id }) => id);
}
