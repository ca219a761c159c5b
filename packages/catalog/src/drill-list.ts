import type { Verdict } from "@patina/core/drill";
import type { LastDrill } from "@patina/core/proven";
import { and, desc, eq, lt, or, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import type { DrillRow } from "./drills.ts";
import { drills } from "./schema.ts";

export interface DrillFilter {
  readonly database?: string | undefined;
  readonly date?: string | undefined;
  readonly state?: DrillRow["state"] | undefined;
  readonly cause?: DrillRow["cause"] | undefined;
  readonly verdict?: Verdict | undefined;
}

/** Where a page of drills begins: after this one. */
export interface DrillPlace {
  readonly createdAt: number;
  readonly id: string;
}

/** Drills, the newest first. */
export async function listDrills(
  catalog: Catalog,
  { filter, after, limit }: { filter: DrillFilter; after?: DrillPlace | undefined; limit: number },
): Promise<DrillRow[]> {
  const { database, date, state, cause, verdict } = filter;
  return await catalog
    .select()
    .from(drills)
    .where(
      and(
        database === undefined ? undefined : eq(drills.database, database),
        date === undefined ? undefined : eq(drills.date, date),
        state === undefined ? undefined : eq(drills.state, state),
        cause === undefined ? undefined : eq(drills.cause, cause),
        verdict === undefined ? undefined : eq(drills.verdict, verdict),
        after === undefined
          ? undefined
          : or(
              lt(drills.createdAt, after.createdAt),
              and(eq(drills.createdAt, after.createdAt), lt(drills.id, after.id)),
            ),
      ),
    )
    .orderBy(desc(drills.createdAt), desc(drills.id))
    .limit(limit);
}

/** A drill that restored a backup: a point of the trend. */
export interface TrendPoint {
  readonly at: number;
  readonly restoreMs: number;
  readonly bytes: number;
  readonly verdict: Verdict;
}

/** The last drills of a database that restored something, the oldest first. */
export async function drillTrend(
  catalog: Catalog,
  { database, limit }: { database: string; limit: number },
): Promise<TrendPoint[]> {
  const rows = await catalog.all<TrendPoint>(
    sql`select finished_at as "at", restore_ms as "restoreMs", bytes, verdict from drills
        where database = ${database} and state = 'done' and restore_ms is not null
        order by created_at desc, id desc limit ${limit}`,
  );
  return rows.reverse();
}

/** A database's last drill that has ended. */
export interface DatabaseDrill extends LastDrill {
  readonly id: string;
  /** Date of the backup; null when there was none. */
  readonly date: string | null;
  readonly restoreMs: number | null;
}

/** The last drills of databases by name. Reads one row of each by index. */
export async function lastDrills(catalog: Catalog, names?: readonly string[]): Promise<Map<string, DatabaseDrill>> {
  const only = names === undefined ? sql`true` : sql`d.name in (select value from json_each(${JSON.stringify(names)}))`;
  const rows = await catalog.all<DatabaseDrill & { database: string }>(
    sql`select d.name as "database", l.id, l.date, l.verdict, l.reason, l.finished_at as "at", l.restore_ms as "restoreMs"
        from databases d join drills l on l.id = (
          select id from drills where database = d.name and state = 'done' order by created_at desc, id desc limit 1)
        where ${only}`,
  );
  return new Map(rows.map(({ database, ...last }) => [database, last]));
}
