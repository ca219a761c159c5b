import type { Check, Verdict } from "@patina/core/drill";
import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";

/**
 * What receipts in the bucket say that the catalog does not: when stored objects were verified and drilled, what was found
 * damaged, and the drills themselves. A fact only ever replaces an older one, or none.
 */

/** What was found of one stored object; an object under the same key with another etag is not meant. */
export interface RebuiltFinding {
  readonly key: string;
  readonly etag: string;
  /** Milliseconds. */
  readonly at: number;
  /** What is wrong with it, as a sentence; null when nothing is. */
  readonly damage: string | null;
}

/** What was found of a dump that was read out of a weekly archive. */
export interface RebuiltMemberDamage extends RebuiltFinding {
  /** `key` and `etag` are those of the archive. */
  readonly database: string;
  readonly date: string;
  readonly damage: string;
}

export interface RebuiltDrill {
  readonly id: string;
  readonly database: string;
  readonly date: string;
  readonly job: string;
  /** The object that was read. */
  readonly key: string;
  readonly cause: "first" | "schema" | "monthly" | "asked";
  readonly verdict: Verdict;
  /** The finding that decided the verdict; null when it passed. */
  readonly reason: string | null;
  readonly checks: readonly Check[];
  /** Null when nothing was restored. */
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly restoreMs: number | null;
  readonly rowsWritten: number;
  readonly schemaDigest: string | null;
  /** When it was asked for and when it ended, in milliseconds. */
  readonly createdAt: number;
  readonly at: number;
  /** The object that it says something of: its etag, or, where only that is known, the job that made it. */
  readonly meant: { readonly key: string; readonly etag: string | null };
  /** Whether a copy of the backup in an archive is no better. */
  readonly isOfCopies: boolean;
}

/**
 * The statements that note verifications: the newest that found nothing, and the first that found something. A backup that
 * is known to be damaged is not verified any more; an archive is, whatever is wrong with parts of it.
 */
export function verificationStatements(findings: readonly RebuiltFinding[]): SQL[] {
  if (findings.length === 0) return [];
  const list = JSON.stringify(findings);
  const last = sql`(select max(m.value ->> 'at') from json_each(${list}) m
      where m.value ->> 'key' = i.key and m.value ->> 'etag' = i.etag
        and (i.kind = 'weekly' or (m.value ->> 'damage' is null and m.value ->> 'at' < coalesce(i.damaged_at, 9e15))))`;
  return [
    ...damageStatements(findings),
    sql`update backup_inventory as i set verified_at = ${last}
        where i.key in (select m.value ->> 'key' from json_each(${list}) m) and coalesce(i.verified_at, 0) < ${last}`,
  ];
}

/** The statements that note what was found damaged inside archives: an archive that holds such a dump is damaged, too. */
export function memberDamageStatements(found: readonly RebuiltMemberDamage[]): SQL[] {
  if (found.length === 0) return [];
  return [...damageStatements(found), copiesStatement(found)];
}

/** The first finding stays. One that a later drill has refuted is none. */
function copiesStatement(found: readonly { database: string; date: string; at: number }[]): SQL {
  return sql`update archive_members as m set damaged_at = s.at
      from (select f.value ->> 'database' as database, f.value ->> 'date' as date, min(f.value ->> 'at') as at
        from json_each(${JSON.stringify(found.map(({ database, date, at }) => ({ database, date, at })))}) f group by 1, 2) s
      where m.database = s.database and m.date = s.date and (m.damaged_at is null or m.damaged_at > s.at)
        and not exists (select 1 from drills d where d.database = s.database and d.date = s.date and d.finished_at > s.at
          and d.verdict in ('passed', 'flawed') and (d.key like 'daily/%' or d.key like 'weekly/%'))`;
}

/** How many of these drills the catalog does not have. */
export async function unknownDrills(catalog: Catalog, drills: readonly Pick<RebuiltDrill, "id">[]): Promise<number> {
  if (drills.length === 0) return 0;
  const [row] = await catalog.all<{ unknown: number }>(
    sql`select count(*) as "unknown" from json_each(${JSON.stringify(drills.map(({ id }) => id))}) m
        where not exists (select 1 from drills d where d.id = m.value)`,
  );
  return row?.unknown ?? 0;
}

/** The statements that note drills, and what they say of the backups that were restored. */
export function drillStatements(drills: readonly RebuiltDrill[]): SQL[] {
  if (drills.length === 0) return [];
  const list = JSON.stringify(drills);
  const last = sql`(select max(m.value ->> 'at') from json_each(${list}) m
      where m.value ->> 'verdict' in ('passed', 'flawed') and ${isMeant(sql`m.value`)})`;
  const failed = drills.filter(({ verdict }) => verdict === "failed");
  const copies = failed.filter(({ isOfCopies }) => isOfCopies);
  return [
    sql`insert into drills (id, database, date, job_id, key, cause, state, verdict, reason, checks, rows, bytes,
          rows_written, restore_ms, schema_digest, created_at, updated_at, finished_at)
        select v ->> 'id', v ->> 'database', v ->> 'date', v ->> 'job', v ->> 'key', v ->> 'cause', 'done',
          v ->> 'verdict', v ->> 'reason', v -> 'checks', v ->> 'rows', v ->> 'bytes', v ->> 'rowsWritten',
          v ->> 'restoreMs', v ->> 'schemaDigest', v ->> 'createdAt', v ->> 'at', v ->> 'at'
        from (select m.value as v from json_each(${list}) m) where true
        on conflict (id) do nothing`,
    sql`update backup_inventory as i set drilled_at = ${last}
        where i.key in (select m.value ->> '$.meant.key' from json_each(${list}) m)
          and coalesce(i.drilled_at, 0) < ${last}`,
    ...damageStatements(
      failed.map(({ meant, job, at, reason }) => ({ ...meant, job, at, damage: `A drill failed: ${reason}` })),
    ),
    ...(copies.length === 0 ? [] : [copiesStatement(copies)]),
  ];
}

/** That row `i` of the inventory is the object that a drill says something of. */
function isMeant(drill: SQL): SQL {
  return sql`${drill} ->> '$.meant.key' = i.key
      and coalesce(${drill} ->> '$.meant.etag' = i.etag, ${drill} ->> 'job' = i.job_id)`;
}

/** The first finding stays. */
function damageStatements(
  findings: readonly {
    readonly key: string;
    readonly etag: string | null;
    readonly job?: string;
    readonly at: number;
    readonly damage: string | null;
  }[],
): SQL[] {
  const bad = findings.filter(({ damage }) => damage !== null);
  if (bad.length === 0) return [];
  return [
    // Beside min(), the bare columns come from the row with the minimum.
    sql`update backup_inventory as i set damaged_at = s.at, damage = s.damage
        from (select m.value ->> 'key' as key, m.value ->> 'etag' as etag, m.value ->> 'job' as job,
            min(m.value ->> 'at') as at, m.value ->> 'damage' as damage
          from json_each(${JSON.stringify(bad)}) m group by 1, 2, 3) s
        where i.key = s.key and coalesce(i.etag = s.etag, i.job_id = s.job)
          and (i.damaged_at is null or i.damaged_at > s.at)`,
  ];
}
