import { and, asc, eq, gt, type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import type { PruneStep } from "./prune-plans.ts";
import { pruneSteps } from "./schema.ts";
import { transaction } from "./transaction.ts";

/** Steps of a plan that are still to be taken, a few at a time. */
export async function openSteps(
  catalog: Catalog,
  { plan, action, limit }: { plan: string; action: PruneStep["action"]; limit: number },
): Promise<PruneStep[]> {
  return await catalog
    .select()
    .from(pruneSteps)
    .where(and(eq(pruneSteps.plan, plan), eq(pruneSteps.state, "planned"), eq(pruneSteps.action, action)))
    // By database: those of one are judged together.
    .orderBy(asc(pruneSteps.database), asc(pruneSteps.key))
    .limit(limit);
}

/** How a step ended. */
export interface StepEnd {
  readonly key: string;
  readonly state: "done" | "skipped";
  readonly note?: string;
}

/** Notes how steps ended, in one transaction with what that makes true. */
export async function noteSteps(
  catalog: Catalog,
  options: { plan: string; ends: readonly StepEnd[]; statements?: readonly SQL[]; now: number },
): Promise<void> {
  const { plan, ends, statements = [], now } = options;
  await transaction(catalog, [
    ...statements,
    sql`update prune_steps set state = e.value ->> 'state', note = e.value ->> 'note'
        from json_each(${JSON.stringify(ends)}) e
        where plan = ${plan} and prune_steps.key = e.value ->> 'key' and state = 'planned'`,
    sql`update prune_plans set updated_at = ${now} where id = ${plan}`,
  ]);
}

export interface StepFilter {
  readonly database?: string | undefined;
  readonly action?: PruneStep["action"] | undefined;
  readonly state?: PruneStep["state"] | undefined;
}

/** Steps of a plan by key; `after` is the last one of the page before. */
export async function listSteps(
  catalog: Catalog,
  { plan, filter, after, limit }: { plan: string; filter: StepFilter; after?: string | undefined; limit: number },
): Promise<PruneStep[]> {
  const { database, action, state } = filter;
  return await catalog
    .select()
    .from(pruneSteps)
    .where(
      and(
        eq(pruneSteps.plan, plan),
        database === undefined ? undefined : eq(pruneSteps.database, database),
        action === undefined ? undefined : eq(pruneSteps.action, action),
        state === undefined ? undefined : eq(pruneSteps.state, state),
        after === undefined ? undefined : gt(pruneSteps.key, after),
      ),
    )
    .orderBy(asc(pruneSteps.key))
    .limit(limit);
}
