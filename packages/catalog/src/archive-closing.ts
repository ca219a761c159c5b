import type { AlertEvent } from "@patina/alerts/event";
import { type SQL, sql } from "drizzle-orm";
import { raiseEvent } from "./alert-events.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./transaction.ts";

/** How a weekly job ended. */
export type ArchiveEnd =
  | {
      readonly status: "made";
      readonly key: string;
      readonly bytes: number;
      readonly digest: string;
      readonly etag: string;
      readonly verifiedAt: number;
      /** Daily backups in it, and those of the week that are not. */
      readonly backups: number;
      readonly missing: number;
      readonly rawBytes: number;
      /** What is missing, in words; null when nothing is. */
      readonly error: string | null;
    }
  | { readonly status: "failed"; readonly error: string };

/**
 * Closes a weekly job with the archive it was for, and tells of it: one transaction.
 * A job that is closed already stays as it is, but an archive that is made later exists all the same.
 *
 * @returns whether this call closed it
 */
export async function closeWeeklyJob(
  catalog: Catalog,
  { job, end, holder, now }: { job: string; end: ArchiveEnd; holder: string; now: number },
): Promise<boolean> {
  const isFailed = end.status === "failed" || end.missing > 0;
  const status = isFailed ? "failed" : "completed";
  const { backups = 0, missing = 0, rawBytes = 0, bytes = 0 } = end.status === "made" ? end : {};
  const [closed] = await transaction(catalog, [
    sql`update backup_jobs set status = ${status}, databases = ${backups + missing}, succeeded = ${backups},
          failed = ${missing}, raw_bytes = ${rawBytes}, stored_bytes = ${bytes}, error = ${end.error},
          finished_at = ${now}, closed_by = ${holder}
        where id = ${job} and kind = 'weekly' and status = 'running'
        returning id`,
    ...inventory({ job, end }),
    ...(isFailed ? [] : [heal(job, now)]),
    ...raiseEvent(eventOf(job, end), {
      now,
      where: sql`exists (select 1 from backup_jobs where id = ${job} and closed_by = ${holder} and finished_at = ${now})`,
    }),
  ]);
  return (closed ?? []).length > 0;
}

/** A job that failed and whose archive was made later, by a replay, stays failed and says that it is healed. */
function heal(job: string, now: number): SQL {
  return sql`update backup_jobs set healed_by = id, healed_at = ${now}
      where id = ${job} and status = 'failed' and healed_by is null`;
}

/** An archive that lacks something is told of as that, and not as a failed job too. */
function eventOf(job: string, end: ArchiveEnd): AlertEvent {
  if (end.status === "failed") return { kind: "job-failed", job };
  if (end.missing === 0) return { kind: "job-completed", job };
  return { kind: "archive-incomplete", job, missing: end.missing, error: end.error ?? "" };
}

function inventory({ job, end }: { job: string; end: ArchiveEnd }): SQL[] {
  if (end.status === "failed") return [];
  const { key, bytes, digest, etag, verifiedAt } = end;
  return [
    sql`insert into backup_inventory (key, kind, database, date, job_id, size, digest, etag, created_at, verified_at)
        select ${key}, 'weekly', null, date, id, ${bytes}, ${digest}, ${etag}, ${verifiedAt}, ${verifiedAt}
        from backup_jobs where id = ${job}
        on conflict (key) do update set job_id = excluded.job_id, size = excluded.size, digest = excluded.digest,
          etag = excluded.etag, created_at = excluded.created_at, verified_at = excluded.verified_at, deleted_at = null,
          damaged_at = null, damage = null
        where backup_inventory.etag <> excluded.etag`,
  ];
}
