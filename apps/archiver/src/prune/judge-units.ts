import type { BucketUnit } from "@patina/archive/bucket-unit";
import { type Finding, findingsOf, type UnitFacts } from "@patina/archive/findings";
import { archiveKey, type BackupRef, dumpKey, parseArchiveKey, parseKey } from "@patina/archive/keys";
import {
  datesWithBackups,
  type InventoryEntry,
  inventoryOf,
  type KeyRange,
  type OpenTask,
  openTasksOf,
  weeksUnderWay,
} from "@patina/catalog/bucket-facts";
import type { Catalog } from "@patina/catalog/catalog";

export interface JudgedUnits {
  readonly findings: readonly Finding[];
  /** The inventory's rows by key. */
  readonly rows: ReadonlyMap<string, InventoryEntry>;
  /** Keys in the inventory of what is as it should be. */
  readonly fine: readonly string[];
}

/**
 * Holds units against the catalog, and what the catalog has in a range of keys against the units. What somebody may be
 * writing just now is left alone. Takes five queries at most.
 */
export async function judgeUnits(
  listed: readonly BucketUnit[],
  { catalog, range, now }: { catalog: Catalog; range?: KeyRange; now: number },
): Promise<JudgedUnits> {
  const keys = listed.flatMap((unit) => inventoryKey(unit) ?? []);
  const entries = await inventoryOf(catalog, { keys, ...(range === undefined ? {} : { range }) });
  const rows = new Map(entries.map((entry) => [entry.key, entry]));
  const dates = await datesWithBackups(
    catalog,
    listed.flatMap((unit) => (unit.is === "sums" ? [unit.date] : [])),
  );
  const judge = (unit: BucketUnit, isUnderWay: boolean) => {
    const row = rows.get(inventoryKey(unit) ?? "") ?? null;
    const facts: UnitFacts = { row, isUnderWay, hasBackups: unit.is === "sums" && dates.has(unit.date) };
    return findingsOf(unit, { facts, now });
  };
  const units = [...listed, ...absentUnits(entries, new Set(keys))];
  const suspect = new Set(units.filter((unit) => judge(unit, false).length > 0));
  const isUnderWay = await underWay([...suspect], catalog);
  return {
    findings: [...suspect].flatMap((unit) => judge(unit, isUnderWay(unit))),
    rows,
    fine: units.filter((unit) => !suspect.has(unit)).flatMap((unit) => inventoryKey(unit) ?? []),
  };
}

/** The key under which the inventory has a unit; null for what is not in it. */
function inventoryKey(unit: BucketUnit): string | null {
  if (unit.is === "backup") return dumpKey(unit.ref);
  return unit.is === "archive" ? archiveKey({ is: "archive", week: unit.week }) : null;
}

/** What the inventory has and the list had nothing of. */
function absentUnits(entries: readonly InventoryEntry[], listed: ReadonlySet<string>): BucketUnit[] {
  return entries
    .filter(({ key, deletedAt }) => deletedAt === null && !listed.has(key))
    .flatMap(({ key }): BucketUnit[] => {
      const own = parseKey(key);
      if (own !== null) return [{ is: "backup", ref: own.ref, dump: null, manifest: null }];
      const week = parseArchiveKey(key)?.week;
      return week === undefined ? [] : [{ is: "archive", week, archive: null, manifest: null, pages: [] }];
    });
}

/** Says of a unit whether somebody may be writing it just now. */
async function underWay(units: readonly BucketUnit[], catalog: Catalog): Promise<(unit: BucketUnit) => boolean> {
  const databases = units.flatMap((unit) => databaseOf(unit) ?? []);
  const weeks = units.flatMap((unit) => (unit.is === "archive" ? [unit.week] : []));
  const tasks = Map.groupBy(await openTasksOf(catalog, [...new Set(databases)]), ({ database }) => database);
  const busyWeeks = await weeksUnderWay(catalog, weeks);
  return (unit) => {
    if (unit.is === "archive") return busyWeeks.has(unit.week);
    const own = tasks.get(databaseOf(unit) ?? "") ?? [];
    if (unit.is === "checkpoint") return own.some(({ job }) => job === unit.job);
    return unit.is === "backup" && own.some((task) => writes(task, unit.ref));
  };
}

function databaseOf(unit: BucketUnit): string | null {
  if (unit.is === "backup") return unit.ref.database;
  return unit.is === "checkpoint" ? unit.database : null;
}

/** Whether a task's backup is this one. */
export function writes({ kind, date, job }: OpenTask, ref: BackupRef): boolean {
  return ref.kind === "manual" ? job === ref.job : kind === "nightly" && date === ref.date;
}
