import type { Consistency } from "@patina/core/job";
import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/** One stored backup of one database, with what is known of it. */
export interface Backup {
  readonly key: string;
  readonly kind: "daily" | "manual";
  readonly database: string;
  readonly date: string;
  readonly job: string;
  readonly storedBytes: number;
  readonly storedDigest: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly verifiedAt: number | null;
  readonly drilledAt: number | null;
  /** When it was found to be damaged, and in what; null while it is good. */
  readonly damagedAt: number | null;
  readonly damage: string | null;
  /** From its result; null when the catalog has none, as after a rebuild. */
  readonly consistency: Consistency | null;
  readonly tables: number | null;
  readonly rows: number | null;
  readonly rawBytes: number | null;
  readonly bodyDigest: string | null;
}

export interface BackupFilter {
  readonly database?: string | undefined;
  /** First and last date, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly kind?: "daily" | "manual" | undefined;
  readonly consistency?: Consistency | undefined;
  readonly job?: string | undefined;
  readonly key?: string | undefined;
  readonly isVerified?: boolean | undefined;
  readonly isDrilled?: boolean | undefined;
  readonly isDamaged?: boolean | undefined;
}

/** The last backup of a page: where the next begins. */
export interface BackupPlace {
  readonly date: string;
  readonly database: string;
  readonly key: string;
}

/** Backups that are stored, newest date first and then by database. */
export async function listBackups(
  catalog: Catalog,
  { filter, after, limit }: { filter: BackupFilter; after?: BackupPlace | undefined; limit: number },
): Promise<Backup[]> {
  const where: SQL[] = [sql`i.deleted_at is null`, sql`i.kind in ('daily', 'manual')`];
  if (filter.database !== undefined) where.push(sql`i.database = ${filter.database}`);
  if (filter.from !== undefined) where.push(sql`i.date >= ${filter.from}`);
  if (filter.to !== undefined) where.push(sql`i.date <= ${filter.to}`);
  if (filter.kind !== undefined) where.push(sql`i.kind = ${filter.kind}`);
  if (filter.consistency !== undefined) where.push(sql`r.consistency = ${filter.consistency}`);
  if (filter.job !== undefined) where.push(sql`i.job_id = ${filter.job}`);
  if (filter.key !== undefined) where.push(sql`i.key = ${filter.key}`);
  if (filter.isVerified !== undefined) where.push(sql`(i.verified_at is not null) = ${filter.isVerified}`);
  if (filter.isDrilled !== undefined) where.push(sql`(i.drilled_at is not null) = ${filter.isDrilled}`);
  if (filter.isDamaged !== undefined) where.push(sql`(i.damaged_at is not null) = ${filter.isDamaged}`);
  if (after !== undefined) {
    where.push(
      sql`i.date <= ${after.date} and (i.date < ${after.date} or (i.database, i.key) > (${after.database}, ${after.key}))`,
    );
  }
  return await catalog.all<Backup>(
    sql`select i.key, i.kind, i.database as "database", i.date, i.job_id as "job", i.size as "storedBytes",
          i.digest as "storedDigest", i.created_at as "createdAt", i.expires_at as "expiresAt",
          i.verified_at as "verifiedAt", i.drilled_at as "drilledAt", i.damaged_at as "damagedAt", i.damage as "damage",
          r.consistency, r.tables, r.rows,
          r.raw_bytes as "rawBytes", r.body_digest as "bodyDigest"
        from backup_inventory i
        left join backup_results r on r.job_id = i.job_id and r.database = i.database and r.key = i.key
        where ${sql.join(where, sql` and `)}
        order by i.date desc, i.database, i.key
        limit ${limit}`,
  );
}
