import { QUEUES } from "@patina/messages/queues";
import { and, desc, eq, lt, or, type SQL, sql } from "drizzle-orm";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { verifyRuns } from "./schema.ts";
import { transaction } from "./transaction.ts";

/** One verification of stored backups, as far as it came. */
export type VerifyRun = typeof verifyRuns.$inferSelect;

export type NewVerifyRun = Pick<VerifyRun, "id" | "scope" | "database" | "date">;

/**
 * Opens a run, unless it is open already, or has been.
 *
 * @returns whether this call opened it
 */
export async function openVerifyRun(
  catalog: Catalog,
  { run, now, audit }: { run: NewVerifyRun; now: number; audit?: AuditEntry },
): Promise<boolean> {
  const { id, scope, database, date } = run;
  const [opened] = await transaction(catalog, [
    sql`insert into verify_runs (id, scope, database, date, started_at, updated_at)
        values (${id}, ${scope}, ${database}, ${date}, ${now}, ${now}) on conflict (id) do nothing returning id`,
    ...(audit === undefined ? [] : [auditStatement(audit, sql`changes() > 0`)]),
  ]);
  return (opened ?? []).length > 0;
}

export async function findVerifyRun(catalog: Catalog, id: string): Promise<VerifyRun | undefined> {
  const [found] = await catalog.select().from(verifyRuns).where(eq(verifyRuns.id, id));
  return found;
}

/** Where a page of runs begins: after this one. */
export interface RunCursor {
  readonly startedAt: number;
  readonly id: string;
}

/** Runs, newest first. */
export async function listVerifyRuns(
  catalog: Catalog,
  { after, limit }: { after?: RunCursor | undefined; limit: number },
): Promise<VerifyRun[]> {
  return await catalog
    .select()
    .from(verifyRuns)
    .where(
      after === undefined
        ? undefined
        : or(
            lt(verifyRuns.startedAt, after.startedAt),
            and(eq(verifyRuns.startedAt, after.startedAt), lt(verifyRuns.id, after.id)),
          ),
    )
    .orderBy(desc(verifyRuns.startedAt), desc(verifyRuns.id))
    .limit(limit);
}

/** What a run has come to. */
export type VerifyProgress = Pick<
  VerifyRun,
  "after" | "checked" | "damaged" | "unread" | "bytes" | "findings" | "postponed" | "waiting" | "total"
>;

/**
 * The statement that notes how far a run came, on the condition that it stood where `from` says: what is done twice is
 * counted once.
 */
export function progressStatement({
  from,
  to,
  now,
  isDone = false,
}: {
  from: VerifyRun;
  to: VerifyProgress;
  now: number;
  isDone?: boolean;
}): SQL {
  const { id, checked, unread } = from;
  const after = to.after === null ? null : JSON.stringify(to.after);
  return sql`update verify_runs set after = ${after}, total = ${to.total}, checked = ${to.checked},
        damaged = ${to.damaged}, unread = ${to.unread}, bytes = ${to.bytes}, findings = ${JSON.stringify(to.findings)},
        postponed = ${to.postponed}, waiting = ${JSON.stringify(to.waiting)}, updated_at = ${now},
        state = ${isDone ? "done" : "running"}, finished_at = ${isDone ? now : null}
      where id = ${id} and state = 'running' and checked = ${checked} and unread = ${unread}
        and after is ${from.after === null ? null : JSON.stringify(from.after)}`;
}

/**
 * Runs that nobody works on: not come further since `since`, without a lease, and without an open dead letter, which is for
 * a person to replay. Whether their messages are really gone is for the caller to ask the queue.
 */
export async function idleVerifyRuns(
  catalog: Catalog,
  { now, since }: { now: number; since: number },
): Promise<Pick<VerifyRun, "id" | "database" | "date">[]> {
  return await catalog.all(
    sql`select id, database as "database", date as "date" from verify_runs r
        where state = 'running' and updated_at <= ${since}
          and not exists (select 1 from leases l where l.name = 'verify:' || r.id and l.expires_at > ${now})
          and not exists (select 1 from dead_letters d where d.queue = ${QUEUES.upkeep} and d.state = 'open'
            and json_valid(d.body) and d.body ->> 'run' = r.id)
        order by started_at, id`,
  );
}

/** What stands in the way of a day's run: the run itself, its nightly job, or a weekly one. */
export interface VerifyReadiness {
  readonly isOpened: boolean;
  readonly hasNightly: boolean;
  readonly isBusy: boolean;
}

export async function verifyReadiness(
  catalog: Catalog,
  { run, nightly }: { run: string; nightly: string },
): Promise<VerifyReadiness> {
  const [row] = await catalog.all<{ opened: number; nightly: number; busy: number }>(
    sql`select exists (select 1 from verify_runs where id = ${run}) as "opened",
          exists (select 1 from backup_jobs where id = ${nightly}) as "nightly",
          exists (select 1 from backup_jobs where status = 'running' and (id = ${nightly} or kind = 'weekly')) as "busy"`,
  );
  return { isOpened: row?.opened === 1, hasNightly: row?.nightly === 1, isBusy: row?.busy === 1 };
}
