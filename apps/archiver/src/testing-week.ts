import { env } from "cloudflare:test";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { type ArchiveManifest, decodeArchiveManifest } from "@patina/archive/archive-index";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import type { Catalog } from "@patina/catalog/catalog";
import { archiveMembers, archives, backupJobs, openUploads } from "@patina/catalog/schema";
import { emptyCatalog } from "@patina/catalog/testing";
import { datesOf } from "@patina/core/week";
import { expect } from "vitest";
import { emptyBucket, storeBackup } from "./testing.ts";
import { runUpkeep, type TestArchiver } from "./testing-archiver.ts";

/** For tests inside workerd: one week, its daily backups and its archive. */

export const WEEK = "2026-W47";
export const DATES = datesOf(WEEK);
export const JOB = "weekly-2026-11-22";
export const KEY = `weekly/${WEEK}.tar.gz`;
export const MANIFEST = `weekly/${WEEK}.manifest.json`;
export const REQUEST = { kind: "archive-week", version: 1, job: JOB, snoozes: 0 };

/** An empty bucket, and a catalog with the weekly job alone. */
export async function openWeek(): Promise<Catalog> {
  const catalog = await emptyCatalog();
  await emptyBucket();
  const at = Date.parse("2026-11-22T04:00:00Z");
  const job = {
    id: JOB,
    kind: "weekly",
    trigger: "cron",
    date: "2026-11-22",
    scheduledFor: at,
    startedAt: at,
  } as const;
  await catalog.insert(backupJobs).values(job);
  return catalog;
}

/** Two databases a night, the Sunday's included. */
export async function storeWeek(): Promise<void> {
  for (const date of DATES) {
    await storeBackup({ kind: "daily", date, database: "shop" }, { rows: [`shop on ${date}`, "x".repeat(900)] });
    await storeBackup({ kind: "daily", date, database: "blog" }, { rows: [`blog on ${date}`] });
  }
}

/** Delivers the request until the archive is made, or given up. */
export async function makeArchive(archiver: Pick<TestArchiver, "handle" | "upkeep">): Promise<unknown[]> {
  return await runUpkeep(archiver, REQUEST);
}

export async function manifest(): Promise<ArchiveManifest> {
  return decodeArchiveManifest((await (await env.BUCKET.get(MANIFEST))?.text()) ?? "");
}

/** The files of the archive, read as tar does. */
export async function files(): Promise<Map<string, Buffer>> {
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

export async function stored(key: string): Promise<Buffer> {
  return Buffer.from((await (await env.BUCKET.get(key))?.arrayBuffer()) ?? new ArrayBuffer(0));
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Checks that the archive holds exactly the daily backups that lie in the bucket, and that the catalog says so. */
export async function expectWholeArchive(
  catalog: Catalog,
  { dates = DATES, databases = ["blog", "shop"] } = {},
): Promise<void> {
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

/** Of these characters gzip saves a quarter. */
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Text that does not compress much, the same for the same seed (mulberry32). */
export function randomText(length: number, seed: number): string {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return mixed ^ (mixed >>> 14);
  };
  return Array.from({ length }, () => LETTERS[next() & 63]).join("");
}
