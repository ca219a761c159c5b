import type { StoredDump } from "@patina/core/dump-retention";
import { type SQL, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { FINISHED_AFTER, GOOD_WEEKS } from "./good-weeks.ts";
import { listed } from "./listed.ts";

/** A stored dump, as retention needs to know it, and the object that it is. */
export type InventoryDump = StoredDump & { readonly date: string; readonly etag: string };

/** All stored dumps of one database. */
export interface DatabaseDumps {
  readonly database: string;
  readonly dumps: readonly InventoryDump[];
  /** When its newest good backup was finished, wherever it lies; null when there is none. */
  readonly newestGood: number | null;
}

/** Rows of one query: some 400 KB. */
const PAGE_ROWS = 2_000;

interface Which {
  /** Only databases behind this one. */
  readonly after?: string;
  /** Only these. */
  readonly databases?: readonly string[];
  readonly pageRows?: number;
}

/**
 * The stored dumps of the databases, by name: in pages, each of whole databases, so that memory holds one page however
 * many there are. A page takes two queries.
 */
export async function* storedDumps(catalog: Catalog, which: Which = {}): AsyncGenerator<readonly DatabaseDumps[]> {
  for (let after: string | null = which.after ?? ""; after !== null; ) {
    const page: DumpsPage = await dumpsPage(catalog, { ...which, after });
    if (page.databases.length > 0) yield page.databases;
    after = page.next;
  }
}

export interface DumpsPage {
  readonly databases: readonly DatabaseDumps[];
  /** The name behind which the next page begins; null on the last one. */
  readonly next: string | null;
}

/** One page of them: two queries, unless one database alone has more dumps than a page has rows. */
export async function dumpsPage(catalog: Catalog, which: Which): Promise<DumpsPage> {
  const { after = "", pageRows = PAGE_ROWS } = which;
  for (let limit = pageRows; ; limit *= 2) {
    const rows = await readRows(catalog, { ...which, after, limit });
    const groups = [...Map.groupBy(rows, ({ database }) => database)];
    const isLast = rows.length < limit;
    // The last database of a full page may go on in the next one.
    if (!isLast) groups.pop();
    const last = groups.at(-1)?.[0];
    if (last === undefined && !isLast) continue;
    const databases = last === undefined ? [] : await withNewest(catalog, groups);
    return { databases, next: isLast ? null : (last ?? null) };
  }
}

async function readRows(
  catalog: Catalog,
  { after, databases, limit }: Which & { readonly after: string; readonly limit: number },
): Promise<InventoryDump[]> {
  const only: SQL[] = databases === undefined ? [] : [sql`i.database in ${listed(databases)}`];
  const where = [sql`i.deleted_at is null`, sql`i.database > ${after}`, ...only];
  const rows = await catalog.all<Omit<InventoryDump, "isGood"> & { isGood: number }>(
    sql`select i.key, i.kind, i.database as "database", i.date as "date", i.created_at as "at", i.size as "bytes", i.etag,
          i.damaged_at is null as "isGood",
          case when i.kind = 'daily' then (select 'weekly/' || m.week || '.tar.gz' from archive_members m
            where m.database = i.database and m.date = i.date and m.digest = i.digest and m.week in (${GOOD_WEEKS}))
          end as "archivedIn"
        from backup_inventory i
        where i.kind in ('daily', 'manual') and ${sql.join(where, sql` and `)}
        order by i.database, i.date limit ${limit}`,
  );
  return rows.map((row) => ({ ...row, isGood: row.isGood === 1 }));
}

async function withNewest(catalog: Catalog, groups: readonly [string, InventoryDump[]][]): Promise<DatabaseDumps[]> {
  const rows = await catalog.all<{ database: string; at: number }>(
    sql`select m.database as "database", max(${FINISHED_AFTER}) as "at" from archive_members m
        where m.database in ${listed(groups.map(([database]) => database))} and m.week in (${GOOD_WEEKS})
          and m.damaged_at is null
        group by m.database`,
  );
  const archived = new Map(rows.map(({ database, at }) => [database, at]));
  return groups.map(([database, dumps]) => {
    const times = dumps.filter(({ isGood }) => isGood).map(({ at }) => at);
    const newest = Math.max(...times, archived.get(database) ?? -1);
    return { database, dumps, newestGood: newest < 0 ? null : newest };
  });
}

/** A subquery: when the newest of all stored backups was finished; null when there is none. */
// A backup is finished within days of its date, by which there is an index.
export const NEWEST_BACKUP = sql`(select max(created_at) from backup_inventory
    where date >= (select date(max(date), '-7 days') from backup_inventory) and deleted_at is null)`;
