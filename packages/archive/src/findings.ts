import { AGES, ORPHAN_MARGIN } from "@patina/core/ageing";
import { DAY } from "@patina/core/date";
import type { BucketUnit, ListedObject } from "./bucket-unit.ts";
import { archiveKey, dumpKey } from "./keys.ts";

/** What is wrong with a stored backup that is not there, or not whole. */
export const MISSING = { object: "its object is missing", manifest: "its manifest is missing" } as const;

/** What the inventory has under an object's key. */
export interface InventoryRow {
  readonly etag: string;
  readonly deletedAt: number | null;
}

/** What the catalog knows of a unit. */
export interface UnitFacts {
  readonly row: InventoryRow | null;
  /** Whether somebody may be writing it just now: a task or an archive that has not ended. */
  readonly isUnderWay: boolean;
  /** Of a date's SHA256SUMS: whether any daily backup of the date is stored. */
  readonly hasBackups: boolean;
}

/**
 * What is not as it should be.
 *
 * - `missing`: the inventory has it, the bucket has not, or not whole
 * - `replaced`: another object than the inventory's lies there
 * - `lost`: a whole backup or archive of which the inventory knows nothing; never removed as a leftover
 * - `orphan`: an object that nothing needs, removed once it is old
 */
export type Finding =
  | { readonly is: "missing"; readonly key: string; readonly what: string }
  | { readonly is: "replaced"; readonly key: string; readonly object: ListedObject }
  | { readonly is: "lost"; readonly key: string; readonly object: ListedObject }
  | { readonly is: "orphan"; readonly object: ListedObject; readonly reason: string; readonly isOld: boolean };

/** Compares what lies in the bucket with what the catalog knows of it. */
export function findingsOf(unit: BucketUnit, { facts, now }: { facts: UnitFacts; now: number }): Finding[] {
  if (facts.isUnderWay) return [];
  switch (unit.is) {
    case "backup": {
      const { dump, manifest, ref } = unit;
      const halves = { object: dump, manifest, others: [] };
      return wholeOrNot(halves, { key: dumpKey(ref), row: facts.row, what: "a backup", now });
    }
    case "archive": {
      const { archive, manifest, pages, week } = unit;
      const halves = { object: archive, manifest, others: pages };
      return wholeOrNot(halves, { key: archiveKey({ is: "archive", week }), row: facts.row, what: "an archive", now });
    }
    case "sums":
      return facts.hasBackups ? [] : [orphan(unit.object, { reason: "no daily backup of its date is left", now })];
    case "checkpoint":
      return [orphan(unit.object, { reason: "left by an export that has ended", now })];
    case "receipt": {
      const isOld = now - Date.parse(`${unit.date}T00:00:00Z`) >= AGES.receipt;
      const reason = `a receipt older than ${AGES.receipt / DAY} days`;
      return isOld ? [{ is: "orphan", object: unit.object, reason, isOld }] : [];
    }
    case "foreign":
      return [];
  }
}

interface Halves {
  readonly object: ListedObject | null;
  readonly manifest: ListedObject | null;
  /** What is of no use without the two. */
  readonly others: readonly ListedObject[];
}

function wholeOrNot(
  { object, manifest, others }: Halves,
  { key, row, what, now }: { key: string; row: InventoryRow | null; what: string; now: number },
): Finding[] {
  if (row !== null && row.deletedAt === null) {
    if (object === null) return [{ is: "missing", key, what: MISSING.object }];
    if (object.etag !== row.etag) return [{ is: "replaced", key, object }];
    return manifest === null ? [{ is: "missing", key, what: MISSING.manifest }] : [];
  }
  if (object !== null && manifest !== null) return [{ is: "lost", key, object }];
  const reason = `part of ${what} ${manifest === null ? "that has no manifest" : "whose object is missing"}`;
  return [object, manifest, ...others].filter((part) => part !== null).map((part) => orphan(part, { reason, now }));
}

function orphan(object: ListedObject, { reason, now }: { reason: string; now: number }): Finding {
  return { is: "orphan", object, reason, isOld: now - object.uploaded >= ORPHAN_MARGIN };
}
