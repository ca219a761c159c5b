import { env } from "cloudflare:test";
import { DAY, dateOf, HOUR } from "@patina/core/date";
import { beforeEach, expect, test } from "vitest";
import type { Catalog } from "./catalog.ts";
import { fleetEntries, nightlyDates } from "./fleet.ts";
import { openScheduledJob } from "./jobs.ts";
import { type Succeeded, settleTasks } from "./results.ts";
import { rollupDays } from "./rollup.ts";
import { emptyCatalog, register } from "./testing.ts";

const NIGHT = Date.parse("2026-11-20T03:00:00Z");

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["auth", "shop"]);
});

async function openNightly(scheduledFor: number): Promise<string> {
  const date = dateOf(scheduledFor);
  const id = `nightly-${date}`;
  await openScheduledJob(catalog, { id, kind: "nightly", trigger: "cron", date, scheduledFor, now: scheduledFor });
  return id;
}

function good(database: string, job: string, facts: Partial<Succeeded> = {}): Succeeded {
  return {
    status: "succeeded",
    task: { job, database, generation: 1 },
    kind: "daily",
    date: job.slice(-10),
    key: `daily/${job.slice(-10)}/${database}.sql.gz`,
    manifestKey: `daily/${job.slice(-10)}/${database}.manifest.json`,
    consistency: "snapshot",
    tables: 1,
    rows: 10,
    rawBytes: 1_000,
    storedBytes: 100,
    durationMs: 50,
    queries: 3,
    rowsRead: 10,
    bodyDigest: "0",
    storedDigest: "0",
    etag: "e",
    warnings: [],
    verifiedAt: null,
    createdAt: NIGHT,
    ...facts,
  };
}

function bad(database: string, job: string, generation = 1) {
  return {
    status: "failed",
    task: { job, database, generation },
    errorCode: "source_failed",
    error: "Cannot read table",
  } as const;
}

test("settling a result counts it into its day once, however often it arrives", async () => {
  const job = await openNightly(NIGHT);
  const results = [good("auth", job), bad("shop", job)];
  await settleTasks(catalog, { results, now: NIGHT });
  await settleTasks(catalog, { results: [...results, bad("auth", job)], now: NIGHT });
  expect(await rollupDays(catalog, { names: ["auth", "shop"], since: "2026-11-20" })).toEqual([
    { database: "auth", day: "2026-11-20", worst: "good", runs: 1, good: 1, bytes: 100, ms: 50 },
    { database: "shop", day: "2026-11-20", worst: "failed", runs: 1, good: 0, bytes: null, ms: null },
  ]);
});

test("a replay is one more run of the day: the worst stays, the newest backup's size counts", async () => {
  const job = await openNightly(NIGHT);
  await settleTasks(catalog, { results: [bad("shop", job)], now: NIGHT });
  await env.CATALOG.prepare("update backup_tasks set generation = 2, state = 'queued' where database = 'shop'").run();
  const again = { ...good("shop", job), task: { job, database: "shop", generation: 2 }, storedBytes: 70 };
  await settleTasks(catalog, { results: [again], now: NIGHT + HOUR });
  expect(await rollupDays(catalog, { names: ["shop"], since: "2026-11-01" })).toEqual([
    { database: "shop", day: "2026-11-20", worst: "failed", runs: 2, good: 1, bytes: 70, ms: 50 },
  ]);
});

test("a backup that turns up after its task was given up is one more run of the day, as a replay is", async () => {
  const job = await openNightly(NIGHT);
  for (const result of [bad("shop", job), good("shop", job), good("shop", job), bad("shop", job)]) {
    await settleTasks(catalog, { results: [result], now: NIGHT });
  }
  expect(await rollupDays(catalog, { names: ["shop"], since: "2026-11-01" })).toEqual([
    { database: "shop", day: "2026-11-20", worst: "failed", runs: 2, good: 1, bytes: 100, ms: 50 },
  ]);
});

test("a fuzzy backup makes the day fuzzy, and a day belongs to its job's date, not to the clock", async () => {
  const job = await openNightly(NIGHT);
  await settleTasks(catalog, { results: [good("shop", job, { consistency: "fuzzy" })], now: NIGHT + 3 * DAY });
  expect(await rollupDays(catalog, { names: ["shop"], since: "2026-11-20" })).toMatchObject([
    { day: "2026-11-20", worst: "fuzzy" },
  ]);
  expect(await rollupDays(catalog, { names: ["shop"], since: "2026-11-21" })).toEqual([]);
});

test("the migration fills the days of results that were there before it", async () => {
  const job = await openNightly(NIGHT);
  await settleTasks(catalog, { results: [good("auth", job), bad("shop", job)], now: NIGHT });
  const written = await rollupDays(catalog, { names: ["auth", "shop"], since: "2026-01-01" });
  await env.CATALOG.prepare("delete from daily_rollup").run();
  const migration = env.MIGRATIONS.find(({ name }) => name.endsWith("_daily_rollup.sql"));
  const fill = migration?.queries.find((query) => query.includes("INSERT INTO `daily_rollup`")) ?? "";
  await env.CATALOG.prepare(fill).run();
  expect(await rollupDays(catalog, { names: ["auth", "shop"], since: "2026-01-01" })).toEqual(written);
});

test("fleetEntries() tells the newest good backup, what failed since, and what is under way", async () => {
  const first = await openNightly(NIGHT - 2 * DAY);
  await settleTasks(catalog, { results: [good("auth", first), good("shop", first)], now: NIGHT - 2 * DAY });
  const second = await openNightly(NIGHT - DAY);
  await settleTasks(catalog, { results: [good("auth", second), bad("shop", second)], now: NIGHT - DAY });
  const third = await openNightly(NIGHT);
  await settleTasks(catalog, { results: [bad("shop", third)], now: NIGHT });
  const [auth, shop] = await fleetEntries(catalog);
  expect(auth).toMatchObject({
    name: "auth",
    good: { job: second, at: NIGHT - DAY, bytes: 100, ms: 50, consistency: "snapshot" },
    failures: 0,
    failure: null,
    active: { job: third, date: "2026-11-20" },
  });
  expect(shop).toMatchObject({
    good: { job: first, at: NIGHT - 2 * DAY },
    failures: 2,
    failure: { job: third, at: NIGHT, code: "source_failed", message: "Cannot read table" },
    active: null,
  });
  expect(await fleetEntries(catalog, ["shop"])).toEqual([shop]);
});

test("fleetEntries() shows a database that never ran", async () => {
  expect(await fleetEntries(catalog, ["auth"])).toMatchObject([
    { good: null, failures: 0, failure: null, active: null },
  ]);
});

test("nightlyDates() gives the dates of nightly jobs alone", async () => {
  await openNightly(NIGHT - DAY);
  await openNightly(NIGHT);
  const manual = { kind: "manual", trigger: "api", date: "2026-11-21", scheduledFor: NIGHT, now: NIGHT } as const;
  await openScheduledJob(catalog, { ...manual, id: "manual-20261121-030000-aaaaaa" });
  expect([...(await nightlyDates(catalog, "2026-11-20"))]).toEqual(["2026-11-20"]);
});
