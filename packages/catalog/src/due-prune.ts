import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/** The nightly job after which a prune is due. */
export interface DuePrune {
  readonly job: string;
  readonly date: string;
  /** Whether the weekly job of its date has closed; false also when there is none. */
  readonly isArchived: boolean;
}

/** The newest nightly job, if it has closed and nobody has asked for the prune after it. */
export async function duePrune(catalog: Catalog): Promise<DuePrune | undefined> {
  const [row] = await catalog.all<{ job: string; date: string; isArchived: number }>(
    // By the id, which is the kind and the date, and the primary key.
    sql`select j.id as "job", j.date as "date",
          exists (select 1 from backup_jobs w where w.id = 'weekly-' || j.date and w.status <> 'running') as "isArchived"
        from (select * from backup_jobs where id >= 'nightly-' and id < 'nightly.' order by id desc limit 1) j
        where j.status <> 'running' and not exists (select 1 from prune_plans where job_id = j.id)`,
  );
  return row === undefined ? undefined : { ...row, isArchived: row.isArchived === 1 };
}
