import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { backupInventory } from "./schema.ts";

/**
 * Backups of a database on a date that are objects of their own: the nightly first, then manual ones, newest first; or
 * only the one that a job made.
 */
export async function backupsOf(
  catalog: Catalog,
  { date, database, job }: { date: string; database: string; job?: string },
): Promise<{ key: string; kind: "daily" | "manual"; damage: string | null }[]> {
  return await catalog.all(
    sql`select key as "key", kind as "kind", damage as "damage" from ${backupInventory}
        where database = ${database} and date = ${date} and kind in ('daily', 'manual') and deleted_at is null
          ${job === undefined ? sql`` : sql`and job_id = ${job}`}
        order by kind = 'manual', created_at desc, key`,
  );
}
