import { desc, lt, type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { auditLog } from "./schema.ts";
import { transaction } from "./transaction.ts";

export type AuditRow = typeof auditLog.$inferSelect;

/** Who asks for a change, and in which request: what the API knows of its caller. */
export interface Actor {
  /** `admin-token`, `read-token`, the identity that Access vouches for, or the command that runs locally. */
  readonly name: string;
  readonly request: string | null;
}

export interface AuditEntry {
  readonly at: number;
  readonly actor: Actor;
  /** What was done, as `noun.verb`: `channel.add`, `dead-letter.replay`, `backup.download`. */
  readonly action: string;
  /** To what: a name or an id. */
  readonly subject: string;
  /** What else there is to say; never a secret, never data of a database. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/**
 * The statement that writes an audit row: for the transaction() that makes the change.
 *
 * @param where what must hold for the change to have been made, such as that the statement before has taken effect
 */
export function auditStatement(entry: AuditEntry, where: SQL = sql`true`): SQL {
  const detail = entry.detail === undefined ? null : JSON.stringify(entry.detail);
  return sql`insert into audit_log (at, actor, action, subject, detail, request)
      select ${entry.at}, ${entry.actor.name}, ${entry.action}, ${entry.subject}, ${detail}, ${entry.actor.request}
      where ${where}`;
}

/** Writes an audit row by itself, for what changes nothing in the catalog: a download. */
export async function writeAudit(catalog: Catalog, entry: AuditEntry): Promise<void> {
  await transaction(catalog, [auditStatement(entry)]);
}

/** Audit rows, newest first; `before` is the id of the last row of the page before. */
export async function listAudit(
  catalog: Catalog,
  { limit, before }: { limit: number; before?: number },
): Promise<AuditRow[]> {
  return await catalog
    .select()
    .from(auditLog)
    .where(before === undefined ? undefined : lt(auditLog.id, before))
    .orderBy(desc(auditLog.id))
    .limit(limit);
}
