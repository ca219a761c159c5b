import type { AlertEvent } from "@patina/alerts/event";
import { raiseEvent } from "./alert-events.ts";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./transaction.ts";

export type RestoreEvent = Extract<AlertEvent, { kind: "restored" | "restore-failed" }>;

/** Writes down that somebody has restored a backup, and tells the channels that want to know. */
export async function noteRestore(catalog: Catalog, event: RestoreEvent, audit: AuditEntry): Promise<void> {
  await transaction(catalog, [...raiseEvent(event, { now: audit.at }), auditStatement(audit)]);
}
