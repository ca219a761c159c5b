import { env } from "cloudflare:test";
import { createHash } from "node:crypto";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import type { Manifest } from "@patina/archive/manifest";
import { recentEvents } from "@patina/catalog/alert-events";
import type { Catalog } from "@patina/catalog/catalog";
import { listSteps } from "@patina/catalog/prune-steps";
import { backupInventory, jobRequests, openUploads } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { findVerifyRun, openVerifyRun } from "@patina/catalog/verify-runs";
import { DAY, dateOf, HOUR } from "@patina/core/date";
import { weekOf } from "@patina/core/week";
import { beforeEach, expect, test } from "vitest";
import { findBackup } from "../find-backup.ts";
import { emptyBucket, putObject } from "../testing.ts";
import { keysInBucket, makeArchive, prune, run, storeKnown } from "./testing.ts";

/** A Monday, years later than anything that a test has uploaded. */
const MONDAY = Date.parse("2030-01-07T00:00:00Z");
const NOW = MONDAY + 100 * DAY + 5 * HOUR;
const GONE = { kind: "daily", date: dateOf(MONDAY), database: "gone" } as const;
const ARCHIVE = `weekly/${weekOf(GONE.date)}.tar.gz`;

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
});

/** An archive that alone holds the only backup of a database, of these rows; the backup as it was. */
async function archiveAlone(rows: readonly string[], change: Partial<Manifest> = {}): Promise<Buffer> {
  await storeKnown(catalog, GONE, { rows, change });
  const bytes = await bytesOf(dumpKey(GONE));
  await makeArchive(catalog, weekOf(GONE.date));
  await env.BUCKET.delete(await keysInBucket("daily/"));
  await env.CATALOG.prepare("update backup_inventory set deleted_at = 1 where kind = 'daily'").run();
  return bytes;
}

async function bytesOf(key: string): Promise<Buffer> {
  return Buffer.from((await (await env.BUCKET.get(key))?.arrayBuffer()) ?? new ArrayBuffer());
}

async function ends(plan: string): Promise<(string | null)[][]> {
  const steps = await listSteps(catalog, { plan, filter: {}, limit: 10 });
  return steps.map(({ action, state, note }) => [action, state, note]);
}

/** Text that does not compress much. */
function randomText(length: number): string {
  let text = "";
  for (let i = 0; text.length < length; i += 1) text += createHash("sha256").update(String(i)).digest("hex");
  return text;
}

test("a backup of more than one part is copied out, and an upload that broke off before is ended", async () => {
  const bytes = await archiveAlone([randomText(10_000_000)]);
  expect(bytes.length).toBeGreaterThan(5 * 1_048_576);
  const { uploadId } = await env.BUCKET.createMultipartUpload(dumpKey(GONE));
  await catalog.insert(openUploads).values({ uploadId, key: dumpKey(GONE), startedAt: NOW - HOUR });
  const plan = await prune(catalog, { now: NOW });
  expect(await ends(plan.id)).toEqual([["rescue", "done", null]]);
  expect((await bytesOf(dumpKey(GONE))).equals(bytes)).toBe(true);
  expect(await catalog.select().from(openUploads)).toEqual([]);
  await expect(
    env.BUCKET.resumeMultipartUpload(dumpKey(GONE), uploadId).uploadPart(1, new Uint8Array(9)),
  ).rejects.toThrow();
  const { etag } = (await env.BUCKET.head(dumpKey(GONE))) ?? {};
  expect(JSON.parse((await bytesOf(manifestKey(GONE))).toString()).object).toMatchObject({ etag, bytes: bytes.length });
  const rows = await catalog.select().from(backupInventory);
  expect(rows.find(({ key }) => key === dumpKey(GONE))).toMatchObject({ etag, size: bytes.length, deletedAt: null });
});

test("what does not have its digest any more is not copied, and its archive is told of and stays", async () => {
  await register(catalog, ["gone"]);
  await archiveAlone(["one", "two"]);
  const archive = await bytesOf(ARCHIVE);
  const member = await env.CATALOG.prepare("select offset, bytes from archive_members").first<Record<string, number>>();
  const place = (member?.["offset"] ?? 0) + ((member?.["bytes"] ?? 0) >> 1);
  archive[place] = (archive[place] ?? 0) ^ 1;
  const made = (await env.BUCKET.head(ARCHIVE))?.etag ?? "";
  const { etag } = await putObject(ARCHIVE, archive);
  await env.CATALOG.batch([
    env.CATALOG.prepare("update archives set etag = ?").bind(etag),
    env.CATALOG.prepare("update backup_inventory set etag = ? where kind = 'weekly'").bind(etag),
  ]);
  const plan = await prune(catalog, { now: NOW });
  expect(await ends(plan.id)).toEqual([["rescue", "skipped", `${ARCHIVE} is damaged`]]);
  expect(await keysInBucket("daily/")).toEqual([]);
  expect((await recentEvents(catalog, 5)).map(({ kind }) => kind)).toEqual(["verify-mismatch", "job-completed"]);
  const row = (await catalog.select().from(backupInventory)).find(({ kind }) => kind === "weekly");
  expect(row?.damage).toBe(`${GONE.date}/gone is not what it was when the archive was made`);
  expect(await findBackup(GONE, { catalog, bucket: env.BUCKET })).toMatchObject({ damage: expect.any(String) });
  expect(await catalog.select().from(jobRequests)).toMatchObject([{ database: "gone", jobId: null }]);
  // A verification finds the same, and has nothing new to tell.
  const manifest = ARCHIVE.replace(".tar.gz", ".manifest.json");
  const text = (await bytesOf(manifest)).toString().replaceAll(made, etag);
  await putObject(manifest, Buffer.from(text));
  const verify = { kind: "verify", version: 1, run: "verify-20300115-050000-aaaaaa", snoozes: 0 };
  await openVerifyRun(catalog, { run: { id: verify.run, scope: "asked", database: null, date: null }, now: NOW });
  expect(await run(verify, { now: NOW })).toEqual([]);
  expect(await findVerifyRun(catalog, verify.run)).toMatchObject({ state: "done", damaged: 1 });
  expect((await recentEvents(catalog, 5)).map(({ kind }) => kind)).toEqual(["verify-mismatch", "job-completed"]);
  // It is all there is: it stays, and nothing is copied out of it again.
  const next = await prune(catalog, { now: NOW + DAY });
  expect(await ends(next.id)).toEqual([]);
  expect(await env.BUCKET.head(ARCHIVE)).not.toBeNull();
});

test("of two backups that were finished in the same second the newer one stays, though only an archive holds it", async () => {
  const at = (ms: number) => ({ finishedAt: `${GONE.date}T03:00:01.${ms}Z` });
  const bytes = await archiveAlone(["newer"], at(900));
  const manual = { ...GONE, kind: "manual", job: "manual-20300107-030001-000000" } as const;
  await storeKnown(catalog, manual, { rows: ["older"], change: at(100) });
  const plan = await prune(catalog, { now: NOW });
  expect(await ends(plan.id)).toEqual([
    ["rescue", "done", null],
    ["remove", "done", null],
  ]);
  expect((await bytesOf(dumpKey(GONE))).equals(bytes)).toBe(true);
  expect(await env.BUCKET.head(dumpKey(manual))).toBeNull();
  // The copy and what the archive holds are of the same moment, and the archive is not needed any more.
  const next = await prune(catalog, { now: NOW + DAY });
  expect(await ends(next.id)).toEqual([["remove_archive", "done", null]]);
  expect(await env.BUCKET.head(dumpKey(GONE))).not.toBeNull();
});

test("a good backup replaces a damaged object under its key, of exactly the object that was seen", async () => {
  const bytes = await archiveAlone(["one", "two"]);
  await putObject(dumpKey(GONE), new Uint8Array(9));
  const plan = await prune(catalog, { now: NOW });
  expect(await ends(plan.id)).toEqual([["rescue", "done", null]]);
  expect((await bytesOf(dumpKey(GONE))).equals(bytes)).toBe(true);
});
