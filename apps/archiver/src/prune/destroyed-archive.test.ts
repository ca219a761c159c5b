import { env } from "cloudflare:test";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { readReport } from "@patina/catalog/alert-report";
import type { Catalog } from "@patina/catalog/catalog";
import { alertEvents, archiveMembers, backupInventory } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { openVerifyRun } from "@patina/catalog/verify-runs";
import { DAY, dateOf } from "@patina/core/date";
import { weekOf } from "@patina/core/week";
import { beforeEach, expect, test } from "vitest";
import { emptyBucket, putObject } from "../testing.ts";
import { makeArchive, prune, run, storeNight } from "./testing.ts";

/** A Monday, years later than anything that a test has uploaded. */
const MONDAY = Date.parse("2030-01-07T00:00:00Z");
const NOW = MONDAY + 8 * DAY;
const WEEK = weekOf(dateOf(MONDAY));
const ARCHIVE = `weekly/${WEEK}.tar.gz`;
const MANIFEST = `weekly/${WEEK}.manifest.json`;

let catalog: Catalog;

/** An archive of two nights, the first of which nothing else holds any more. */
beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, ["shop"]);
  for (const day of [0, 1]) await storeNight(catalog, { date: dateOf(MONDAY + day * DAY), databases: ["shop"] });
  await makeArchive(catalog, WEEK);
  const first = { kind: "daily", date: dateOf(MONDAY), database: "shop" } as const;
  await env.BUCKET.delete([dumpKey(first), manifestKey(first)]);
  await env.CATALOG.prepare("delete from backup_inventory where key = ?").bind(dumpKey(first)).run();
});

async function pruned(day: number): Promise<void> {
  expect(await prune(catalog, { now: NOW + day * DAY })).toMatchObject({ state: "done", doubt: null });
}

/** Everything that is stored is read, as somebody asks for it. */
async function verified(day: number): Promise<void> {
  const now = NOW + day * DAY;
  const id = `verify-${dateOf(now).replaceAll("-", "")}-050000-aaaaaa`;
  await openVerifyRun(catalog, { run: { id, scope: "asked", database: null, date: null }, now });
  expect(await run({ kind: "verify", version: 1, run: id, snoozes: 0 }, { now })).toEqual([]);
}

async function told() {
  return (await catalog.select().from(alertEvents)).filter(({ kind }) => kind === "verify-mismatch");
}

const DESTROYED: [string, () => Promise<unknown>][] = [
  ["is missing", () => env.BUCKET.delete(ARCHIVE)],
  ["is another object", () => putObject(ARCHIVE, new Uint8Array(1_000))],
  ["is missing with its manifest", () => env.BUCKET.delete([ARCHIVE, MANIFEST])],
  ["has no manifest", () => env.BUCKET.delete(MANIFEST)],
];

const ORDERS: [string, ((day: number) => Promise<void>)[]][] = [
  ["a prune and then a verification", [pruned, verified, verified, pruned]],
  ["a verification and then a prune", [verified, pruned, verified]],
];

test.each(DESTROYED.flatMap(([how, act]) => ORDERS.map(([who, looks]) => [how, who, act, looks] as const)))(
  "an archive that %s is told of once by %s",
  async (_, __, act, looks) => {
    await act();
    for (const [day, look] of looks.entries()) await look(day);
    expect((await told()).map(({ facts }) => facts)).toMatchObject([{ key: ARCHIVE, database: null }]);
  },
);

test.each(DESTROYED.slice(0, 3))(
  "a prune that finds that an archive %s names the database whose backup is lost with it",
  async (_, act) => {
    await act();
    await pruned(0);
    const [event] = await told();
    const report = await readReport(catalog, { id: event?.event ?? "", environment: "local", home: null, now: NOW });
    const lastGood = { key: `daily/${dateOf(MONDAY + DAY)}/shop.sql.gz` };
    expect(report?.databases).toMatchObject([{ name: "shop", lastGood }]);
    expect((await catalog.select().from(archiveMembers)).every(({ damagedAt }) => damagedAt !== null)).toBe(true);
  },
);

test("an archive that has lost its manifest still has its backups, and is told of again when it loses these", async () => {
  await env.BUCKET.delete(MANIFEST);
  await pruned(0);
  expect((await catalog.select().from(archiveMembers)).every(({ damagedAt }) => damagedAt === null)).toBe(true);
  await env.BUCKET.delete(ARCHIVE);
  await verified(1);
  expect(await told()).toHaveLength(2);
});

test("an archive that is there again has its backups again", async () => {
  const bytes = await (await env.BUCKET.get(ARCHIVE))?.arrayBuffer();
  await env.BUCKET.delete(ARCHIVE);
  await pruned(0);
  const { etag } = await putObject(ARCHIVE, new Uint8Array(bytes ?? new ArrayBuffer()));
  await env.CATALOG.batch([
    env.CATALOG.prepare("update archives set etag = ?").bind(etag),
    env.CATALOG.prepare("update backup_inventory set etag = ? where kind = 'weekly'").bind(etag),
  ]);
  await pruned(1);
  const archive = (await catalog.select().from(backupInventory)).find(({ key }) => key === ARCHIVE);
  expect(archive).toMatchObject({ damagedAt: null, damage: null });
  expect((await catalog.select().from(archiveMembers)).every(({ damagedAt }) => damagedAt === null)).toBe(true);
});
