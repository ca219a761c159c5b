import { type CustodySettings, DEFAULT_CUSTODY } from "@patina/core/custody";
import type { DumpPolicy, RetentionPolicy } from "@patina/core/retention-policy";
import { eq, isNotNull } from "drizzle-orm";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { custodySettings, databases } from "./schema.ts";
import { transaction } from "./transaction.ts";

/** How stored backups are looked after, as somebody has set it, or else by default. */
export async function readCustody(catalog: Catalog): Promise<CustodySettings & { readonly updatedAt: number | null }> {
  const [row] = await catalog.select().from(custodySettings).where(eq(custodySettings.id, 1));
  if (row === undefined) return { ...DEFAULT_CUSTODY, updatedAt: null };
  const { retention, weeklyWeeks, verifyBytes, drillRows, updatedAt } = row;
  return { dumps: retention, weeklyWeeks, verifyBytes, drillRows, updatedAt };
}

/** Sets all of it, in one transaction with its line in the audit log. */
export async function setCustody(
  catalog: Catalog,
  { settings, audit }: { settings: CustodySettings; audit: AuditEntry },
): Promise<void> {
  const { dumps: retention, weeklyWeeks, verifyBytes, drillRows } = settings;
  const values = { retention, weeklyWeeks, verifyBytes, drillRows, updatedAt: audit.at };
  await transaction(catalog, [
    catalog
      .insert(custodySettings)
      .values({ id: 1, ...values })
      .onConflictDoUpdate({ target: custodySettings.id, set: values })
      .getSQL(),
    auditStatement(audit),
  ]);
}

/** What is kept how long: for all databases, and for those that have a policy of their own. */
export async function readRetention(catalog: Catalog): Promise<RetentionPolicy> {
  const { dumps, weeklyWeeks } = await readCustody(catalog);
  const own = await catalog
    .select({ name: databases.name, retention: databases.retention })
    .from(databases)
    .where(isNotNull(databases.retention));
  const overrides = own.flatMap(({ name, retention }): [string, DumpPolicy][] =>
    retention === null ? [] : [[name, retention]],
  );
  return { weeklyWeeks, dumps, overrides: new Map(overrides) };
}
