import { and, desc, eq, lt, or, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import type { Job } from "./jobs.ts";
import { backupJobs } from "./schema.ts";

/** Where a page of jobs begins: after this one. */
export interface JobCursor {
  readonly startedAt: number;
  readonly id: string;
}

export interface JobFilter {
  readonly kind?: Job["kind"] | undefined;
  readonly status?: Job["status"] | undefined;
}

/** Jobs, newest first. */
export async function listJobs(
  catalog: Catalog,
  { limit, after, filter = {} }: { limit: number; after?: JobCursor | undefined; filter?: JobFilter },
): Promise<Job[]> {
  return await catalog
    .select()
    .from(backupJobs)
    .where(
      and(
        filter.kind === undefined ? undefined : eq(backupJobs.kind, filter.kind),
        filter.status === undefined ? undefined : eq(backupJobs.status, filter.status),
        after === undefined
          ? undefined
          : or(
              lt(backupJobs.startedAt, after.startedAt),
              and(sql`${backupJobs.startedAt} = ${after.startedAt}`, lt(backupJobs.id, after.id)),
            ),
      ),
    )
    .orderBy(desc(backupJobs.startedAt), desc(backupJobs.id))
    .limit(limit);
}
