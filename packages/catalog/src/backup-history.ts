import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/** One run of a database as its history shows it: a backup, with what has happened to it since, or a failure. */
export interface PastRun {
  readonly job: string;
  readonly kind: string;
  readonly date: string;
  readonly at: number;
  readonly status: "succeeded" | "failed";
  readonly key: string | null;
  readonly manifestKey: string | null;
  readonly consistency: string | null;
  readonly tables: number | null;
  readonly rows: number | null;
  readonly rawBytes: number | null;
  readonly storedBytes: number | null;
  readonly ms: number | null;
  readonly digest: string | null;
  readonly warnings: readonly string[];
  readonly code: string | null;
  readonly error: string | null;
  /** Whether the stored object still exists as far as is known. */
  readonly isStored: boolean;
  /** The week whose archive was read back to hold the same bytes; null while none does. */
  readonly archivedIn: string | null;
  readonly verifiedAt: number | null;
  readonly drilledAt: number | null;
  /** What was found to be wrong with it since; null while it is good. */
  readonly damage: string | null;
}

type Row = Omit<PastRun, "warnings" | "isStored"> & { warnings: string | null; isStored: number };

/** The last runs of a database that ended at or after `since`, by the dates of their jobs, newest first. */
export async function pastRuns(
  catalog: Catalog,
  { database, since, limit }: { database: string; since: number; limit: number },
): Promise<PastRun[]> {
  const rows = await catalog.all<Row>(
    sql`select * from (select r.job_id as job, j.kind, j.date, r.finished_at as at, r.status, r.key, r.manifest_key as manifestKey,
          r.consistency, r.tables, r.rows, r.raw_bytes as rawBytes, r.stored_bytes as storedBytes, r.duration_ms as ms,
          r.stored_digest as digest, r.warnings, r.error_code as code, r.error,
          i.key is not null and i.deleted_at is null as isStored,
          a.week as archivedIn, i.verified_at as verifiedAt, i.drilled_at as drilledAt, i.damage
        from backup_results r
        join backup_jobs j on j.id = r.job_id
        left join backup_inventory i on i.key = r.key and i.job_id = r.job_id
        left join archive_members m on m.database = r.database and m.date = j.date and m.digest = r.stored_digest
          and m.damaged_at is null
        left join archives a on a.week = m.week and a.state = 'checked'
        where r.database = ${database} and r.finished_at >= ${since}
        order by r.finished_at desc limit ${limit})
        order by date desc, at desc`,
  );
  return rows.map((row) => ({
    ...row,
    isStored: row.isStored === 1,
    warnings: row.warnings === null ? [] : (JSON.parse(row.warnings) as string[]),
  }));
}
