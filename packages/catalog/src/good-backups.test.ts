import { env } from "cloudflare:test";
import { DAY, dateOf } from "@patina/core/date";
import { sql } from "drizzle-orm";
import { beforeEach, expect, test } from "vitest";
import { recentEvents } from "./alert-events.ts";
import { readReport } from "./alert-report.ts";
import type { Catalog } from "./catalog.ts";
import { type Damage, mismatchStatements } from "./damage.ts";
import { fleetEntries } from "./fleet.ts";
import { newestGoodBackups } from "./good-backups.ts";
import { jobWithTasks } from "./job-report.ts";
import { archiveMembers, archives } from "./schema.ts";
import { emptyCatalog } from "./testing.ts";
import { seedHistory } from "./testing-history.ts";
import { transaction } from "./transaction.ts";

/** Everything in the product that says "last good" means a backup that was not found to be damaged. */

const NOW = Date.parse("2026-11-20T12:00:00Z");
const LAST = Date.parse("2026-11-20T03:00:00Z");

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  const night = { end: "good", bytes: 1_000, ms: 2_000 } as const;
  await seedHistory(catalog, { names: ["auth", "shop"], nights: 4, now: NOW, of: () => night });
});

function keyOf(database: string, back: number): string {
  return `daily/${dateOf(LAST - back * DAY)}/${database}.sql.gz`;
}

/** Finds a night's backup of shop damaged. */
async function damage(back: number, content = `night ${back}`): Promise<void> {
  const found: Damage = {
    key: keyOf("shop", back),
    etag: "etag",
    database: "shop",
    damage: "It rots",
    now: NOW,
    content,
  };
  await transaction(catalog, mismatchStatements(found));
}

async function lastGood(names: readonly string[]): Promise<unknown[]> {
  const list = sql`select value as name from json_each(${JSON.stringify(names)})`;
  return await catalog.all(sql`select database, job, key, at from (${newestGoodBackups(list)}) order by database`);
}

async function forgetObjects(): Promise<void> {
  await env.CATALOG.exec("update backup_inventory set deleted_at = 1 where database = 'shop'");
}

/** An archive that holds these nights of shop. */
async function archive(backs: readonly number[], state: "checking" | "checked" = "checked"): Promise<void> {
  await catalog
    .insert(archives)
    .values({ week: "2026-W47", jobId: "weekly", state, etag: "a", damaged: [], startedAt: 0, updatedAt: 0 });
  for (const back of backs) {
    const facts = { offset: 0, bytes: 1, digest: "", rawBytes: 1, manifestOffset: 0, manifestBytes: 1 };
    await catalog
      .insert(archiveMembers)
      .values({ database: "shop", date: dateOf(LAST - back * DAY), week: "2026-W47", ...facts });
  }
}

test("the newest backup is the last good one until it is damaged; then it is the one before it", async () => {
  expect(await lastGood(["auth", "nobody", "shop"])).toMatchObject([
    { database: "auth", key: keyOf("auth", 0) },
    { database: "nobody", job: null, key: null, at: null },
    { database: "shop", key: keyOf("shop", 0), job: "nightly-2026-11-20" },
  ]);
  await damage(0);
  expect(await lastGood(["shop"])).toMatchObject([{ key: keyOf("shop", 1), job: "nightly-2026-11-19" }]);
  await damage(1);
  await damage(2);
  expect(await lastGood(["shop"])).toMatchObject([{ key: keyOf("shop", 3) }]);
  await damage(3);
  expect(await lastGood(["shop"])).toMatchObject([{ key: null }]);
});

test("what only an archive holds is the last good backup, unless that is damaged or not checked", async () => {
  await archive([2, 3], "checking");
  await forgetObjects();
  expect(await lastGood(["shop"])).toMatchObject([{ key: null }]);
  await catalog.update(archives).set({ state: "checked" });
  expect(await lastGood(["shop"])).toMatchObject([{ key: keyOf("shop", 2), job: "nightly-2026-11-18" }]);
  const [{ at } = { at: 0 }] = (await lastGood(["shop"])) as { at: number }[];
  expect(dateOf(at)).toBe("2026-11-18");
  await env.CATALOG.exec("update archive_members set damaged_at = 1 where date = '2026-11-18'");
  expect(await lastGood(["shop"])).toMatchObject([{ key: keyOf("shop", 3) }]);
});

test("a job's report names the last good backup of each database", async () => {
  await damage(0);
  const report = await jobWithTasks(catalog, "nightly-2026-11-20");
  expect(report?.lastGood.get("shop")).toMatchObject({ key: keyOf("shop", 1) });
  expect(report?.lastGood.get("auth")).toMatchObject({ key: keyOf("auth", 0) });
  await forgetObjects();
  expect((await jobWithTasks(catalog, "nightly-2026-11-20"))?.lastGood.has("shop")).toBe(false);
});

test("an alert of damage names the last good backup, which is not another damaged one", async () => {
  await damage(1);
  await damage(0);
  const events = await recentEvents(catalog, 10);
  const event = events.find(({ facts }) => "key" in facts && facts.key === keyOf("shop", 1));
  const sender = { environment: "test", home: null, now: NOW };
  const report = await readReport(catalog, { id: event?.event ?? "", ...sender });
  expect(report?.databases).toMatchObject([{ name: "shop", lastGood: { key: keyOf("shop", 2) } }]);
});

test("a database whose newest backup is damaged stands by the one before it, and has not failed for that", async () => {
  await damage(0);
  const [auth, shop] = await fleetEntries(catalog);
  expect(auth?.good).toMatchObject({ job: "nightly-2026-11-20" });
  expect(shop).toMatchObject({ good: { job: "nightly-2026-11-19" }, failures: 0, failure: null });
  for (const back of [1, 2, 3]) await damage(back);
  expect((await fleetEntries(catalog, ["shop"]))[0]).toMatchObject({ good: null, failures: 0 });
});
