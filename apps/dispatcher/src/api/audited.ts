import { type AuditEntry, writeAudit } from "@patina/catalog/audit";
import type { Context } from "hono";
import type { Api } from "./app.ts";

/** What a request does, as the audit log wants it, with who asks and when. */
export function auditEntry(c: Context<Api>, what: Pick<AuditEntry, "action" | "subject" | "detail">): AuditEntry {
  const actor = { name: c.get("principal").name, request: c.get("request") };
  return { ...what, actor, at: c.get("context").clock() };
}

/** Writes down what a request does that changes nothing in the catalog. */
export async function audited(c: Context<Api>, what: Parameters<typeof auditEntry>[1]): Promise<void> {
  await writeAudit(c.get("context").catalog, auditEntry(c, what));
}
