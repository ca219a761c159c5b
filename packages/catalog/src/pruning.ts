import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import type { PruneStep } from "./prune-plans.ts";
import { transaction } from "./transaction.ts";

/** What prunes change in the inventory. An object under the same key with another etag is never meant. */

/** An object as it was seen. */
export interface SeenObject {
  readonly key: string;
  readonly etag: string;
}

function areThese(objects: readonly SeenObject[]): SQL {
  const list = JSON.stringify(objects.map(({ key, etag }) => [key, etag]));
  return sql`(key, etag) in (select o.value ->> 0, o.value ->> 1 from json_each(${list}) o)`;
}

/** The statement that notes that objects go: before they do, so that nobody counts on them any more. */
export function markStatement({ objects, now }: { objects: readonly SeenObject[]; now: number }): SQL {
  return sql`update backup_inventory set deleted_at = ${now} where ${areThese(objects)} and deleted_at is null`;
}

export async function markGone(catalog: Catalog, marked: { objects: readonly SeenObject[]; now: number }) {
  await transaction(catalog, [markStatement(marked)]);
}

/** The statement that takes back that objects went: they are all there. */
export function unmarkStatement(objects: readonly SeenObject[]): SQL {
  return sql`update backup_inventory set deleted_at = null where ${areThese(objects)}`;
}

export async function unmarkGone(catalog: Catalog, objects: readonly SeenObject[]): Promise<void> {
  await transaction(catalog, [unmarkStatement(objects)]);
}

/** Steps of a plan whose objects are marked as gone already: an invocation stopped between marking and noting. */
export async function markedSteps(
  catalog: Catalog,
  { plan, action, limit }: { plan: string; action: PruneStep["action"]; limit: number },
): Promise<(SeenObject & { readonly size: number })[]> {
  return await catalog.all(
    sql`select s.key, s.etag, s.size from prune_steps s join backup_inventory i on i.key = s.key and i.etag = s.etag
        where s.plan = ${plan} and s.state = 'planned' and s.action = ${action} and i.deleted_at is not null
        order by s.key limit ${limit}`,
  );
}

/** A backup that the inventory is to have, as its manifest says. */
export interface AdoptedBackup extends SeenObject {
  readonly kind: "daily" | "manual";
  readonly database: string;
  readonly date: string;
  readonly job: string;
  readonly size: number;
  readonly digest: string;
  readonly createdAt: number;
  /** When it was read and found to have its digest; null when it was not. */
  readonly verifiedAt: number | null;
}

/**
 * The statement that puts a backup into the inventory. What is known of the same bytes stays; of other bytes under the
 * key nothing does.
 */
export function adoptStatement(backup: AdoptedBackup): SQL {
  const { key, etag, kind, database, date, job, size, digest, createdAt, verifiedAt } = backup;
  const same = (column: SQL) =>
    sql`case when backup_inventory.digest = excluded.digest then backup_inventory.${column} end`;
  // What was wrong with an object is still wrong with it, unless its bytes have just been read.
  const kept = (column: SQL) =>
    sql`case when backup_inventory.etag = excluded.etag and excluded.verified_at is null then backup_inventory.${column} end`;
  return sql`insert into backup_inventory (key, kind, database, date, job_id, size, digest, etag, created_at, verified_at)
      values (${key}, ${kind}, ${database}, ${date}, ${job}, ${size}, ${digest}, ${etag}, ${createdAt}, ${verifiedAt})
      on conflict (key) do update set job_id = excluded.job_id, size = excluded.size, digest = excluded.digest,
        etag = excluded.etag, created_at = excluded.created_at, deleted_at = null,
        verified_at = coalesce(excluded.verified_at, ${same(sql`verified_at`)}), drilled_at = ${same(sql`drilled_at`)},
        damaged_at = ${kept(sql`damaged_at`)}, damage = ${kept(sql`damage`)}
      where backup_inventory.deleted_at is not null or backup_inventory.etag <> excluded.etag
        or backup_inventory.damaged_at is not null`;
}

/** The statement that forgets what an archive held, once it is gone. */
export function forgetArchiveStatement({ week, etag }: { week: string; etag: string }): SQL {
  return sql`delete from archives where week = ${week} and etag = ${etag}`;
}

/** When a member of an archive was finished, where that was not known. */
export function finishedStatement({
  database,
  date,
  finishedAt,
}: {
  database: string;
  date: string;
  finishedAt: number;
}): SQL {
  return sql`update archive_members set finished_at = ${finishedAt}
      where database = ${database} and date = ${date} and finished_at is null`;
}
