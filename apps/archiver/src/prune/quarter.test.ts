import { env } from "cloudflare:test";
import { createHash } from "node:crypto";
import { type BackupRef, dumpKey, manifestKey, sumsKey } from "@patina/archive/keys";
import { recentEvents } from "@patina/catalog/alert-events";
import type { Catalog } from "@patina/catalog/catalog";
import { openRebuild } from "@patina/catalog/rebuilds";
import { backupInventory, jobRequests } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { DAY, dateOf, HOUR, timestamp } from "@patina/core/date";
import { weekOf } from "@patina/core/week";
import { beforeEach, expect, test } from "vitest";
import { bytesOf, findBackup } from "../find-backup.ts";
import { emptyBucket, putObject } from "../testing.ts";
import { keysInBucket, makeArchive, prune, run, storeKnown, storeNight, tickTo } from "./testing.ts";

/**
 * A whole quarter, day by day: nights, archives, prunes and verifications, with all that goes wrong in one, held against
 * what a person would say is still there.
 */

/** A Monday, years later than anything that a test has uploaded. */
const MONDAY = Date.parse("2030-01-07T00:00:00Z");
const WEEKS = 14;
const NAMES = ["blog", "shop"];

/** A backup that was made, and the copies of it that nobody has spoilt, whether or not they were pruned since. */
interface Made {
  readonly ref: BackupRef;
  readonly digest: string;
  readonly at: number;
  readonly copies: Set<"own" | "archived">;
}

let catalog: Catalog;
let made: Made[];
let overwritten: BackupRef[];
let archivedDates: Set<string>;
let spoilt: Set<string>;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  await register(catalog, [...NAMES, "gone"]);
  made = [];
  overwritten = [];
  archivedDates = new Set();
  spoilt = new Set();
});

function day(n: number): string {
  return dateOf(MONDAY + n * DAY);
}

async function backUp(ref: BackupRef, at: number): Promise<void> {
  const change = { finishedAt: timestamp(at) };
  const { object } = await storeKnown(catalog, ref, { rows: [`${ref.database} at ${at}`], change });
  made.push({ ref, digest: object.sha256, at, copies: new Set(["own"]) });
}

/** Which databases a night backs up: `gone` is paused after ten days, and exports fail; one night never comes. */
function namesOf(n: number): string[] {
  if (n === 45) return [];
  const names = n < 10 ? [...NAMES, "gone"] : NAMES;
  // A whole week without one of blog, and now and then none of shop.
  return names.filter((name) => !(name === "blog" && n >= 21 && n < 28) && !(name === "shop" && n % 17 === 5));
}

async function night(n: number): Promise<void> {
  await storeNight(catalog, { date: day(n), databases: [] });
  const at = MONDAY + n * DAY + 3 * HOUR;
  for (const [i, database] of namesOf(n).entries()) {
    await backUp({ kind: "daily", date: day(n), database }, at + i * 7);
  }
  if (n === 10) await env.CATALOG.prepare("update databases set enabled = 0 where name = 'gone'").run();
  if (n % 23 === 11) await manual(n, "shop", at + HOUR / 2);
}

async function manual(n: number, database: string, at: number): Promise<string> {
  const date = day(n);
  const job = `manual-${date.replaceAll("-", "")}-120000-${String(made.length).padStart(6, "0")}`;
  await backUp({ kind: "manual", date, job, database }, at);
  return job;
}

/** Fresh backups, as the tick has them made for those who have found damage. */
async function answerRequests(n: number): Promise<void> {
  const open = (await catalog.select().from(jobRequests)).filter(({ jobId }) => jobId === null);
  for (const { id, database } of open) {
    const job = await manual(n, database, MONDAY + n * DAY + 7 * HOUR);
    await env.CATALOG.prepare("update job_requests set job_id = ? where id = ?").bind(job, id).run();
  }
}

function madeOf(database: string, n: number): Made | undefined {
  return made.find(({ ref }) => ref.kind === "daily" && ref.database === database && ref.date === day(n));
}

/** What somebody or something does to the bucket. */
async function spoil(n: number): Promise<void> {
  const changed = n % 13 === 7 ? madeOf("blog", n - 2) : undefined;
  const removed = n % 29 === 20 ? madeOf("shop", n - 1) : undefined;
  // From then on only an archive has the last backup of `gone`.
  const lost = n === 20 ? madeOf("gone", 9) : undefined;
  for (const one of [changed, removed, lost]) {
    if (one === undefined || (await env.BUCKET.head(dumpKey(one.ref))) === null) continue;
    one.copies.delete("own");
    spoilt.add(dumpKey(one.ref));
    if (one === changed) {
      overwritten.push(one.ref);
      await putObject(dumpKey(one.ref), new Uint8Array(100));
    } else {
      await env.BUCKET.delete(dumpKey(one.ref));
    }
  }
  if (n !== 60) return;
  // An archive of which nothing else is left.
  const week = weekOf(day(16));
  await putObject(`weekly/${week}.tar.gz`, new Uint8Array(1_000));
  spoilt.add(`weekly/${week}.tar.gz`);
  for (const { ref, copies } of made) if (weekOf(ref.date) === week && ref.kind === "daily") copies.clear();
}

async function archive(n: number): Promise<void> {
  const week = weekOf(day(n));
  await makeArchive(catalog, week);
  for (const { ref, copies } of made) {
    if (ref.kind === "daily" && copies.has("own") && weekOf(ref.date) === week) {
      copies.add("archived");
      archivedDates.add(ref.date);
    }
  }
}

/** Whether a backup is still to be had as it was made. */
async function isServed({ ref, digest }: Made): Promise<boolean> {
  const job = ref.kind === "manual" ? { job: ref.job } : { job: `nightly-${ref.date}` };
  const found = await findBackup({ date: ref.date, database: ref.database, ...job }, { catalog, bucket: env.BUCKET });
  if (found === null || found.damage !== null) return false;
  const bytes = await bytesOf(found, env.BUCKET).read(0, found.bytes);
  return createHash("sha256").update(bytes).digest("hex") === digest;
}

/** What must be there at the end of a day: the last good backup of each database, and all of those that are wanted. */
function wantedOn(n: number, days: number): Made[] {
  const whole = made.filter(({ copies }) => copies.size > 0);
  const last = [...NAMES, "gone"].flatMap((name) => {
    const own = whole.filter(({ ref }) => ref.database === name).toSorted((a, b) => b.at - a.at);
    return own.slice(0, 1);
  });
  const age = ({ ref }: Made) => (Date.parse(day(n)) - Date.parse(ref.date)) / DAY;
  const young = whole.filter((one) => age(one) < (one.ref.kind === "manual" ? Math.min(days, 30) : days));
  return [...new Set([...last, ...young])];
}

async function expectServed(n: number, days: number): Promise<void> {
  for (const one of wantedOn(n, days)) expect(await isServed(one), `${dumpKey(one.ref)} on ${day(n)}`).toBe(true);
}

test("a quarter with misses, damage, losses and manual backups leaves what it should, and the bucket alone knows it", async () => {
  for (let n = 0; n < WEEKS * 7; n += 1) {
    const at = MONDAY + n * DAY;
    if (n !== 45) await night(n);
    if (n % 7 === 6) await archive(n);
    await spoil(n);
    const plan = await prune(catalog, { now: at + 5 * HOUR });
    expect(plan, day(n)).toMatchObject({ state: "done", doubt: null });
    const verify = { kind: "verify", version: 1, run: `verify-${day(n)}`, database: null, date: null, snoozes: 0 };
    // Every day would find the same sooner, and take longer.
    if (n % 3 === 1) expect(await run(verify, { now: at + 6 * HOUR }), day(n)).toEqual([]);
    await answerRequests(n);
    await expectServed(n, 1);
    if (n % 28 === 27) await expectServed(n, 84);
  }
  const last = WEEKS * 7 - 1;
  const stored = (await catalog.select().from(backupInventory)).filter(({ deletedAt }) => deletedAt === null);
  const known = stored.map(({ key }) => key).filter((key) => !key.startsWith("weekly/"));
  const keys = await keysInBucket();
  // Every dump has its row and its manifest, and nothing is left over.
  expect(keys.filter((key) => key.endsWith(".sql.gz"))).toEqual(known.toSorted());
  const kept = made.filter(({ ref }) => known.includes(dumpKey(ref)));
  const dailies = kept.filter(({ ref }) => ref.kind === "daily");
  expect(keys.filter((key) => /^(daily|manual)\//.test(key))).toEqual(
    [
      ...kept.flatMap(({ ref }) => [dumpKey(ref), manifestKey(ref)]),
      // Of a date of which nothing was left the sums went, and are not made again for what is copied out.
      ...new Set(
        dailies.flatMap(({ ref }) => (archivedDates.has(ref.date) && ref.date !== day(9) ? [sumsKey(ref.date)] : [])),
      ),
    ].toSorted(),
  );
  // Archives of twelve weeks, and one that is over since the same day's prune copied out what it alone held.
  const weeks = Array.from({ length: WEEKS - 1 }, (_, i) => weekOf(day((i + 1) * 7)));
  expect(keys.filter((key) => key.startsWith("weekly/"))).toEqual(
    weeks.flatMap((week) => [
      ...keys.filter((key) => key.startsWith(`weekly/${week}.index-`)),
      ...["manifest.json", "tar.gz"].map((end) => `weekly/${week}.${end}`),
    ]),
  );
  // The last seven nights; what was copied out of an archive that went; and what somebody wrote, which is not Patina's.
  const nights = Array.from({ length: 7 }, (_, i) => day(last - 6 + i)).flatMap((date) =>
    made.filter(({ ref }) => ref.kind === "daily" && ref.date === date).map(({ ref }) => dumpKey(ref)),
  );
  const foreign = overwritten.map((ref) => dumpKey(ref)).filter((key) => !nights.includes(key));
  expect(known.filter((key) => key.startsWith("daily/")).toSorted()).toEqual(
    [dumpKey({ kind: "daily", date: day(9), database: "gone" }), ...foreign, ...nights].toSorted(),
  );
  // People were told of each spoilt object, once, by whoever came upon it first.
  const told = (await recentEvents(catalog, 500)).filter(({ kind }) => kind === "verify-mismatch");
  expect(new Set(told.map(({ facts }) => ("key" in facts ? facts.key : "")))).toEqual(spoilt);
  expect(told).toHaveLength(spoilt.size);

  const verified = new Map(stored.flatMap(({ key, verifiedAt }) => (nights.includes(key) ? [[key, verifiedAt]] : [])));
  catalog = await emptyCatalog();
  const audit = { at: 0, actor: { name: "test", request: null }, action: "catalog.rebuild", subject: "rebuild-1" };
  await openRebuild(catalog, { id: "rebuild-1", audit });
  await run({ kind: "rebuild-catalog", version: 1, rebuild: "rebuild-1", snoozes: 0 }, { now: MONDAY + last * DAY });
  await tickTo(catalog, MONDAY + last * DAY);
  await expectServed(last, 84);
  const rebuilt = await catalog.select().from(backupInventory);
  for (const { key, verifiedAt } of rebuilt) if (verified.has(key)) expect(verifiedAt, key).toBe(verified.get(key));
}, 300_000);
