import { type Held, judgeArchive, keepMembers, type Rescue, type StoredArchive } from "@patina/core/archive-retention";
import { DAY } from "@patina/core/date";
import type { Verdict } from "@patina/core/verdict";
import { datesOf } from "@patina/core/week";
import { sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { FINISHED_AFTER, FINISHED_BEFORE, GOOD_WEEKS } from "./good-weeks.ts";
import { listed } from "./listed.ts";

/** A stored archive, as the inventory has it. */
export interface InventoryArchive {
  readonly key: string;
  readonly week: string;
  readonly etag: string;
  readonly bytes: number;
  readonly at: number;
}

export interface JudgedArchive {
  readonly archive: InventoryArchive;
  readonly verdict: Verdict;
  readonly alone: readonly Rescue[];
}

interface Row extends InventoryArchive {
  readonly isGood: number;
  /** Daily backups in it; null when it is not known what it holds. */
  readonly backups: number | null;
}

/**
 * Judges the stored archives, newest first. Memory holds one number for each database, and what a few archives hold.
 *
 * @returns also how many queries it took
 */
export async function judgeArchives(
  catalog: Catalog,
  { weeklyWeeks, now }: { weeklyWeeks: number; now: number },
): Promise<{ readonly judged: readonly JudgedArchive[]; readonly queries: number }> {
  const rows = await catalog.all<Row>(
    sql`select w.key, substr(w.key, 8, 8) as "week", w.etag, w.size as "bytes", w.created_at as "at",
          w.damaged_at is null as "isGood", a.backups as "backups"
        from backup_inventory w
        left join archives a on a.week = substr(w.key, 8, 8) and a.etag = w.etag and a.state = 'checked'
        where w.key > 'weekly/' and w.key < 'weekly0' and w.deleted_at is null
        order by w.key desc`,
  );
  // Nothing in an archive is older than its week: most are certainly too young, and what they hold need not be read.
  const isYoung = ({ week }: Row) => now - startOf(week) < weeklyWeeks * 7 * DAY;
  const young = rows.filter(isYoung).map((archive) => {
    const stored: StoredArchive = {
      ...archive,
      kind: "weekly",
      at: Math.max(archive.at, startOf(archive.week)),
      members: null,
    };
    return { archive, ...judgeArchive(stored, { weeklyWeeks, now, elsewhere: new Map() }) };
  });
  const old = rows.filter((row) => !isYoung(row));
  if (old.length === 0) return { judged: young, queries: 1 };
  const weeks = young.map(({ archive }) => archive.week);
  const elsewhere = await newestElsewhere(catalog, weeks);
  const judged: JudgedArchive[] = [...young];
  const together = inTurn(old);
  for (const few of together) {
    const held = await readMembers(catalog, few);
    for (const archive of few) {
      const { members, newest } = held.get(archive.week) ?? UNKNOWN;
      const stored: StoredArchive = { ...archive, kind: "weekly", at: newest ?? archive.at, members };
      const { verdict, alone } = judgeArchive(stored, { weeklyWeeks, now, elsewhere });
      if (verdict.isKept) keepMembers(stored, elsewhere);
      judged.push({ archive, verdict, alone });
    }
  }
  return { judged, queries: 2 + together.length };
}

/** Backups in archives whose members are read at once: a row for each of their databases, some 2 MB at most. */
const BACKUPS_AT_ONCE = 100_000;

function inTurn(archives: readonly Row[]): Row[][] {
  const turns: Row[][] = [];
  let backups = Number.POSITIVE_INFINITY;
  for (const archive of archives) {
    backups += archive.backups ?? 0;
    if (backups > BACKUPS_AT_ONCE) {
      turns.push([]);
      backups = archive.backups ?? 0;
    }
    turns.at(-1)?.push(archive);
  }
  return turns;
}

function startOf(week: string): number {
  return Date.parse(`${datesOf(week)[0] ?? ""}T00:00:00Z`);
}

/** When the newest good backup of each database was finished, of those that are objects of their own or in these weeks. */
async function newestElsewhere(catalog: Catalog, weeks: readonly string[]): Promise<Map<string, number>> {
  const rows = await catalog.all<{ database: string; at: number }>(
    sql`select database as "database", max(at) as "at" from (
          select database, created_at as at from backup_inventory
          where database is not null and kind in ('daily', 'manual') and deleted_at is null and damaged_at is null
          union all
          select m.database, ${FINISHED_AFTER} from archive_members m
          where m.week in (select value from json_each(${JSON.stringify(weeks)})) and m.week in (${GOOD_WEEKS})
            and m.damaged_at is null)
        group by database`,
  );
  return new Map(rows.map(({ database, at }) => [database, at]));
}

interface HeldMembers {
  /** Null unless the catalog knows all of it. */
  readonly members: Map<string, Held> | null;
  readonly newest: number | null;
}

const UNKNOWN: HeldMembers = { members: null, newest: null };

/** What each of these archives holds of each database, by week. */
async function readMembers(catalog: Catalog, archives: readonly Row[]): Promise<Map<string, HeldMembers>> {
  const rows = await catalog.all<MemberRow>(
    sql`select m.week as "week", m.database as "database", count(*) as "count", max(${FINISHED_BEFORE}) as "newest",
          max(case when m.damaged_at is null then ${FINISHED_BEFORE} end) as "good"
        from archive_members m where m.week in ${listed(archives.map(({ week }) => week))}
        group by m.week, m.database`,
  );
  const byWeek = Map.groupBy(rows, ({ week }) => week);
  return new Map(archives.map((archive) => [archive.week, heldOf(archive, byWeek.get(archive.week) ?? [])]));
}

interface MemberRow {
  readonly week: string;
  readonly database: string;
  readonly count: number;
  readonly newest: number;
  readonly good: number | null;
}

function heldOf({ isGood, backups }: Row, rows: readonly MemberRow[]): HeldMembers {
  const count = rows.reduce((sum, row) => sum + row.count, 0);
  if (backups === null || count !== backups) return UNKNOWN;
  const held = rows.map(({ database, newest, good }): [string, Held] => [
    database,
    { newest, good: isGood === 1 ? good : null },
  ]);
  return { members: new Map(held), newest: rows.reduce((latest, { newest }) => Math.max(latest, newest), 0) };
}

/** The dates of the backups that are to be copied out of an archive. */
export async function datesOfRescues(
  catalog: Catalog,
  rescues: readonly Rescue[],
): Promise<{ readonly week: string; readonly database: string; readonly date: string; readonly bytes: number }[]> {
  return await catalog.all(
    sql`select m.week as "week", m.database as "database", max(m.date) as "date", m.bytes as "bytes"
        from json_each(${JSON.stringify(rescues)}) r
        join archive_members m on m.database = r.value ->> 'database' and ${FINISHED_BEFORE} = r.value ->> 'at'
          and 'weekly/' || m.week || '.tar.gz' = r.value ->> 'archive'
        group by m.week, m.database`,
  );
}
