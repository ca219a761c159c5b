import { and, desc, lt, or, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import type { Job } from "./jobs.ts";
import { backupJobs } from "./schema.ts";

/** Where a page of jobs begins: after this one. */
export interface JobCursor {
  readonly startedAt: number;
  readonly id: string;
}

/** Jobs, newest first. */
export async function listJobs(
  catalog: Catalog,
  { limit, after }: { limit: number; after?: JobCursor },
): Promise<Job[]> {
  return await catalog
    .select()
    .from(backupJobs)
    .where(
      after === undefined
        ? undefined
        : or(
            lt(backupJobs.startedAt, after.startedAt),
            and(sql`${backupJobs.startedAt} = ${after.startedAt}`, lt(backupJobs.id, after.id)),
          ),
    )
    .orderBy(desc(backupJobs.startedAt), desc(backupJobs.id))
    .limit(limit);
}
