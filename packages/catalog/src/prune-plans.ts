import { DAY, HOUR } from "@patina/core/date";
import { and, desc, eq, lt, or, type SQL, sql } from "drizzle-orm";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { listed } from "./listed.ts";
import { prunePlans, type pruneSteps } from "./schema.ts";
import { transaction } from "./transaction.ts";

/**
 * Prune plans: what is to go, decided and stored before anything goes, and how far that came. Every step is noted on the
 * condition that it follows the one before, so that one which is done twice is noted once.
 */
export type PrunePlan = typeof prunePlans.$inferSelect;
export type PruneStep = typeof pruneSteps.$inferSelect;

/** A step as it is found: what is not planned is only told of, with the reason in its note. */
export type NewStep = Omit<PruneStep, "plan">;

/** How often a plan's message is sent again before the plan is given up. */
export const MAX_RESENDS = 3;

/** What was decided so long ago is not carried out any more: the next plan decides anew. */
export const PLAN_LIFETIME = DAY;

/** A plan is left alone for this long after it came further: its message may be on its way, or waiting for a lease. */
const IDLE_AFTER = HOUR / 2;

/** Begins a plan, unless it is there already. @returns whether this call did */
export async function openPlan(
  catalog: Catalog,
  { id, jobId, now, audit }: { id: string; jobId: string | null; now: number; audit?: AuditEntry },
): Promise<boolean> {
  const [opened] = await transaction(catalog, [
    sql`insert into prune_plans (id, job_id, started_at, updated_at) values (${id}, ${jobId}, ${now}, ${now})
        on conflict (id) do nothing returning id`,
    ...(audit === undefined ? [] : [auditStatement(audit, sql`changes() > 0`)]),
  ]);
  return (opened ?? []).length > 0;
}

export async function findPlan(catalog: Catalog, id: string): Promise<PrunePlan | undefined> {
  const [found] = await catalog.select().from(prunePlans).where(eq(prunePlans.id, id));
  return found;
}

/** Plans, newest first; `before` is the last one of the page before. */
export async function listPlans(
  catalog: Catalog,
  { limit, before }: { limit: number; before?: { readonly startedAt: number; readonly id: string } | undefined },
): Promise<PrunePlan[]> {
  const { startedAt, id } = prunePlans;
  return await catalog
    .select()
    .from(prunePlans)
    .where(
      before === undefined
        ? undefined
        : or(lt(startedAt, before.startedAt), and(eq(startedAt, before.startedAt), lt(id, before.id))),
    )
    .orderBy(desc(startedAt), desc(id))
    .limit(limit);
}

/** The plan that is under way, if one is. */
export async function runningPlan(catalog: Catalog): Promise<PrunePlan | undefined> {
  const [found] = await catalog
    .select()
    .from(prunePlans)
    .where(eq(prunePlans.state, "running"))
    .orderBy(prunePlans.startedAt)
    .limit(1);
  return found;
}

/** That a plan is still where it was when it was read. */
function isAt({ id, phase, cursor }: PrunePlan): SQL {
  return sql`id = ${id} and state = 'running' and phase = ${phase} and cursor is ${cursor}`;
}

/** Where a plan goes on, and what it has come to know: numbers are added. */
export interface Advance {
  readonly phase: PrunePlan["phase"];
  readonly cursor: string | null;
  readonly decidedAt?: number;
  readonly doubt?: string;
  readonly added?: Partial<Record<keyof typeof COUNTS, number>>;
}

const COUNTS = {
  kept: sql`kept`,
  removing: sql`removing`,
  listed: sql`listed`,
  foreignObjects: sql`foreign_objects`,
  orphans: sql`orphans`,
  missing: sql`missing`,
  aged: sql`aged`,
};

/** Brings a plan further: its new steps and its new place are one transaction. What else that makes true goes with it. */
export async function advancePlan(
  catalog: Catalog,
  options: {
    plan: PrunePlan;
    to: Advance;
    steps?: readonly NewStep[];
    statements?: readonly SQL[];
    now: number;
  },
): Promise<PrunePlan> {
  const { plan, to, steps = [], statements = [], now } = options;
  const counts = Object.entries(to.added ?? {}).map(
    ([name, count]) =>
      sql`, ${COUNTS[name as keyof typeof COUNTS]} = ${COUNTS[name as keyof typeof COUNTS]} + ${count}`,
  );
  await transaction(catalog, [
    ...statements,
    ...chunksOf(steps).map((chunk) => insertSteps(chunk, isAt(plan))),
    sql`update prune_plans set phase = ${to.phase}, cursor = ${to.cursor}, updated_at = ${now},
          decided_at = coalesce(${to.decidedAt ?? null}, decided_at), doubt = coalesce(${to.doubt ?? null}, doubt)
          ${sql.join(counts)}
        where ${isAt(plan)}`,
  ]);
  const advanced = await findPlan(catalog, plan.id);
  if (advanced === undefined) throw new TypeError(`Cannot find prune plan "${plan.id}" any more`);
  return advanced;
}

/** Steps that fit well into one parameter: some 250 bytes each, and a parameter has 2 MB at most. */
const STEPS_AT_ONCE = 2_000;

function chunksOf(steps: readonly NewStep[]): (readonly NewStep[])[] {
  const chunks: (readonly NewStep[])[] = [];
  for (let i = 0; i < steps.length; i += STEPS_AT_ONCE) chunks.push(steps.slice(i, i + STEPS_AT_ONCE));
  return chunks;
}

/** What is planned for an object takes the place of what was only told of it, and a rescue that of anything else. */
function insertSteps(steps: readonly NewStep[], where: SQL): SQL {
  return sql`insert into prune_steps (plan, key, action, database, etag, reason, size, state, note)
      select p.id, s.value ->> 'key', s.value ->> 'action', s.value ->> 'database', s.value ->> 'etag',
        s.value ->> 'reason', s.value ->> 'size', s.value ->> 'state', s.value ->> 'note'
      from json_each(${JSON.stringify(steps)}) s join (select id from prune_plans where ${where}) p
      where true
      on conflict (plan, key) do update set action = excluded.action, reason = excluded.reason, size = excluded.size,
        etag = excluded.etag, state = excluded.state, note = excluded.note
      where prune_steps.state = 'skipped' or excluded.action = 'rescue'`;
}

/** Ends a plan. What is left of it is not carried out. */
export async function closePlan(
  catalog: Catalog,
  { plan, state, error, now }: { plan: PrunePlan; state: "done" | "failed"; error?: string; now: number },
): Promise<void> {
  const note = error ?? plan.doubt ?? "the prune ended before";
  await transaction(catalog, [
    sql`update prune_steps set state = 'skipped', note = ${note} where plan = ${plan.id} and state = 'planned'`,
    ...countStatements(plan.id),
    sql`update prune_plans set state = ${state}, error = ${error ?? null}, updated_at = ${now}, finished_at = ${now}
        where id = ${plan.id} and state = 'running'`,
  ]);
}

/** Counts what came of a plan so far. */
export async function countPlan(catalog: Catalog, plan: string): Promise<void> {
  await transaction(catalog, countStatements(plan));
}

function countStatements(plan: string): SQL[] {
  const of = (what: SQL, ...actions: PruneStep["action"][]) =>
    sql`(select ${what} from prune_steps s where s.plan = ${plan} and s.state = 'done' and s.action in ${listed(actions)})`;
  return [
    sql`update prune_plans set removed = ${of(sql`count(*)`, "remove", "remove_archive")},
          removed_bytes = ${of(sql`coalesce(sum(s.size), 0)`, "remove", "remove_archive")},
          rescued = ${of(sql`count(*)`, "rescue")}, adopted = ${of(sql`count(*)`, "adopt")}
        where id = ${plan}`,
  ];
}

/** Plans that nobody works on. Whether their messages are really gone is for the caller to ask the queue. */
export async function idlePlans(catalog: Catalog, now: number): Promise<PrunePlan[]> {
  return await catalog
    .select()
    .from(prunePlans)
    .where(
      and(
        eq(prunePlans.state, "running"),
        sql`${prunePlans.updatedAt} <= ${now - IDLE_AFTER}`,
        sql`not exists (select 1 from leases where name = 'prune' and expires_at > ${now})`,
      ),
    )
    .orderBy(prunePlans.startedAt);
}

/** Notes that a plan's message was sent once more. */
export async function markPlanResent(catalog: Catalog, { plan, now }: { plan: PrunePlan; now: number }): Promise<void> {
  await catalog
    .update(prunePlans)
    .set({ resends: plan.resends + 1, updatedAt: now })
    .where(eq(prunePlans.id, plan.id));
}
