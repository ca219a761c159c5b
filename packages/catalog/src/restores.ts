import { type AlertEvent, eventId } from "@patina/alerts/event";
import { sql } from "drizzle-orm";
import { raiseEvent } from "./alert-events.ts";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./transaction.ts";

export type RestoreEvent = Extract<AlertEvent, { kind: "restored" | "restore-failed" }>;

/**
 * Writes down that somebody has restored a backup, and tells the channels that want to know.
 *
 * @returns the ids of these channels
 */
export async function noteRestore(catalog: Catalog, event: RestoreEvent, audit: AuditEntry): Promise<string[]> {
  const results = await transaction(catalog, [
    ...raiseEvent(event, { now: audit.at }),
    auditStatement(audit),
    sql`select channel from alert_outbox where event = ${eventId(event)} order by channel`,
  ]);
  return (results.at(-1) ?? []).map(({ channel }) => String(channel));
}
