import { desc, eq, type SQL, sql } from "drizzle-orm";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { catalogRebuilds, type RebuildCounts, type RebuildPhase, type SkippedObject } from "./schema.ts";
import { transaction } from "./transaction.ts";

/** How far a rebuild of the catalog from the bucket came. */
export type Rebuild = typeof catalogRebuilds.$inferSelect;

const NOTHING: RebuildCounts = {
  backups: 0,
  addedBackups: 0,
  archives: 0,
  addedArchives: 0,
  archived: 0,
  addedArchived: 0,
  receipts: 0,
  addedDrills: 0,
  addedDatabases: 0,
  skipped: 0,
};

/** Skipped objects that are named; of the others there is only the number. */
const NAMED = 100;

/**
 * Begins a rebuild, unless one is under way, with its line in the audit log.
 *
 * @returns the one of this id, or the one that is under way
 */
export async function openRebuild(
  catalog: Catalog,
  { id, audit }: { id: string; audit: AuditEntry },
): Promise<Rebuild> {
  const { at } = audit;
  await transaction(catalog, [
    sql`insert into catalog_rebuilds (id, counts, skipped, started_at, updated_at)
        values (${id}, ${JSON.stringify(NOTHING)}, '[]', ${at}, ${at})
        on conflict do nothing`,
    auditStatement(audit, sql`changes() > 0`),
  ]);
  const rebuild = (await findRebuild(catalog, id)) ?? (await runningRebuild(catalog));
  if (rebuild === undefined) throw new TypeError(`Cannot find rebuild "${id}" that was just begun`);
  return rebuild;
}

export async function findRebuild(catalog: Catalog, id: string): Promise<Rebuild | undefined> {
  const [found] = await catalog.select().from(catalogRebuilds).where(eq(catalogRebuilds.id, id));
  return found;
}

/** The rebuild that was begun last. */
export async function newestRebuild(catalog: Catalog): Promise<Rebuild | undefined> {
  const [found] = await catalog.select().from(catalogRebuilds).orderBy(desc(catalogRebuilds.startedAt)).limit(1);
  return found;
}

async function runningRebuild(catalog: Catalog): Promise<Rebuild | undefined> {
  const [found] = await catalog.select().from(catalogRebuilds).where(eq(catalogRebuilds.state, "running"));
  return found;
}

/** What one step of a rebuild came to. */
export interface RebuildStep {
  /** Where to go on: behind this key, page or name of the same phase, or, when that is at its end, with the next one. */
  readonly next: { readonly after: string } | { readonly phase: RebuildPhase | "end" };
  /** What the step adds to the catalog; each statement changes nothing when it is run again. */
  readonly statements: readonly SQL[];
  readonly counts?: Partial<RebuildCounts>;
  readonly skipped?: readonly SkippedObject[];
}

/** Takes a step and notes it, in one transaction. */
export async function noteStep(
  catalog: Catalog,
  { rebuild, step, now }: { rebuild: Rebuild; step: RebuildStep; now: number },
): Promise<Rebuild> {
  const { next, statements, skipped = [] } = step;
  const counts = sum(rebuild.counts, { ...step.counts, skipped: skipped.length });
  const named = [...rebuild.skipped, ...skipped].slice(0, NAMED);
  const place =
    "after" in next
      ? sql`after = ${next.after}`
      : next.phase === "end"
        ? sql`state = 'done', finished_at = ${now}`
        : sql`phase = ${next.phase}, after = null`;
  await transaction(catalog, [
    ...statements,
    sql`update catalog_rebuilds set ${place}, counts = ${JSON.stringify(counts)}, skipped = ${JSON.stringify(named)},
          updated_at = ${now}
        where id = ${rebuild.id} and state = 'running' and phase = ${rebuild.phase} and after is ${rebuild.after}`,
  ]);
  const noted = await findRebuild(catalog, rebuild.id);
  if (noted === undefined) throw new TypeError(`Cannot find rebuild "${rebuild.id}" any more`);
  return noted;
}

function sum(counts: RebuildCounts, more: Partial<RebuildCounts>): RebuildCounts {
  const of = (name: keyof RebuildCounts) => counts[name] + (more[name] ?? 0);
  return {
    backups: of("backups"),
    addedBackups: of("addedBackups"),
    archives: of("archives"),
    addedArchives: of("addedArchives"),
    archived: of("archived"),
    addedArchived: of("addedArchived"),
    receipts: of("receipts"),
    addedDrills: of("addedDrills"),
    addedDatabases: of("addedDatabases"),
    skipped: of("skipped"),
  };
}

/** Ends a rebuild that cannot go on. What it added stays, and another one may be begun. */
export async function failRebuild(
  catalog: Catalog,
  { id, error, now }: { id: string; error: string; now: number },
): Promise<void> {
  await catalog.run(
    sql`update catalog_rebuilds set state = 'failed', error = ${error}, updated_at = ${now}, finished_at = ${now}
        where id = ${id} and state = 'running'`,
  );
}

/** Goes on with a rebuild that failed, as a replay of its dead letter asks, unless another one is under way by now. */
export async function reopenRebuild(catalog: Catalog, { id, now }: { id: string; now: number }): Promise<void> {
  await catalog.run(
    sql`update catalog_rebuilds set state = 'running', error = null, updated_at = ${now}, finished_at = null
        where id = ${id} and state = 'failed' and not exists (select 1 from catalog_rebuilds where state = 'running')`,
  );
}

/**
 * The running rebuild, if nobody works on it: it has not come further since `since`, and no lease for it is held. Whether
 * its message is really gone is for the caller to ask the queue.
 */
export async function idleRebuild(
  catalog: Catalog,
  { now, since }: { now: number; since: number },
): Promise<string | null> {
  const [found] = await catalog.all<{ id: string }>(
    sql`select id as "id" from catalog_rebuilds where state = 'running' and updated_at <= ${since}
          and not exists (select 1 from leases l where l.name = 'rebuild' and l.expires_at > ${now})`,
  );
  return found?.id ?? null;
}

/** What of rebuilds keeps anything from being removed, as columns. */
export const REBUILT: SQL = sql`exists (select 1 from catalog_rebuilds where state = 'running') as "running",
    exists (select 1 from catalog_rebuilds r
      where (r.counts ->> 'addedBackups') + (r.counts ->> 'addedArchived') > 0
        and not exists (select 1 from custody_settings s where s.updated_at >= r.started_at)) as "unset"`;

export interface Rebuilt {
  readonly running: number;
  readonly unset: number;
}

/**
 * Why nothing may be removed from the bucket, as a sentence; null when there is no such reason. While a rebuild runs the
 * catalog does not know what it has; and after one it does not know what was to be kept for how long, until somebody says
 * so: the policies that hold for all databases were in the catalog alone.
 */
export async function removalDoubt(catalog: Catalog): Promise<string | null> {
  const [row] = await catalog.all<Rebuilt>(sql`select ${REBUILT}`);
  return row === undefined ? null : doubtOfRebuilds(row);
}

export function doubtOfRebuilds({ running, unset }: Rebuilt): string | null {
  if (running === 1) return "nothing is removed: the catalog is being rebuilt from the bucket";
  if (unset === 1)
    return "nothing is removed: the catalog was rebuilt from the bucket, and what is to be kept has not been set since";
  return null;
}
