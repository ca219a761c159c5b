import { env } from "cloudflare:test";
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { decodeArchiveManifest, decodeIndexPage } from "@patina/archive/archive-index";
import type { Catalog } from "@patina/catalog/catalog";
import { openScheduledJob } from "@patina/catalog/jobs";
import { alertEvents, archiveMembers, archives, backupJobs } from "@patina/catalog/schema";
import { register } from "@patina/catalog/testing";
import { datesOf } from "@patina/core/week";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import { putObject, storeBackup } from "./testing.ts";
import { runUpkeep, testArchiver, withLittleTime } from "./testing-archiver.ts";
import {
  DATES,
  expectWholeArchive,
  files,
  JOB,
  KEY,
  MANIFEST,
  makeArchive,
  manifest,
  openWeek,
  REQUEST,
  randomText,
  sha256,
  stored,
  storeWeek,
  WEEK,
} from "./testing-week.ts";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await openWeek();
});

test("a week's daily backups become one tar.gz that holds them byte for byte, and a report", async () => {
  await storeWeek();
  const one = testArchiver();
  expect(await makeArchive(one)).toEqual([]);
  await expectWholeArchive(catalog);
  expect(one.results.bodies).toEqual([{ kind: "archive-finished", version: 1, job: JOB, manifest: MANIFEST }]);
  expect(await manifest()).toMatchObject({ week: WEEK, job: JOB, backups: 14, missing: [] });
});

test("the index in the bucket tells where each file is, and its pages are what the manifest says", async () => {
  await storeWeek();
  await makeArchive(testArchiver());
  const { pages, digest } = await manifest();
  expect(pages).toHaveLength(7);
  const archive = await stored(KEY);
  for (const { key, sha256: pageDigest } of pages) {
    const text = await stored(key);
    expect(sha256(text)).toBe(pageDigest);
    const page = decodeIndexPage(text.toString());
    for (const { offset, stored: length, size, sha256: fileDigest } of page.entries) {
      const file = gunzipSync(archive.subarray(offset, offset + length));
      expect(file.length).toBe(size);
      if (fileDigest !== null) expect(sha256(file)).toBe(fileDigest);
    }
  }
  expect(digest).toBe(sha256(Buffer.from(pages.map((page) => page.sha256).join(""))));
});

test("each date's folder gets a SHA256SUMS of its objects", async () => {
  await storeWeek();
  await makeArchive(testArchiver());
  const text = (await stored("daily/2026-11-20/SHA256SUMS")).toString();
  const sums = new Map(
    text
      .trim()
      .split("\n")
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  expect([...sums.keys()].sort()).toEqual(["blog.manifest.json", "blog.sql.gz", "shop.manifest.json", "shop.sql.gz"]);
  for (const [name, sum] of sums) expect(sha256(await stored(`daily/2026-11-20/${name}`)), name).toBe(sum);
});

test("an archive of many parts and pages is made over many invocations, and is the same as one made at once", async () => {
  for (const [i, date] of DATES.entries()) {
    const rows = Array.from({ length: 28 }, (_, n) => randomText(60_000, i * 100 + n));
    await storeBackup({ kind: "daily", date, database: "blog" }, { rows: ["small"] });
    await storeBackup({ kind: "daily", date, database: "shop" }, { rows });
  }
  await makeArchive(testArchiver());
  await expectWholeArchive(catalog);
  const { object } = await manifest();
  expect(object.bytes).toBeGreaterThan(object.partBytes);
  const atOnce = sha256(await stored(KEY));
  await env.BUCKET.delete([KEY, MANIFEST]);
  await catalog.delete(archives);
  const slow = testArchiver();
  let invocations = 0;
  const restless = { ...slow, handle: withLittleTime(slow.handle, () => (invocations += 1)) };
  expect(await makeArchive(restless)).toEqual([]);
  expect(invocations).toBeGreaterThan(12);
  await expectWholeArchive(catalog);
  expect(sha256(await stored(KEY))).toBe(atOnce);
}, 60_000);

test("the archive of the week in which a year ends is named after the week's year, and holds both years' dates", async () => {
  const sunday = "2027-01-03";
  const job = { id: `weekly-${sunday}`, kind: "weekly", trigger: "cron", date: sunday } as const;
  await catalog.insert(backupJobs).values({ ...job, scheduledFor: 0, startedAt: 0 });
  const dates = datesOf("2026-W53");
  for (const date of [...dates, "2026-12-27", "2027-01-04"]) {
    await storeBackup({ kind: "daily", date, database: "shop" }, { rows: [date] });
  }
  const dead = await runUpkeep(testArchiver(), { ...REQUEST, job: job.id });
  expect(dead).toEqual([]);
  const text = await (await env.BUCKET.get("weekly/2026-W53.manifest.json"))?.text();
  const { week, backups, pages, object } = decodeArchiveManifest(text ?? "");
  expect({ week, backups, key: object.key }).toEqual({ week: "2026-W53", backups: 7, key: "weekly/2026-W53.tar.gz" });
  const indexed = await Promise.all(pages.map(async ({ key }) => decodeIndexPage((await stored(key)).toString()).date));
  expect(indexed).toEqual(dates);
  const members = await catalog.select().from(archiveMembers).orderBy(archiveMembers.date);
  expect(members.map(({ date }) => date)).toEqual(dates);
});

test("what is missing of the week is named with its reason, in the manifest", async () => {
  await storeWeek();
  await register(catalog, ["shop", "blog", "auth"]);
  const [monday = "", tuesday = "", wednesday = "", thursday = ""] = DATES;
  const now = Date.parse(`${monday}T03:00:00Z`);
  const job = { kind: "nightly", trigger: "cron", scheduledFor: now, now } as const;
  await openScheduledJob(catalog, { ...job, id: `nightly-${monday}`, date: monday });
  await env.CATALOG.prepare(
    `insert into backup_results (job_id, database, generation, status, error, finished_at)
     values (?, 'auth', 1, 'failed', 'Cannot read database "auth": gone', 0)`,
  )
    .bind(`nightly-${monday}`)
    .run();
  await env.BUCKET.delete(`daily/${tuesday}/shop.manifest.json`);
  await env.BUCKET.delete(`daily/${wednesday}/shop.sql.gz`);
  await env.BUCKET.put(`daily/${thursday}/shop.manifest.json`, "{");
  expect(await makeArchive(testArchiver())).toEqual([]);
  const { missing, backups } = await manifest();
  expect(backups).toBe(11);
  expect(missing).toEqual([
    { date: tuesday, database: "shop", reason: "it has no manifest" },
    { date: wednesday, database: "shop", reason: "its object is missing" },
    { date: thursday, database: "shop", reason: "its manifest cannot be read" },
    { date: monday, database: "auth", reason: 'Cannot read database "auth": gone' },
  ]);
});

test("a week without a single daily backup is no archive", async () => {
  const { handle, dead } = testArchiver();
  await handle(batchOf(QUEUES.upkeep, [new TestMessage(REQUEST)]));
  expect(dead.bodies).toMatchObject([
    { error: { message: `Cannot archive week ${WEEK}: there is no daily backup of it` } },
  ]);
  expect(await env.BUCKET.head(KEY)).toBeNull();
});

test("a daily backup that is written anew while it is archived is archived as it is then", async () => {
  await storeWeek();
  const one = testArchiver();
  // Between the plan and the first part.
  const { handle } = one;
  let rewritten = false;
  const meddling = {
    ...one,
    async handle(batch: MessageBatch) {
      const [archive] = await catalog.select().from(archives);
      if (archive?.state === "writing" && !rewritten) {
        rewritten = true;
        await storeBackup({ kind: "daily", date: "2026-11-19", database: "shop" }, { rows: ["written anew"] });
      }
      await withLittleTime(handle)(batch);
    },
  };
  expect(await makeArchive(meddling)).toEqual([]);
  expect(rewritten).toBe(true);
  await expectWholeArchive(catalog);
  expect((await files()).get("2026-11-19/shop.sql")?.toString()).toContain("written anew");
  expect(await catalog.select().from(archives)).toMatchObject([{ attempt: 2 }]);
});

test("a daily backup with a flipped bit stays out, by name, and the rest is archived", async () => {
  await storeWeek();
  const key = "daily/2026-11-18/shop.sql.gz";
  const bytes = await stored(key);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  const { etag } = await putObject(key, bytes);
  // The bucket itself has rotted: the etag is still the one that the manifest names.
  const own = JSON.parse((await stored("daily/2026-11-18/shop.manifest.json")).toString());
  own.object.etag = etag;
  await env.BUCKET.put("daily/2026-11-18/shop.manifest.json", JSON.stringify(own));
  expect(await makeArchive(testArchiver())).toEqual([]);
  expect((await manifest()).missing).toEqual([
    { date: "2026-11-18", database: "shop", reason: "its object is damaged" },
  ]);
  expect([...(await files()).keys()]).not.toContain("2026-11-18/shop.sql");
  expect(await catalog.select().from(alertEvents)).toMatchObject([{ kind: "verify-mismatch", facts: { key } }]);
  expect(await catalog.select().from(archiveMembers)).toHaveLength(13);
});

test("an archive that is planned anew with fewer pages leaves none of the old ones", async () => {
  await storeWeek();
  for (const page of ["0007", "0008"]) await env.BUCKET.put(`weekly/${WEEK}.index-${page}.json`, "{}");
  expect(await makeArchive(testArchiver())).toEqual([]);
  const { objects } = await env.BUCKET.list({ prefix: "weekly/" });
  expect(objects.map(({ key }) => key)).toEqual([
    ...DATES.map((_, i) => `weekly/${WEEK}.index-000${i}.json`),
    MANIFEST,
    KEY,
  ]);
});

test("an archive that is read back otherwise than it was written is written again", async () => {
  await storeWeek();
  const one = testArchiver();
  let struck = 0;
  const rotten = {
    ...one,
    async handle(batch: MessageBatch) {
      const [archive] = await catalog.select().from(archives);
      if (archive?.state === "checking" && struck === 0) {
        struck += 1;
        const bytes = await stored(KEY);
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        const { etag } = await putObject(KEY, bytes);
        await catalog.update(archives).set({ etag });
      }
      await withLittleTime(one.handle)(batch);
    },
  };
  expect(await makeArchive(rotten)).toEqual([]);
  expect(struck).toBe(1);
  await expectWholeArchive(catalog);
});

test("two messages for the same week make one archive", async () => {
  await storeWeek();
  const one = testArchiver();
  await one.handle(batchOf(QUEUES.upkeep, [new TestMessage(REQUEST), new TestMessage(REQUEST)]));
  expect(one.results.bodies).toHaveLength(1);
  expect(one.upkeep.sent).toMatchObject([{ body: { snoozes: 1 } }]);
  await expectWholeArchive(catalog);
});

test("a message for an archive that is made already reports it once more and changes nothing", async () => {
  await storeWeek();
  await makeArchive(testArchiver());
  const before = [await env.BUCKET.head(KEY), await env.BUCKET.head(MANIFEST)];
  const again = testArchiver();
  expect(await makeArchive(again)).toEqual([]);
  expect(again.results.bodies).toHaveLength(1);
  const after = [await env.BUCKET.head(KEY), await env.BUCKET.head(MANIFEST)];
  expect(after.map((object) => object?.version)).toEqual(before.map((object) => object?.version));
});

test("an archive that the catalog has lost is not made again from what is left of its week", async () => {
  await storeWeek();
  await makeArchive(testArchiver());
  const whole = await stored(KEY);
  await env.BUCKET.delete(["daily/2026-11-16/shop.sql.gz", "daily/2026-11-16/shop.manifest.json"]);
  await catalog.delete(archives);
  const { handle, dead } = testArchiver();
  await handle(batchOf(QUEUES.upkeep, [new TestMessage(REQUEST)]));
  expect(dead.bodies).toMatchObject([{ error: { code: "catalog_incomplete" } }]);
  expect((await stored(KEY)).equals(whole)).toBe(true);
  expect(await catalog.select().from(archives)).toEqual([]);
});
