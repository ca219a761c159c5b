import { dateOf } from "@patina/core/date";
import { sql } from "drizzle-orm";
import { raiseEvent } from "./alert-events.ts";
import type { Catalog } from "./catalog.ts";
import { readThresholds } from "./thresholds.ts";
import { transaction } from "./transaction.ts";

/** Raises the summary of the day, once its hour has come and if there is a database to tell of. */
export async function raiseSummary(catalog: Catalog, now: number): Promise<void> {
  const { summaryHour } = await readThresholds(catalog);
  if (new Date(now).getUTCHours() < summaryHour) return;
  const where = sql`exists (select 1 from databases where enabled = 1)`;
  await transaction(catalog, raiseEvent({ kind: "daily-summary", date: dateOf(now) }, { now, where }));
}
