import { env } from "cloudflare:test";
import type { Catalog } from "@patina/catalog/catalog";
import { findPlan } from "@patina/catalog/prune-plans";
import { listSteps } from "@patina/catalog/prune-steps";
import { markGone } from "@patina/catalog/pruning";
import { archiveMembers, archives, backupInventory, backupTasks, databases, ticks } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { DAY, dateOf, HOUR } from "@patina/core/date";
import { weekOf } from "@patina/core/week";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import { findBackup } from "./find-backup.ts";
import {
  archiver,
  atTime,
  decide,
  keysInBucket,
  makeArchive,
  prune,
  run,
  stepsOf,
  storeKnown,
  storeNight,
  tickTo,
} from "./prune/testing.ts";
import { emptyBucket, putObject } from "./testing.ts";

/** A Monday, later than anything that a test has uploaded. */
const MONDAY = Date.parse("2030-01-07T00:00:00Z");

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, ["shop", "blog"]);
});

function day(n: number): string {
  return dateOf(MONDAY + n * DAY);
}

function daily(n: number, database = "shop"): string {
  return `daily/${day(n)}/${database}.sql.gz`;
}

/** Noon of a day: any nightly is over. */
function noon(n: number): number {
  return MONDAY + n * DAY + 12 * HOUR;
}

/** Nights of a week that begins on day `n`, and its archive. */
async function storeWeek(n: number, names: readonly string[] = ["shop"]): Promise<void> {
  for (let night = n; night < n + 7; night += 1) await storeNight(catalog, { date: day(night), databases: names });
  await makeArchive(catalog, weekOf(day(n)));
}

/** Keys of what the inventory says is stored. */
async function inventory(): Promise<string[]> {
  const rows = await catalog.select().from(backupInventory);
  return rows.flatMap(({ key, deletedAt }) => (deletedAt === null ? [key] : [])).sort();
}

async function notes(plan: string): Promise<(string | null)[]> {
  return (await listSteps(catalog, { plan, filter: {}, limit: 100 })).map(({ note }) => note);
}

test("dailies go a week after they were made, once their archive holds them", async () => {
  await storeWeek(0);
  await storeNight(catalog, { date: day(7), databases: ["shop"] });
  const plan = await prune(catalog, { now: noon(8) });
  expect(await stepsOf(catalog, plan)).toEqual([0, 1].map((n) => `remove ${daily(n)}: done`));
  expect(plan).toMatchObject({ state: "done", doubt: null, kept: 7, removing: 2, removed: 2, missing: 0, orphans: 0 });
  expect(plan.removedBytes).toBeGreaterThan(0);
  // The sums of a date go with its last daily.
  expect(await keysInBucket(`daily/${day(0)}`)).toEqual([]);
  expect(await keysInBucket(`daily/${day(2)}`)).toHaveLength(3);
  expect(await inventory()).not.toContain(daily(0));
  expect((await findBackup({ date: day(0), database: "shop" }, { catalog, bucket: env.BUCKET }))?.from).toBe("weekly");
});

test("every step is stored with its reason before anything goes", async () => {
  await storeWeek(0);
  await storeNight(catalog, { date: day(7), databases: ["shop"] });
  await decide(catalog, { now: noon(8), id: "prune-1" });
  const steps = await listSteps(catalog, { plan: "prune-1", filter: {}, limit: 9 });
  expect(steps.map(({ key, reason }) => [key, reason])).toEqual(
    [0, 1].map((n) => [daily(n), `a daily older than 7 days and held by weekly/${weekOf(day(0))}.tar.gz`]),
  );
  expect(await keysInBucket(`daily/${day(0)}`)).toHaveLength(3);
  await prune(catalog, { now: noon(8), id: "prune-1" });
  expect(await keysInBucket(`daily/${day(0)}`)).toEqual([]);
});

test("a prune that has done its work does nothing when it is asked for again", async () => {
  await storeWeek(0);
  await storeNight(catalog, { date: day(7), databases: ["shop"] });
  const first = await prune(catalog, { now: noon(8), id: "prune-1" });
  await storeNight(catalog, { date: day(8), databases: ["shop"] });
  expect(await prune(catalog, { now: noon(9), id: "prune-1" })).toEqual(first);
  expect(await keysInBucket(`daily/${day(2)}`)).toHaveLength(3);
});

test("the last good backup of a database is copied out of its archive, and the archive goes with the next prune", async () => {
  await storeWeek(0, ["shop", "blog"]);
  const original = await findBackup({ date: day(6), database: "blog" }, { catalog, bucket: env.BUCKET });
  const bytes = await (await env.BUCKET.get(daily(6, "blog")))?.arrayBuffer();
  // Nobody has backed blog up since then; its own objects are gone.
  for (let n = 80; n < 92; n += 1) await storeNight(catalog, { date: day(n), databases: ["shop"] });
  await env.BUCKET.delete(await keysInBucket("daily/2030-01"));
  const gone = (await inventory()).filter((key) => key.startsWith("daily/2030-01"));
  const etags = await catalog.select().from(backupInventory);
  const seen = etags.filter(({ key }) => gone.includes(key));
  await markGone(catalog, { objects: seen, now: noon(20) });

  const archive = `weekly/${weekOf(day(0))}.tar.gz`;
  const first = await prune(catalog, { now: noon(91) });
  expect(await stepsOf(catalog, first)).toContain(`rescue ${daily(6, "blog")}: done`);
  expect(first).toMatchObject({ rescued: 1, removed: 0 });
  expect(await env.BUCKET.head(archive)).not.toBeNull();
  const copy = await findBackup({ date: day(6), database: "blog" }, { catalog, bucket: env.BUCKET });
  expect(copy).toMatchObject({ from: "daily", manifest: original?.manifest });
  expect(await (await env.BUCKET.get(daily(6, "blog")))?.arrayBuffer()).toEqual(bytes);
  const row = (await catalog.select().from(backupInventory)).find(({ key }) => key === daily(6, "blog"));
  expect(row).toMatchObject({ deletedAt: null, createdAt: Date.parse(original?.manifest.finishedAt ?? "") });
  expect(row?.verifiedAt).toBeGreaterThan(noon(90));

  const second = await prune(catalog, { now: noon(92) });
  expect(await stepsOf(catalog, second)).toEqual([`remove_archive ${archive}: done`]);
  expect(await keysInBucket("weekly/")).toEqual([]);
  expect(await catalog.select().from(archives)).toEqual([]);
  expect(await catalog.select().from(archiveMembers)).toEqual([]);
  // The only one there is of blog stays, however old.
  await prune(catalog, { now: noon(900) });
  expect(await inventory()).toContain(daily(6, "blog"));
});

test("nothing goes, and nothing is taken for a leftover, while the clock is in doubt", async () => {
  await storeWeek(0);
  await storeNight(catalog, { date: day(7), databases: ["shop"] });
  await putObject(daily(3, "half"), new Uint8Array(3));
  const before = await keysInBucket();
  const ask = async (plan: string, now: number) => {
    await run({ kind: "prune", version: 1, plan, snoozes: 0 }, { now });
    return await findPlan(catalog, plan);
  };
  const plans = [await ask("prune-1", noon(8))];
  await catalog.insert(ticks).values({ id: 1, last: noon(8) - HOUR, since: noon(7) });
  plans.push(await ask("prune-2", noon(8)));
  await catalog.update(ticks).set({ last: noon(6), since: 0 });
  plans.push(await ask("prune-3", noon(6)));
  expect(plans.map((plan) => plan?.doubt)).toEqual([
    "nothing is removed: no tick has run yet",
    "nothing is removed: the tick has run again for less than 48 hours",
    expect.stringContaining("the clock is behind the newest backup"),
  ]);
  expect(plans.every((plan) => plan?.state === "done" && plan.removed === 0)).toBe(true);
  expect(await keysInBucket()).toEqual(before);
});

/** Meddles when a plan has decided and nothing has gone yet, and lets it go on. */
async function meddling(act: () => Promise<unknown>) {
  await storeWeek(0);
  for (const n of [7, 8]) await storeNight(catalog, { date: day(n), databases: ["shop"] });
  await decide(catalog, { now: noon(9), id: "prune-1" });
  await act();
  return await prune(catalog, { now: noon(9), id: "prune-1" });
}

test("what has become the last good backup since it was decided stays", async () => {
  await meddling(async () => {
    // No newer one can be restored.
    const { CATALOG } = env;
    const marked = "update backup_inventory set damaged_at = 1, damage = 'x' where kind = 'daily' and date > ?";
    await CATALOG.batch([
      CATALOG.prepare(marked).bind(day(1)),
      CATALOG.prepare("update archive_members set damaged_at = 1 where date > ?").bind(day(1)),
    ]);
  });
  expect(await keysInBucket(`daily/${day(0)}`)).toEqual([]);
  expect(await keysInBucket(`daily/${day(1)}`)).toHaveLength(3);
  expect(await notes("prune-1")).toEqual([
    null,
    "it stays: last good backup of shop",
    "it stays: no newer good backup of shop",
  ]);
});

test("an object that was written anew since it was decided stays, whether or not the catalog knows", async () => {
  await meddling(async () => {
    await storeKnown(catalog, { kind: "daily", date: day(0), database: "shop" }, { rows: ["again"] });
    await putObject(daily(1), new Uint8Array(7));
  });
  expect(await notes("prune-1")).toEqual(["it was written anew", "another object lies there by now", null]);
  expect(await keysInBucket(`daily/${day(0)}`)).toHaveLength(3);
  expect((await env.BUCKET.head(daily(1)))?.size).toBe(7);
});

test("a backup that is being written anew stays", async () => {
  await meddling(async () => {
    await catalog.insert(backupTasks).values({ jobId: `nightly-${day(1)}`, database: "shop", priority: 0 });
  });
  expect(await notes("prune-1")).toEqual([null, "it is being written anew", null]);
  expect(await keysInBucket(`daily/${day(1)}`)).toHaveLength(3);
});

test("a policy that was made longer since it was decided is kept to", async () => {
  await meddling(async () => {
    const retention = { kind: "age", dailyDays: 60, manualDays: 30, maxBytes: null } as const;
    await catalog.update(databases).set({ retention });
  });
  expect((await notes("prune-1")).every((note) => note === "it stays: a daily of less than 60 days")).toBe(true);
});

test("a plan that was not finished within a day is given up, and what it marked and left is put back", async () => {
  await meddling(async () => {
    await env.CATALOG.prepare("update prune_plans set started_at = started_at - 86400000").run();
    await env.CATALOG.prepare(`update backup_inventory set deleted_at = 1 where key = '${daily(0)}'`).run();
  });
  expect(await findPlan(catalog, "prune-1")).toMatchObject({ state: "failed", removed: 0 });
  expect(await keysInBucket(`daily/${day(0)}`)).toHaveLength(3);
  // A whole backup is never a leftover: it comes back, and retention decides on it as on any other.
  const next = await prune(catalog, { now: noon(9), id: "prune-2" });
  expect(await stepsOf(catalog, next)).toContain(`adopt ${daily(0)}: done`);
  expect(next).toMatchObject({ adopted: 1, removed: 2 });
  expect(await inventory()).toContain(daily(0));
  await prune(catalog, { now: noon(9), id: "prune-3" });
  expect(await keysInBucket(`daily/${day(0)}`)).toEqual([]);
});

test("what the bucket's lock holds stays, and is said to be stored", async () => {
  await storeWeek(0);
  await storeNight(catalog, { date: day(7), databases: ["shop"] });
  const locked = archiver();
  const { delete: remove } = env.BUCKET;
  const isLocked = (keys: string | string[]) => [keys].flat().some((key) => key.startsWith(`daily/${day(0)}`));
  env.BUCKET.delete = async (keys) => {
    if (isLocked(keys)) throw new Error("delete: The object is locked by the bucket policy. (10069)");
    return await remove.call(env.BUCKET, keys);
  };
  try {
    await prune(catalog, { now: noon(8), id: "prune-1", by: locked });
  } finally {
    env.BUCKET.delete = remove;
  }
  expect(await notes("prune-1")).toEqual(["the bucket's lock still holds it", null]);
  expect(await inventory()).toContain(daily(0));
  expect(await inventory()).not.toContain(daily(1));
});

test("two messages of two plans at once remove each backup once", async () => {
  await storeWeek(0);
  await storeNight(catalog, { date: day(7), databases: ["shop"] });
  await tickTo(catalog, noon(8));
  const one = archiver();
  const messages = ["prune-1", "prune-2"].map(
    (plan) => new TestMessage({ kind: "prune", version: 1, plan, snoozes: 0 }),
  );
  await atTime(noon(8), () => one.handle(batchOf(QUEUES.upkeep, messages)));
  const [waiting] = one.upkeep.bodies;
  expect(one.upkeep.bodies).toMatchObject([{ plan: "prune-2", snoozes: 1 }]);
  await run(waiting, { now: noon(8) });
  const plans = await Promise.all(["prune-1", "prune-2"].map((id) => findPlan(catalog, id)));
  expect(plans.map((plan) => plan?.removed)).toEqual([2, 0]);
});

test("a hundred archives that are too old at once go, and no invocation asks the catalog too often", async () => {
  // As when archives were kept for years, and are to be kept for weeks from now on.
  const { CATALOG } = env;
  for (let n = 0; n < 100; n += 1) {
    const [week, key] = [weekOf(day(n * 7)), `weekly/${weekOf(day(n * 7))}.tar.gz`];
    const { etag } = await putObject(key, Buffer.from(key));
    await env.BUCKET.put(`weekly/${week}.manifest.json`, "{}");
    await CATALOG.batch([
      CATALOG.prepare(
        "insert into archives (week, job_id, state, etag, backups, damaged, started_at, updated_at) values (?, '', 'checked', ?, 1, '[]', 0, 0)",
      ).bind(week, etag),
      CATALOG.prepare(
        `insert into archive_members (database, date, week, offset, bytes, digest, raw_bytes, finished_at, manifest_offset, manifest_bytes)
         values ('shop', ?, ?, 0, 0, '', 0, ?, 0, 0)`,
      ).bind(day(n * 7), week, noon(n * 7)),
      CATALOG.prepare(
        `insert into backup_inventory (key, kind, date, job_id, size, digest, etag, created_at)
         values (?, 'weekly', ?, '', 1, '', ?, ?)`,
      ).bind(key, day(n * 7 + 6), etag, noon(n * 7 + 6)),
    ]);
  }
  await storeNight(catalog, { date: day(1_000), databases: ["shop"] });
  const by = archiver();
  const asked: number[] = [];
  const handle = async (batch: MessageBatch) => {
    const before = by.faults.statements;
    await by.handle(batch);
    asked.push(by.faults.statements - before);
  };
  const plan = await prune(catalog, { now: noon(1_000), by: { ...by, handle } });
  expect(plan).toMatchObject({ state: "done", removed: 100 });
  expect(await keysInBucket("weekly/")).toEqual([]);
  // D1 answers so many in one invocation.
  expect(Math.max(...asked)).toBeLessThan(1_000);
});

test("a download under way gets every byte, or fails where its reader sees it", async () => {
  await storeWeek(0);
  const rows = Array.from({ length: 60 }, (_, i) => `${i} ${"abcdefghij".repeat(5_000 + i)}`);
  await storeKnown(
    catalog,
    { kind: "manual", date: day(0), job: "manual-20300107-040000-000000", database: "shop" },
    { rows },
  );
  const key = `manual/${day(0)}/manual-20300107-040000-000000/shop.sql.gz`;
  const whole = await (await env.BUCKET.get(key))?.arrayBuffer();
  const download = await env.BUCKET.get(key);
  const reader = download?.body.getReader();
  const first = (await reader?.read())?.value ?? new Uint8Array();
  await storeNight(catalog, { date: day(40), databases: ["shop"] });
  await prune(catalog, { now: noon(40) });
  expect(await env.BUCKET.head(key)).toBeNull();
  const pieces = [first];
  let failed = false;
  for (;;) {
    const next = await reader?.read().catch(() => undefined);
    if (next === undefined) failed = true;
    if (next === undefined || next.done) break;
    pieces.push(next.value);
  }
  expect(failed || Buffer.concat(pieces).equals(Buffer.from(whole ?? new ArrayBuffer()))).toBe(true);
});
