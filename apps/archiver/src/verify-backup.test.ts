import { env } from "cloudflare:test";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import type { Catalog } from "@patina/catalog/catalog";
import { openScheduledJob } from "@patina/catalog/jobs";
import { backupInventory, backupTasks } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { findSubject, type Subject } from "@patina/catalog/verify-subjects";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { changedBucket, emptyBucket, flipped, putObject, storeBackup, storeKnown } from "./testing.ts";
import { verifyBackup } from "./verify-backup.ts";

const REF = { kind: "daily", date: "2026-11-20", database: "shop" } as const;
const KEY = dumpKey(REF);
const MANIFEST = manifestKey(REF);
const JOB = "nightly-2026-11-20";

let catalog: Catalog;
let manifest: Manifest;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await emptyBucket();
  manifest = await storeKnown(catalog, { ref: REF, rows: ["one", "two"], verifiedAt: null });
});

async function subjectOf(key: string): Promise<Subject> {
  const found = await findSubject(catalog, key);
  if (found === undefined) throw new Error(`The catalog has no "${key}"`);
  return found;
}

const log = createLog("archiver");

/** What verifying says: `good`, `gone`, or the damage. */
async function verdict(bucket: R2Bucket = env.BUCKET, subject?: Subject): Promise<string> {
  const seen = await verifyBackup(subject ?? (await subjectOf(KEY)), { catalog, bucket, log });
  return seen.is === "gone" ? "gone" : (seen.verified.damage ?? "good");
}

function rotten(key: string, change: (bytes: Uint8Array) => Uint8Array): R2Bucket {
  return changedBucket(env.BUCKET, (bytes, about) => (about.key === key ? change(bytes) : bytes));
}

test("a backup that is what its manifest says is good, whatever is in it", async () => {
  expect(await verdict()).toBe("good");
  for (let i = 0; i < 30; i += 1) {
    const ref = {
      kind: "manual",
      date: "2026-11-19",
      job: `manual-20261119-000000-0000${10 + i}`,
      database: "shop",
    } as const;
    await storeKnown(catalog, {
      ref,
      rows: Array.from({ length: i }, (_, n) => `${"row; ".repeat(n)}`),
      verifiedAt: null,
    });
    expect(await verdict(env.BUCKET, await subjectOf(dumpKey(ref)))).toBe("good");
  }
});

test("a bit flipped in any byte of a stored object is damage", async () => {
  for (let at = 0; at < manifest.object.bytes; at += 1) {
    expect(await verdict(rotten(KEY, (bytes) => flipped(bytes, at))), `byte ${at}`).toMatch(
      /^(?:Its SHA-256|Cannot read)/,
    );
  }
});

test("a byte changed anywhere in a manifest is damage", async () => {
  const { length } = encodeManifest(manifest);
  // The test of manifests goes through every byte.
  for (let at = 0; at < length - 1; at += 13) {
    expect(await verdict(rotten(MANIFEST, (bytes) => flipped(bytes, at))), `byte ${at} of ${length}`).not.toBe("good");
  }
});

test.each<[string, string | RegExp, () => Promise<unknown>]>([
  ["an object that is missing", "The object is missing", () => env.BUCKET.delete(KEY)],
  ["a manifest that is missing", "Its manifest is missing", () => env.BUCKET.delete(MANIFEST)],
  ["a manifest that is no JSON", "Cannot read manifest: it is no JSON", () => env.BUCKET.put(MANIFEST, "{")],
  [
    "an object that is another database's",
    "Another object lies in its place than the one that its manifest names",
    async () => {
      const other = await storeBackup({ ...REF, database: "blog" }, { rows: ["of another"] });
      const stored = await env.BUCKET.get(other.object.key);
      await env.BUCKET.put(KEY, (await stored?.arrayBuffer()) ?? "");
    },
  ],
  [
    "an object and a manifest that are another database's",
    'Its manifest is that of another backup, "daily/2026-11-20/blog.sql.gz"',
    async () => {
      const other = await storeBackup({ ...REF, database: "blog" }, { rows: ["of another"] });
      await env.BUCKET.put(KEY, (await (await env.BUCKET.get(other.object.key))?.arrayBuffer()) ?? "");
      await env.BUCKET.put(MANIFEST, encodeManifest(other));
    },
  ],
  [
    "a manifest that says other rows than its tables",
    "Its manifest contradicts itself",
    () => env.BUCKET.put(MANIFEST, encodeManifest({ ...manifest, rows: 3 })),
  ],
  [
    "a manifest that says another digest than when it was made",
    "Its manifest says something else than it said when it was made",
    () =>
      env.BUCKET.put(MANIFEST, encodeManifest({ ...manifest, object: { ...manifest.object, sha256: "0".repeat(64) } })),
  ],
  [
    "a manifest that says other statements",
    "Its SQL has 7 statements instead of 8",
    () => env.BUCKET.put(MANIFEST, encodeManifest({ ...manifest, sql: { ...manifest.sql, statements: 8 } })),
  ],
])("%s is damage", async (_, damage, act) => {
  await act();
  expect(await verdict()).toBe(damage);
});

test("an object that is cut off is damage", async () => {
  const { bytes: length } = manifest.object;
  for (const left of [0, 1, 10, length >> 1, length - 8, length - 1]) {
    expect(await verdict(rotten(KEY, (bytes) => bytes.subarray(0, left)))).toBe(
      `It has ${left} bytes instead of ${length}`,
    );
  }
});

test("bytes that come damaged once, and whole the second time, are no damage", async () => {
  let gets = 0;
  const bucket = rotten(KEY, (bytes) => (gets++ === 0 ? flipped(bytes, 20) : bytes));
  expect(await verdict(bucket)).toBe("good");
  expect(gets).toBe(2);
});

test("an object that an export under way has replaced, and not yet its manifest, is not called damaged", async () => {
  await register(catalog, ["shop"]);
  const now = Date.parse("2026-11-20T03:00:00Z");
  await openScheduledJob(catalog, {
    id: JOB,
    kind: "nightly",
    trigger: "cron",
    date: REF.date,
    scheduledFor: now,
    now,
  });
  await putObject(KEY, new TextEncoder().encode("the new object"));
  expect(await verdict()).toBe("gone");
  await catalog.update(backupTasks).set({ state: "failed" });
  expect(await verdict()).toMatch(/^Another object/);
});

test("a backup that was written anew meanwhile is looked at anew, and is good", async () => {
  const before = await subjectOf(KEY);
  await storeBackup(REF, { rows: ["written", "anew"] });
  // Its result is still on its way to the catalog.
  expect(await verdict(env.BUCKET, before)).toBe("good");
  await catalog.delete(backupInventory);
  const after = await storeKnown(catalog, { ref: REF, rows: ["three"], verifiedAt: null });
  const seen = await verifyBackup({ ...before, etag: "old" }, { catalog, bucket: env.BUCKET, log });
  expect(seen).toMatchObject({ is: "seen", verified: { damage: null, subject: { etag: after.object.etag } } });
});

test("a backup that is pruned while it is verified is gone, and not missing", async () => {
  // Its row is marked before the object goes.
  const bucket = changedBucket(env.BUCKET, async (bytes, { key }) => {
    if (key !== MANIFEST) return bytes;
    await catalog.update(backupInventory).set({ deletedAt: 1 });
    await env.BUCKET.delete([KEY, MANIFEST]);
    return bytes;
  });
  expect(await verdict(bucket)).toBe("gone");
});

test("a bucket that does not answer says nothing against a backup", async () => {
  const bucket = new Proxy(env.BUCKET, {
    get: (target, name) =>
      name === "get"
        ? () => Promise.reject(new Error("We encountered an internal error. Please try again. (10001)"))
        : Reflect.get(target, name),
  });
  await expect(verdict(bucket)).rejects.toMatchObject({ code: "bucket_unavailable" });
});
