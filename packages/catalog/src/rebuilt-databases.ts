import type { DumpPolicy } from "@patina/core/retention-policy";
import type { Redaction } from "@patina/core/rules";
import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/** Databases that have backups and are not in the registry: their entries, from the newest manifest of each. */

export interface UnregisteredDatabase {
  readonly database: string;
  /** Its newest backup. */
  readonly date: string;
  readonly job: string;
}

/** Databases that have results and no entry, by name. */
export async function unregisteredDatabases(
  catalog: Catalog,
  { after, limit }: { after: string | null; limit: number },
): Promise<UnregisteredDatabase[]> {
  return await catalog.all<UnregisteredDatabase>(
    // Beside max(), the bare columns come from the row with the maximum.
    sql`select r.database as "database", r.job_id as "job", j.date as "date", max(r.finished_at) as "at"
        from backup_results r join backup_jobs j on j.id = r.job_id
        where r.status = 'succeeded' and r.database > ${after ?? ""}
          and not exists (select 1 from databases d where d.name = r.database)
        group by r.database order by r.database limit ${limit}`,
  );
}

/** An entry of the registry as the newest manifest tells of it. */
export interface RebuiltDatabase {
  readonly name: string;
  readonly environment: string;
  readonly binding: string;
  readonly shard: number;
  readonly d1Id: string | null;
  readonly description: string;
  readonly priority: number;
  readonly estimatedBytes: number | null;
  readonly certain: boolean;
  readonly owner: "registry" | "api";
  readonly redactions: readonly Redaction[];
  readonly excludedTables: readonly string[];
  readonly retention: DumpPolicy | null;
}

/**
 * The statements that put databases into the registry, each since the first job that is known to have backed it up. They
 * are not paused: one that was is backed up once too often, which does less harm than once too seldom.
 */
export function databaseStatements(databases: readonly RebuiltDatabase[], now: number): SQL[] {
  if (databases.length === 0) return [];
  return [
    sql`insert into databases (name, environment, binding, shard, d1_id, description, priority, estimated_bytes, certain,
          owner, redactions, excluded_tables, retention, created_at, updated_at)
        select v ->> 'name', v ->> 'environment', v ->> 'binding', v ->> 'shard', v ->> 'd1Id', v ->> 'description',
          v ->> 'priority', v ->> 'estimatedBytes', v ->> 'certain', v ->> 'owner', v -> 'redactions',
          v -> 'excludedTables', nullif(v -> 'retention', 'null'),
          coalesce((select min(j.scheduled_for) from backup_results r join backup_jobs j on j.id = r.job_id
            where r.database = v ->> 'name'), ${now}), ${now}
        from (select m.value as v from json_each(${JSON.stringify(databases)}) m) where true
        on conflict (name) do nothing`,
  ];
}
