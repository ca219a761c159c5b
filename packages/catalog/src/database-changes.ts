import type { DumpPolicy } from "@patina/core/retention-policy";
import { type SQL, sql } from "drizzle-orm";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./transaction.ts";

/** What the API may do to the registry. Each change is one transaction with its line in the audit log. */

/** A database that the API adds, and then owns. */
export interface NewDatabase {
  readonly name: string;
  readonly binding: string;
  readonly shard: number;
  readonly environment: string;
  readonly description: string;
  /** 0 critical, 1 high, 2 normal. */
  readonly priority: number;
  readonly d1Id: string | null;
  readonly estimatedBytes: number | null;
}

/** That the statement before has changed something. */
const TOOK_EFFECT = sql`changes() > 0`;

/** @returns false when another database has the name or the binding; then nothing is changed */
export async function addDatabase(catalog: Catalog, entry: NewDatabase, audit: AuditEntry): Promise<boolean> {
  const { name, binding, shard, environment, description, priority, d1Id, estimatedBytes } = entry;
  const [added] = await transaction(catalog, [
    sql`insert into databases
          (name, binding, shard, environment, description, priority, d1_id, estimated_bytes, owner, created_at, updated_at)
        select ${name}, ${binding}, ${shard}, ${environment}, ${description}, ${priority}, ${d1Id}, ${estimatedBytes}, 'api',
          ${audit.at}, ${audit.at}
        where not exists (select 1 from databases where name = ${name} or binding = ${binding})
        returning name`,
    auditStatement(audit, TOOK_EFFECT),
  ]);
  return (added ?? []).length > 0;
}

/** What of a database that the API owns can be changed. */
export interface DatabaseChange {
  readonly description?: string | undefined;
  readonly priority?: number | undefined;
  readonly d1Id?: string | undefined;
  readonly estimatedBytes?: number | undefined;
  /** Null takes back what it has of its own. */
  readonly retention?: DumpPolicy | null | undefined;
}

/** @returns false when the API does not own the database; then nothing is changed */
export async function changeDatabase(
  catalog: Catalog,
  { name, change, audit }: { name: string; change: DatabaseChange; audit: AuditEntry },
): Promise<boolean> {
  const { description, priority, d1Id, estimatedBytes, retention } = change;
  const kept = (value: string | number | undefined, column: SQL) => sql`coalesce(${value ?? null}, ${column})`;
  const [changed] = await transaction(catalog, [
    sql`update databases set description = ${kept(description, sql`description`)},
          priority = ${kept(priority, sql`priority`)}, d1_id = ${kept(d1Id, sql`d1_id`)},
          estimated_bytes = ${kept(estimatedBytes, sql`estimated_bytes`)},
          retention = ${retention === undefined ? sql`retention` : textOf(retention)}, updated_at = ${audit.at}
        where name = ${name} and owner = 'api'
        returning name`,
    auditStatement(audit, TOOK_EFFECT),
  ]);
  return (changed ?? []).length > 0;
}

function textOf(retention: DumpPolicy | null): SQL {
  return sql`${retention === null ? null : JSON.stringify(retention)}`;
}

/** Takes a database out of the schedule, or puts it back; whoever owns it. Doing so twice is noted once. */
export async function setEnabled(
  catalog: Catalog,
  { name, isEnabled, audit }: { name: string; isEnabled: boolean; audit: AuditEntry },
): Promise<void> {
  await transaction(catalog, [
    sql`update databases set enabled = ${isEnabled ? 1 : 0}, updated_at = ${audit.at}
        where name = ${name} and enabled <> ${isEnabled ? 1 : 0}`,
    auditStatement(audit, TOOK_EFFECT),
  ]);
}
