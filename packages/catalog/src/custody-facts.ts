import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/** How well stored backups are looked after, in numbers. */
export interface CustodyFacts {
  /** Backups, archives included, that were found to be damaged and are still stored. */
  readonly damaged: number;
  /** When the one was verified that has waited longest for it; 0 when one never was, null when nothing is stored. */
  readonly oldestVerified: number | null;
}

export async function custodyFacts(catalog: Catalog): Promise<CustodyFacts> {
  const [row] = await catalog.all<{ damaged: number | null; oldest: number | null }>(
    sql`select sum(damaged_at is not null) as "damaged",
          min(case when damaged_at is null then coalesce(verified_at, 0) end) as "oldest"
        from backup_inventory where deleted_at is null`,
  );
  return { damaged: row?.damaged ?? 0, oldestVerified: row?.oldest ?? null };
}

/** When the newest good backup of each database was last verified; those that have none are left out. */
export async function verifiedTimes(catalog: Catalog): Promise<ReadonlyMap<string, number>> {
  const rows = await catalog.all<{ database: string; at: number }>(
    // Beside max(), the bare column comes from the row with the maximum.
    sql`select database as "database", coalesce(verified_at, 0) as "at", max(created_at) from backup_inventory
        where deleted_at is null and damaged_at is null and database in (select name from databases)
        group by database`,
  );
  return new Map(rows.map(({ database, at }) => [database, at]));
}
