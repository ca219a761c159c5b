import { env } from "cloudflare:test";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { type ArchiveManifest, decodeArchiveManifest, decodeIndexPage } from "@patina/archive/archive-index";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import type { Catalog } from "@patina/catalog/catalog";
import { openScheduledJob } from "@patina/catalog/jobs";
import { archiveMembers, archives, backupJobs, openUploads } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { datesOf } from "@patina/core/week";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import { emptyBucket, putObject, storeBackup } from "./testing.ts";
import { runUpkeep, type TestArchiver, testArchiver, withLittleTime } from "./testing-archiver.ts";

const WEEK = "2026-W47";
const DATES = datesOf(WEEK);
const JOB = "weekly-2026-11-22";
const KEY = `weekly/${WEEK}.tar.gz`;
const MANIFEST = `weekly/${WEEK}.manifest.json`;
const REQUEST = { kind: "archive-week", version: 1, job: JOB, snoozes: 0 };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  await catalog.insert(backupJobs).values({
    id: JOB,
    kind: "weekly",
    trigger: "cron",
    date: "2026-11-22",
    scheduledFor: Date.parse("2026-11-22T04:00:00Z"),
    startedAt: Date.parse("2026-11-22T04:00:00Z"),
  });
});

/** Two databases a night, the Sunday's included. */
async function storeWeek(): Promise<void> {
  for (const date of DATES) {
    await storeBackup({ kind: "daily", date, database: "shop" }, { rows: [`shop on ${date}`, "x".repeat(900)] });
    await storeBackup({ kind: "daily", date, database: "blog" }, { rows: [`blog on ${date}`] });
  }
}

/** Delivers the request until the archive is made, or given up. */
async function run(archiver: Pick<TestArchiver, "handle" | "upkeep">): Promise<unknown[]> {
  return await runUpkeep(archiver, REQUEST);
}

async function manifest(): Promise<ArchiveManifest> {
  return decodeArchiveManifest((await (await env.BUCKET.get(MANIFEST))?.text()) ?? "");
}

/** The files of the archive, read as tar does. */
async function files(): Promise<Map<string, Buffer>> {
  const tar = gunzipSync(Buffer.from((await (await env.BUCKET.get(KEY))?.arrayBuffer()) ?? new ArrayBuffer(0)));
  const found = new Map<string, Buffer>();
  for (let at = 0; tar[at] !== 0; ) {
    const path = tar.toString("latin1", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(tar.toString("latin1", at + 124, at + 135), 8);
    found.set(path, tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}

async function stored(key: string): Promise<Buffer> {
  return Buffer.from((await (await env.BUCKET.get(key))?.arrayBuffer()) ?? new ArrayBuffer(0));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Checks that the archive holds exactly the daily backups that lie in the bucket, and that the catalog says so. */
async function expectWholeArchive({ dates = DATES, databases = ["blog", "shop"] } = {}): Promise<void> {
  const found = await files();
  for (const date of dates) {
    const sums: string[] = [];
    for (const database of databases) {
      const ref = { kind: "daily", date, database } as const;
      const sql = gunzipSync(await stored(dumpKey(ref)));
      expect(found.get(`${date}/${database}.sql`)?.equals(sql), `${date} ${database}`).toBe(true);
      const own = await stored(manifestKey(ref));
      expect(found.get(`${date}/${database}.manifest.json`)?.equals(own)).toBe(true);
      sums.push(`${sha256(sql)}  ${database}.sql\n`, `${sha256(own)}  ${database}.manifest.json\n`);
    }
    expect(found.get(`${date}/SHA256SUMS`)?.toString()).toBe(sums.join(""));
  }
  expect(found.size).toBe(dates.length * (2 * databases.length + 1));
  const members = await catalog.select().from(archiveMembers);
  expect(members).toHaveLength(dates.length * databases.length);
  const archive = await stored(KEY);
  for (const { date, database, offset, bytes, digest } of members) {
    const member = archive.subarray(offset, offset + bytes);
    expect(member.equals(await stored(`daily/${date}/${database}.sql.gz`)), `${date} ${database}`).toBe(true);
    expect(sha256(member)).toBe(digest);
  }
  expect(await catalog.select().from(archives)).toMatchObject([{ week: WEEK, state: "checked" }]);
  expect(await catalog.select().from(openUploads)).toEqual([]);
  expect((await manifest()).object).toMatchObject({ bytes: archive.length, etag: (await env.BUCKET.head(KEY))?.etag });
}

test("a week's daily backups become one tar.gz that holds them byte for byte, and a report", async () => {
  await storeWeek();
  const one = testArchiver();
  expect(await run(one)).toEqual([]);
  await expectWholeArchive();
  expect(one.results.bodies).toEqual([{ kind: "archive-finished", version: 1, job: JOB, manifest: MANIFEST }]);
  expect(await manifest()).toMatchObject({ week: WEEK, job: JOB, backups: 14, missing: [] });
});

test("the index in the bucket tells where each file is, and its pages are what the manifest says", async () => {
  await storeWeek();
  await run(testArchiver());
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
  await run(testArchiver());
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
    const rows = Array.from({ length: 40 }, (_, n) => randomText(60_000, i * 100 + n));
    await storeBackup({ kind: "daily", date, database: "blog" }, { rows: ["small"] });
    await storeBackup({ kind: "daily", date, database: "shop" }, { rows });
  }
  await run(testArchiver());
  await expectWholeArchive();
  const { object } = await manifest();
  expect(object.bytes).toBeGreaterThan(object.partBytes);
  const atOnce = sha256(await stored(KEY));
  await env.BUCKET.delete([KEY, MANIFEST]);
  await catalog.delete(archives);
  const slow = testArchiver();
  let invocations = 0;
  const restless = { ...slow, handle: withLittleTime(slow.handle, () => (invocations += 1)) };
  expect(await run(restless)).toEqual([]);
  expect(invocations).toBeGreaterThan(12);
  await expectWholeArchive();
  expect(sha256(await stored(KEY))).toBe(atOnce);
}, 60_000);

test("a part that fails while another is on its way is sent again, and the parts that were sent are not", async () => {
  for (const [i, date] of DATES.entries()) {
    const rows = Array.from({ length: 40 }, (_, n) => randomText(60_000, i * 100 + n));
    await storeBackup({ kind: "daily", date, database: "shop" }, { rows });
  }
  for (const failing of [1, 2]) {
    await catalog.delete(archives);
    await env.BUCKET.delete([KEY, MANIFEST]);
    const sent: number[] = [];
    const one = testArchiver(null, failingOnce(failing, sent));
    expect(await run(one)).toEqual([]);
    await expectWholeArchive({ databases: ["shop"] });
    expect(sent.toSorted()).toEqual([1, 2, failing].toSorted());
  }
});

/** A bucket to which one part of an upload cannot be sent at the first attempt; notes each attempt. */
function failingOnce(failing: number, sent: number[]): R2Bucket {
  let isLeft = true;
  const uploads = (upload: R2MultipartUpload) => ({
    key: upload.key,
    uploadId: upload.uploadId,
    complete: (parts: R2UploadedPart[]) => upload.complete(parts),
    async uploadPart(number: number, bytes: Uint8Array) {
      sent.push(number);
      const fails = number === failing && isLeft;
      if (fails) isLeft = false;
      if (fails) throw new Error("Network connection lost");
      return await upload.uploadPart(number, bytes);
    },
  });
  return new Proxy(env.BUCKET, {
    get(bucket, name) {
      if (name === "resumeMultipartUpload") {
        return (key: string, id: string) => uploads(bucket.resumeMultipartUpload(key, id));
      }
      const member: unknown = Reflect.get(bucket, name);
      return typeof member === "function" ? member.bind(bucket) : member;
    },
  });
}

/** As little as a week may have, for tests that go through it call by call. */
const LITTLE = { dates: ["2026-11-16"], databases: ["shop"] };

async function storeLittle(): Promise<void> {
  await storeBackup({ kind: "daily", date: "2026-11-16", database: "shop" }, { rows: ["one", "two"] });
}

test.each(["before", "after"] as const)(
  "a fault %s any one call to a binding ends in a whole archive and one report",
  async (when) => {
    await storeLittle();
    let runs = 0;
    for (let at = 1; ; at += 1) {
      await catalog.delete(archives);
      await env.BUCKET.delete([KEY, MANIFEST]);
      const faulted = testArchiver({ at, when, lasting: "once" });
      expect(await run(faulted), `call ${at}`).toEqual([]);
      await expectWholeArchive(LITTLE);
      expect(new Set(faulted.results.bodies.map((body) => JSON.stringify(body))).size, `call ${at}`).toBe(1);
      runs = at;
      if (!faulted.faults.struck) break;
    }
    expect(runs).toBeGreaterThan(50);
  },
  60_000,
);

test("a fault that lasts leaves no manifest without its archive, and a later delivery finishes the work", async () => {
  await storeLittle();
  for (let at = 1; at <= 60; at += 4) {
    await catalog.delete(archives);
    await env.BUCKET.delete([KEY, MANIFEST]);
    await run(testArchiver({ at, when: "after", lasting: "for ever" }));
    if ((await env.BUCKET.head(MANIFEST)) !== null) await expectWholeArchive(LITTLE);
    expect(await run(testArchiver())).toEqual([]);
    await expectWholeArchive(LITTLE);
  }
}, 60_000);

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
  expect(await run(testArchiver())).toEqual([]);
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
  expect(await run(meddling)).toEqual([]);
  expect(rewritten).toBe(true);
  await expectWholeArchive();
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
  expect(await run(testArchiver())).toEqual([]);
  expect((await manifest()).missing).toEqual([
    { date: "2026-11-18", database: "shop", reason: "its object is damaged" },
  ]);
  expect([...(await files()).keys()]).not.toContain("2026-11-18/shop.sql");
  expect(await catalog.select().from(archiveMembers)).toHaveLength(13);
});

test("an archive that is planned anew with fewer pages leaves none of the old ones", async () => {
  await storeWeek();
  for (const page of ["0007", "0008"]) await env.BUCKET.put(`weekly/${WEEK}.index-${page}.json`, "{}");
  expect(await run(testArchiver())).toEqual([]);
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
  expect(await run(rotten)).toEqual([]);
  expect(struck).toBe(1);
  await expectWholeArchive();
});

test("two messages for the same week make one archive", async () => {
  await storeWeek();
  const one = testArchiver();
  await one.handle(batchOf(QUEUES.upkeep, [new TestMessage(REQUEST), new TestMessage(REQUEST)]));
  expect(one.results.bodies).toHaveLength(1);
  expect(one.upkeep.sent).toMatchObject([{ body: { snoozes: 1 } }]);
  await expectWholeArchive();
});

test("a message for an archive that is made already reports it once more and changes nothing", async () => {
  await storeWeek();
  await run(testArchiver());
  const before = [await env.BUCKET.head(KEY), await env.BUCKET.head(MANIFEST)];
  const again = testArchiver();
  expect(await run(again)).toEqual([]);
  expect(again.results.bodies).toHaveLength(1);
  const after = [await env.BUCKET.head(KEY), await env.BUCKET.head(MANIFEST)];
  expect(after.map((object) => object?.version)).toEqual(before.map((object) => object?.version));
});

/** Text that does not compress much, the same for the same seed. */
function randomText(length: number, seed: number): string {
  let text = "";
  for (let i = 0; text.length < length; i += 1) text += sha256(Buffer.from(`${seed} ${i}`));
  return text;
}

test("an archive that the catalog has lost is not made again from what is left of its week", async () => {
  await storeWeek();
  await run(testArchiver());
  const whole = await stored(KEY);
  await env.BUCKET.delete(["daily/2026-11-16/shop.sql.gz", "daily/2026-11-16/shop.manifest.json"]);
  await catalog.delete(archives);
  const { handle, dead } = testArchiver();
  await handle(batchOf(QUEUES.upkeep, [new TestMessage(REQUEST)]));
  expect(dead.bodies).toMatchObject([{ error: { code: "catalog_incomplete" } }]);
  expect((await stored(KEY)).equals(whole)).toBe(true);
  expect(await catalog.select().from(archives)).toEqual([]);
});
