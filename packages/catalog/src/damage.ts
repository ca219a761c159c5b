import { type SQL, sql } from "drizzle-orm";
import { raiseEvent } from "./alert-events.ts";

/** A stored object that is not what its manifest says, or cannot be restored. */
export interface Damage {
  readonly key: string;
  /** The object that was looked at: another one under the same key is not meant. */
  readonly etag: string;
  /** Null for a weekly archive. */
  readonly database: string | null;
  /** What is wrong with it, as a sentence without row data. */
  readonly damage: string;
  readonly now: number;
  /** Stands for what was found, where that is not all of the object: the same is told once. */
  readonly content?: string;
}

/** Stands for an archive whose object, or whose manifest, is gone, whoever finds that: the same is told once. */
export function lostArchive(etag: string, lost: "archive" | "manifest"): string {
  return lost === "archive" ? etag : `${etag}:manifest`;
}

/**
 * The statements that mark an object as damaged: it is no good backup from then on. The first finding stays; finding the
 * same again changes nothing.
 */
export function damageStatements({ key, etag, damage, now }: Damage): SQL[] {
  return [
    sql`update backup_inventory set damaged_at = ${now}, damage = ${damage}
        where key = ${key} and etag = ${etag} and damaged_at is null and deleted_at is null`,
  ];
}

/**
 * The statement that marks the copy of a daily backup in an archive as damaged.
 *
 * @param digest SHA-256 of the stored dump: a copy of another one is not meant
 */
export function copyStatement({ database, date, digest, now }: DamagedCopy & { readonly now: number }): SQL {
  return sql`update archive_members set damaged_at = ${now}
      where database = ${database} and date = ${date} and digest = ${digest} and damaged_at is null`;
}

export interface DamagedCopy {
  readonly database: string;
  readonly date: string;
  readonly digest: string;
}

/** The statements that mark what a verification found, and tell people of it. */
export function mismatchStatements(found: Damage): SQL[] {
  const { key, etag, database, damage, now, content = etag } = found;
  return [
    ...damageStatements(found),
    ...raiseEvent({ kind: "verify-mismatch", content, key, database, error: damage }, { now }),
  ];
}

/**
 * The statements that ask for a backup of a database, which the tick opens a job for: the archiver may not. Asking again
 * while that is still to be done changes nothing; nor does asking for a database that is not in the registry.
 *
 * @param id unlike any other request's, and the same when the same thing asks again
 * @param where what else must hold for it to be needed
 */
export function requestStatements({
  id,
  database,
  reason,
  now,
  where = sql`true`,
}: {
  id: string;
  database: string;
  reason: string;
  now: number;
  where?: SQL;
}): SQL[] {
  return [
    sql`insert into job_requests (id, database, reason, created_at)
        select ${id}, name, ${reason}, ${now} from databases
        where name = ${database} and enabled = 1 and ${where}
          and not exists (select 1 from job_requests where database = ${database} and job_id is null)
        on conflict (id) do nothing`,
  ];
}
