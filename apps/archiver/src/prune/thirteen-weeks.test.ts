import { env } from "cloudflare:test";
import { dumpKey, manifestKey, sumsKey } from "@patina/archive/keys";
import type { Catalog } from "@patina/catalog/catalog";
import { backupInventory } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { DAY, dateOf, HOUR } from "@patina/core/date";
import { weekOf } from "@patina/core/week";
import { beforeEach, expect, test } from "vitest";
import { findBackup } from "../find-backup.ts";
import { emptyBucket } from "../testing.ts";
import { keysInBucket, makeArchive, prune, storeKnown, storeNight } from "./testing.ts";

/** A Monday, years later than anything that a test has uploaded. */
const MONDAY = Date.parse("2030-01-07T00:00:00Z");
const WEEKS = 13;
const JOB = "manual-20300110-120000-00000a";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, ["shop", "gone"]);
});

function day(n: number): string {
  return dateOf(MONDAY + n * DAY);
}

test("after 13 weeks of nights, archives and prunes exactly the right objects are left", async () => {
  // `gone` is backed up in the first week alone, and once by hand.
  for (let n = 0; n < WEEKS * 7; n += 1) {
    await storeNight(catalog, { date: day(n), databases: n < 7 ? ["shop", "gone"] : ["shop"] });
    if (n === 3) await storeKnown(catalog, { kind: "manual", date: day(n), job: JOB, database: "shop" });
    if (n % 7 !== 6) continue;
    await makeArchive(catalog, weekOf(day(n)));
    const plan = await prune(catalog, { now: MONDAY + n * DAY + 5 * HOUR });
    expect(plan, `day ${n}`).toMatchObject({ state: "done", doubt: null, missing: 0, orphans: 0, adopted: 0 });
  }
  const last = WEEKS * 7 - 1;
  const dailies = Array.from(
    { length: 7 },
    (_, i) => ({ kind: "daily", date: day(last - i), database: "shop" }) as const,
  );
  const kept = [...dailies, { kind: "daily", date: day(6), database: "gone" } as const];
  const weeks = Array.from({ length: WEEKS }, (_, i) => weekOf(day(i * 7))).slice(1);
  expect(await keysInBucket()).toEqual(
    [
      ...kept.flatMap((ref) => [dumpKey(ref), manifestKey(ref)]),
      ...[...dailies.map(({ date }) => date), day(6)].map(sumsKey),
      ...weeks.flatMap((week) => [`weekly/${week}.tar.gz`, `weekly/${week}.manifest.json`]),
      ...weeks.flatMap((week) => Array.from({ length: 7 }, (_, i) => `weekly/${week}.index-000${i}.json`)),
    ].sort(),
  );
  const stored = (await catalog.select().from(backupInventory)).filter(({ deletedAt }) => deletedAt === null);
  expect(stored.map(({ key }) => key).sort()).toEqual(
    [...kept.map(dumpKey), ...weeks.map((week) => `weekly/${week}.tar.gz`)].sort(),
  );
  // Every night of the last 12 weeks can still be had.
  for (let n = 7; n <= last; n += 11) {
    const found = await findBackup({ date: day(n), database: "shop" }, { catalog, bucket: env.BUCKET });
    expect(found?.from, day(n)).toBe(n > last - 7 ? "daily" : "weekly");
  }
});
