import { type CustodySettings, DEFAULT_CUSTODY } from "@patina/core/custody";
import type { DumpPolicy, RetentionPolicy } from "@patina/core/retention-policy";
import { eq, sql } from "drizzle-orm";
import { type AuditEntry, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { custodySettings } from "./schema.ts";
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

/** What is kept how long: for all databases, and for those that have a policy of their own. One query. */
export async function readRetention(catalog: Catalog): Promise<RetentionPolicy> {
  const [row] = await catalog.all<{ dumps: string | null; weeklyWeeks: number | null; own: string }>(
    sql`select c.retention as "dumps", c.weekly_weeks as "weeklyWeeks",
          (select json_group_array(json_array(name, json(retention))) from databases where retention is not null) as "own"
        from (select 1) left join custody_settings c on c.id = 1`,
  );
  const dumps = row?.dumps == null ? DEFAULT_CUSTODY.dumps : (JSON.parse(row.dumps) as DumpPolicy);
  const overrides = JSON.parse(row?.own ?? "[]") as [string, DumpPolicy][];
  return { weeklyWeeks: row?.weeklyWeeks ?? DEFAULT_CUSTODY.weeklyWeeks, dumps, overrides: new Map(overrides) };
}
