import { env } from "cloudflare:test";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import type { Catalog } from "@patina/catalog/catalog";
import { archives, backupInventory } from "@patina/catalog/schema";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import { emptyBucket, storeBackup } from "./testing.ts";
import { testArchiver, withLittleTime } from "./testing-archiver.ts";
import {
  DATES,
  expectWholeArchive,
  files,
  KEY,
  MANIFEST,
  makeArchive,
  manifest,
  openWeek,
  REQUEST,
  randomText,
  stored,
  storeWeek,
  WEEK,
} from "./testing-week.ts";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await openWeek();
});

test("a part that fails while another is on its way is sent again, and the parts that were sent are not", async () => {
  for (const [i, date] of DATES.entries()) {
    const rows = Array.from({ length: 28 }, (_, n) => randomText(60_000, i * 100 + n));
    await storeBackup({ kind: "daily", date, database: "shop" }, { rows });
  }
  for (const failing of [1, 2]) {
    await catalog.delete(archives);
    await env.BUCKET.delete([KEY, MANIFEST]);
    const sent: number[] = [];
    const one = testArchiver(null, failingOnce(failing, sent));
    expect(await makeArchive(one)).toEqual([]);
    await expectWholeArchive(catalog, { databases: ["shop"] });
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

/** Left by an earlier plan that had more pages. */
const STALE_PAGE = `weekly/${WEEK}.index-0007.json`;

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
      await env.BUCKET.put(STALE_PAGE, "{}");
      const faulted = testArchiver({ at, when, lasting: "once" });
      expect(await makeArchive(faulted), `call ${at}`).toEqual([]);
      await expectWholeArchive(catalog, LITTLE);
      expect(await env.BUCKET.head(STALE_PAGE), `call ${at}`).toBeNull();
      expect(new Set(faulted.results.bodies.map((body) => JSON.stringify(body))).size, `call ${at}`).toBe(1);
      runs = at;
      if (!faulted.faults.struck) break;
    }
    expect(runs).toBeGreaterThan(50);
  },
  60_000,
);

test("a fault after any one call is met by an archive that has to begin anew, too: its upload is aborted, and it ends whole", async () => {
  // What it does differently is done by then.
  for (let at = 1; at <= 24; at += 1) {
    await emptyBucket();
    await catalog.delete(archives);
    await storeLittle();
    // Planned, and its upload opened: then the daily backup is written anew.
    const { handle } = testArchiver();
    let step = 0;
    for (; (await catalog.select().from(archives))[0]?.uploadId == null; step += 1) {
      await env.CATALOG.prepare("update leases set expires_at = 0").run();
      await withLittleTime(handle)(batchOf(QUEUES.upkeep, [new TestMessage(REQUEST)]));
    }
    expect(step).toBeGreaterThan(0);
    await storeBackup({ kind: "daily", date: "2026-11-16", database: "shop" }, { rows: ["written anew"] });
    const faulted = testArchiver({ at, when: "after", lasting: "once" });
    expect(await makeArchive(faulted), `call ${at}`).toEqual([]);
    await expectWholeArchive(catalog, LITTLE);
    expect(faulted.faults.struck).toBe(true);
    expect(await catalog.select().from(archives)).toMatchObject([{ attempt: 2 }]);
  }
});

test("a daily backup that is written anew once it was copied is not taken for verified", async () => {
  await storeWeek();
  const keys = ["daily/2026-11-19/shop.sql.gz", "daily/2026-11-20/shop.sql.gz"] as const;
  const known = async (key: string, date: string) => {
    const { object, job } = await manifestOf(key);
    const { bytes: size, sha256: digest, etag } = object;
    const row = { key, kind: "daily", database: "shop", date, jobId: job, size, digest, etag, createdAt: 0 } as const;
    await env.CATALOG.prepare("delete from backup_inventory where key = ?").bind(key).run();
    await catalog.insert(backupInventory).values(row);
  };
  for (const [i, key] of keys.entries()) await known(key, i === 0 ? "2026-11-19" : "2026-11-20");
  const one = testArchiver();
  let isRewritten = false;
  const meddling = {
    ...one,
    async handle(batch: MessageBatch) {
      const [archive] = await catalog.select().from(archives);
      if (archive?.state === "checking" && !isRewritten) {
        isRewritten = true;
        await storeBackup({ kind: "daily", date: "2026-11-19", database: "shop" }, { rows: ["too late"] });
        await known(keys[0], "2026-11-19");
      }
      await withLittleTime(one.handle)(batch);
    },
  };
  expect(await makeArchive(meddling)).toEqual([]);
  expect(isRewritten).toBe(true);
  expect((await files()).get("2026-11-19/shop.sql")?.toString()).toContain("shop on 2026-11-19");
  const { verifiedAt } = await manifest();
  const rows = await catalog.select().from(backupInventory).orderBy(backupInventory.key);
  expect(rows.map((row) => row.verifiedAt)).toEqual([null, Date.parse(verifiedAt)]);
});

test("bytes that stop coming while an archive is written or read back are asked for again", async () => {
  await storeWeek();
  for (const broken of ["daily/2026-11-18/shop.sql.gz", KEY]) {
    await catalog.delete(archives);
    await env.BUCKET.delete([KEY, MANIFEST]);
    let left = 1;
    const bucket = new Proxy(env.BUCKET, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        if (name !== "get") return member.bind(target);
        return async (key: string, options: R2GetOptions) => {
          const object = await target.get(key, options);
          if (key !== broken || left === 0 || object === null || !("body" in object)) return object;
          left -= 1;
          return { ...object, etag: object.etag, body: stoppingAfter(object.body, 100) };
        };
      },
    });
    expect(await makeArchive(testArchiver(null, bucket)), broken).toEqual([]);
    expect(left, broken).toBe(0);
    await expectWholeArchive(catalog);
  }
});

/** The first bytes of a body, and then an error. */
function stoppingAfter(body: ReadableStream, bytes: number): ReadableStream {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const pass = async () => {
    const writer = writable.getWriter();
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      await writer.write(chunk.subarray(0, bytes));
      break;
    }
    await writer.abort(new Error("Network connection lost"));
  };
  pass().catch(() => undefined);
  return readable;
}

async function manifestOf(key: string): Promise<Manifest> {
  return decodeManifest((await stored(key.replace(".sql.gz", ".manifest.json"))).toString());
}

test("a fault that lasts leaves no manifest without its archive, and a later delivery finishes the work", async () => {
  await storeLittle();
  for (let at = 1; at <= 60; at += 4) {
    await catalog.delete(archives);
    await env.BUCKET.delete([KEY, MANIFEST]);
    await makeArchive(testArchiver({ at, when: "after", lasting: "for ever" }));
    if ((await env.BUCKET.head(MANIFEST)) !== null) await expectWholeArchive(catalog, LITTLE);
    expect(await makeArchive(testArchiver())).toEqual([]);
    await expectWholeArchive(catalog, LITTLE);
  }
}, 60_000);
