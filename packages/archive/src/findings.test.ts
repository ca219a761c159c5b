import { DAY } from "@patina/core/date";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ListedObject, unitsOf } from "./bucket-unit.ts";
import { type Finding, findingsOf, type UnitFacts } from "./findings.ts";

const NOW = Date.parse("2026-11-20T04:00:00Z");
const NOTHING: UnitFacts = { row: null, isUnderWay: false, hasBackups: false };

function object(key: string, { age = 30, etag = "a" } = {}): ListedObject {
  return { key, size: 10, etag, uploaded: NOW - age * DAY };
}

/** What is found in one unit. */
function find(objects: readonly ListedObject[], facts: Partial<UnitFacts> = {}): Finding[] {
  const units = unitsOf(objects);
  expect(units).toHaveLength(1);
  return units.flatMap((unit) => findingsOf(unit, { facts: { ...NOTHING, ...facts }, now: NOW }));
}

const DUMP = object("daily/2026-10-20/shop.sql.gz");
const MANIFEST = object("daily/2026-10-20/shop.manifest.json", { etag: "m" });
const STORED = { etag: "a", deletedAt: null };
const WEEK = ["index-0000.json", "manifest.json", "tar.gz"].map((end) => object(`weekly/2026-W40.${end}`));

test("a backup that is whole and known is as it should be, and so is an archive", () => {
  expect(find([MANIFEST, DUMP], { row: STORED })).toEqual([]);
  expect(find(WEEK, { row: STORED })).toEqual([]);
});

test("what the inventory has and the bucket has not, or not whole, is missing", () => {
  expect(find([MANIFEST], { row: STORED })).toEqual([{ is: "missing", key: DUMP.key, what: "its object is missing" }]);
  expect(find([DUMP], { row: STORED })).toEqual([{ is: "missing", key: DUMP.key, what: "its manifest is missing" }]);
  expect(find(WEEK.slice(0, 1), { row: STORED })).toMatchObject([{ is: "missing", key: "weekly/2026-W40.tar.gz" }]);
});

test("another object than the inventory's is no good one", () => {
  const other = { ...DUMP, etag: "b" };
  expect(find([MANIFEST, other], { row: STORED })).toEqual([{ is: "replaced", key: DUMP.key, object: other }]);
});

test("a whole backup that the inventory does not know is lost, never an orphan, however old", () => {
  const lost = [{ is: "lost", key: DUMP.key, object: DUMP }];
  expect(find([MANIFEST, DUMP])).toEqual(lost);
  expect(find([MANIFEST, DUMP], { row: { etag: "a", deletedAt: 1 } })).toEqual(lost);
  expect(find(WEEK)).toMatchObject([{ is: "lost", key: "weekly/2026-W40.tar.gz" }]);
});

test("half of a backup is an orphan, and old after 7 days", () => {
  expect(find([DUMP])).toEqual([
    { is: "orphan", object: DUMP, reason: "part of a backup that has no manifest", isOld: true },
  ]);
  const young = { ...MANIFEST, uploaded: NOW - 7 * DAY + 1 };
  expect(find([young])).toEqual([
    { is: "orphan", object: young, reason: "part of a backup whose object is missing", isOld: false },
  ]);
  expect(find(WEEK.slice(0, 1))).toMatchObject([{ reason: "part of an archive that has no manifest" }]);
});

test("sums, checkpoints and receipts are orphans once nothing needs them", () => {
  const sums = object("daily/2026-10-20/SHA256SUMS");
  expect(find([sums], { hasBackups: true })).toEqual([]);
  expect(find([sums])).toMatchObject([{ is: "orphan", isOld: true }]);
  const checkpoint = object("scratch/nightly-2026-11-20/shop.checkpoint", { age: 1 });
  expect(find([checkpoint])).toMatchObject([{ is: "orphan", isOld: false }]);
  expect(find([object("receipts/2026-11-01/verify-1.json")])).toEqual([]);
  expect(find([object("receipts/2025-10-01/verify-1.json")])).toMatchObject([{ is: "orphan", isOld: true }]);
});

const anyKey = fc.oneof(
  fc
    .tuple(fc.constantFrom("shop", "a", "9"), fc.constantFrom("sql.gz", "manifest.json", "txt"))
    .map(([name, end]) => `daily/2026-10-20/${name}.${end}`),
  fc
    .constantFrom("index-0000.json", "index-0001.json", "manifest.json", "tar.gz", "zip")
    .map((end) => `weekly/2026-W40.${end}`),
  fc.constantFrom(
    "daily/2026-10-20/SHA256SUMS",
    "receipts/2025-01-01/drill-1.json",
    "scratch/nightly-2026-01-01/a.checkpoint",
  ),
  fc.string(),
);

test("every object is in exactly one unit, and what Patina does not write is in none that is looked at", () => {
  fc.assert(
    fc.property(fc.uniqueArray(anyKey, { maxLength: 20 }), fc.boolean(), (keys, isUnderWay) => {
      const units = unitsOf(keys.toSorted().map((key) => object(key)));
      const held = units.flatMap((unit) => {
        if (unit.is === "backup") return [unit.dump, unit.manifest];
        return unit.is === "archive" ? [unit.archive, unit.manifest, ...unit.pages] : [unit.object];
      });
      expect(held.flatMap((one) => one?.key ?? []).toSorted()).toEqual(keys.toSorted());
      for (const unit of units) {
        const found = findingsOf(unit, { facts: { ...NOTHING, isUnderWay }, now: NOW });
        if (unit.is === "foreign" || isUnderWay) expect(found).toEqual([]);
      }
    }),
  );
});
