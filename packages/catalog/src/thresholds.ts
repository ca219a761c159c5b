import { DEFAULT_THRESHOLDS, type Thresholds } from "@patina/alerts/thresholds";
import { type SQL, sql } from "drizzle-orm";
import { type Actor, auditStatement } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { alertThresholds } from "./schema.ts";
import { type Rows, transaction } from "./transaction.ts";

/** The statement that reads the thresholds; thresholdsOf() makes sense of its rows. */
export const THRESHOLDS: SQL = sql`select slow_minutes, deviation_percent, summary_hour
    from alert_thresholds where id = 1`;

/** The thresholds that somebody has set, or else the defaults. */
export function thresholdsOf([row]: Rows): Thresholds {
  if (row === undefined) return DEFAULT_THRESHOLDS;
  return {
    slowMinutes: Number(row["slow_minutes"]),
    deviationPercent: Number(row["deviation_percent"]),
    summaryHour: Number(row["summary_hour"]),
  };
}

export async function readThresholds(catalog: Catalog): Promise<Thresholds> {
  const [rows] = await transaction(catalog, [THRESHOLDS]);
  return thresholdsOf(rows ?? []);
}

/** Sets the thresholds that are named and leaves the others as they are. */
export async function changeThresholds(
  catalog: Catalog,
  { change, actor, now }: { change: Partial<Thresholds>; actor: Actor; now: number },
): Promise<Thresholds> {
  const thresholds = { ...(await readThresholds(catalog)), ...change };
  const values = { ...thresholds, updatedAt: now };
  await transaction(catalog, [
    catalog
      .insert(alertThresholds)
      .values({ id: 1, ...values })
      .onConflictDoUpdate({ target: alertThresholds.id, set: values })
      .getSQL(),
    auditStatement({ at: now, actor, action: "thresholds.change", subject: "alerts", detail: change }),
  ]);
  return thresholds;
}
