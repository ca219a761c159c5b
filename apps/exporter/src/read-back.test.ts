import { env } from "cloudflare:test";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { decodeManifest, faultOf, type Manifest } from "@patina/archive/manifest";
import type { Catalog } from "@patina/catalog/catalog";
import { openScheduledJob } from "@patina/catalog/jobs";
import { backupTasks, taskEvents } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { splitStatements } from "@patina/dump/statements";
import { QUEUES } from "@patina/messages/queues";
import { deliver, RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { consume } from "./consume.ts";

/** What an exporter does about a bucket that gives back other bytes than were put into it. */

const JOB = "nightly-2026-11-20";
const NOW = Date.parse("2026-11-20T03:00:00Z");
const KEY = "daily/2026-11-20/shop.sql.gz";
const MANIFEST = "daily/2026-11-20/shop.manifest.json";
const REQUEST = { kind: "export-requested", version: 1, job: JOB, database: "shop", generation: 1, snoozes: 0 };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["shop"]);
  const times = { date: "2026-11-20", scheduledFor: NOW, now: NOW };
  await openScheduledJob(catalog, { id: JOB, kind: "nightly", trigger: "cron", ...times });
  await env.DB_SHOP.batch(
    [
      "drop table if exists items",
      "create table items (id integer primary key, name text)",
      "insert into items values (1, 'one'), (2, 'two; or so')",
      "create trigger if not exists noted after insert on items begin delete from items where id = 0; select 1; end",
    ].map((sql) => env.DB_SHOP.prepare(sql)),
  );
  const { objects } = await env.BUCKET.list();
  for (const { key } of objects) await env.BUCKET.delete(key);
});

/** How the stored bytes come back; the etag stays that of what was put. */
type Rot = (bytes: Uint8Array, get: number) => Uint8Array;

/** A bucket whose dumps come back changed. */
function rotting(rot: Rot) {
  const rotten = { gets: 0, manifests: 0 };
  const bucket = new Proxy(env.BUCKET, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const [key] = args;
        if (name === "put" && key === MANIFEST) rotten.manifests += 1;
        const object = await value.apply(target, args);
        if (name !== "get" || key !== KEY || object === null || !("body" in object)) return object;
        rotten.gets += 1;
        const bytes = rot(new Uint8Array(await object.arrayBuffer()), rotten.gets);
        const { body } = new Response(bytes.slice());
        return { key: object.key, etag: object.etag, size: object.size, body };
      };
    },
  });
  return { rotten, bucket };
}

async function run(bucket: R2Bucket, { seconds = "600" } = {}) {
  const [exports, dead, results] = [new RecordedQueue(), new RecordedQueue(), new RecordedQueue()];
  const bindings = {
    CATALOG: env.CATALOG,
    BUCKET: bucket,
    EXPORTS: exports as unknown as Queue,
    EXPORTS_DEAD: dead as unknown as Queue,
    RESULTS: results as unknown as Queue,
    ENVIRONMENT: "local",
    EXPORT_SECONDS: seconds,
    EXPORT_QUERIES: "1000",
    SHARD: "0",
    DB_SHOP: env.DB_SHOP,
  } as unknown as Env;
  const world = { clock: () => NOW, sleep: async () => undefined, random: () => 0.5, log: createLog("exporter") };
  const letters: unknown[] = [];
  for (
    let waiting: unknown[] = [REQUEST];
    waiting.length > 0;
    waiting = exports.sent.splice(0).map(({ body }) => body)
  ) {
    letters.push(
      ...(await deliver(waiting, {
        queue: QUEUES.exports,
        batchSize: 1,
        maxAttempts: 3,
        handle: (batch) => consume(batch, bindings, world),
      })),
    );
  }
  return { results: results.bodies, letters: [...letters, ...dead.bodies] };
}

async function expectProven(): Promise<Manifest> {
  const text = (await (await env.BUCKET.get(MANIFEST))?.text()) ?? "";
  const manifest = decodeManifest(text);
  const stored = Buffer.from((await (await env.BUCKET.get(KEY))?.arrayBuffer()) ?? new ArrayBuffer(0));
  const sql = gunzipSync(stored);
  expect(manifest.object.sha256).toBe(createHash("sha256").update(stored).digest("hex"));
  expect(manifest.sql).toMatchObject({ bytes: sql.length, statements: splitStatements(sql.toString()).length });
  expect(manifest.verifiedAt).toBe("2026-11-20T03:00:00.000Z");
  expect(faultOf(text, manifest)).toBeNull();
  return manifest;
}

test("an object is read back whole before its manifest says that there is a backup", async () => {
  const { bucket, rotten } = rotting((bytes) => bytes);
  expect(await run(bucket)).toMatchObject({ letters: [], results: [{ kind: "export-finished" }] });
  expect(rotten).toEqual({ gets: 1, manifests: 1 });
  await expectProven();
});

test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
  ["a bit flipped in its header", (bytes) => flipped(bytes, 4)],
  ["a bit flipped in the middle", (bytes) => flipped(bytes, bytes.length >> 1)],
  ["a bit flipped in its trailer", (bytes) => flipped(bytes, bytes.length - 2)],
  ["its end missing", (bytes) => bytes.subarray(0, -9)],
  ["nothing in it", () => new Uint8Array()],
])("an object that comes back with %s is exported again, and what is then whole is the backup", async (_, rot) => {
  const { bucket, rotten } = rotting((bytes, get) => (get === 1 ? rot(bytes) : bytes));
  expect(await run(bucket)).toMatchObject({ letters: [], results: [{ kind: "export-finished" }] });
  expect(rotten).toEqual({ gets: 2, manifests: 1 });
  await expectProven();
});

test("an object that never comes back whole is no backup: its task says so, and there is no manifest", async () => {
  const { bucket, rotten } = rotting((bytes) => flipped(bytes, 20));
  const { results, letters } = await run(bucket);
  expect(results).toEqual([]);
  expect(letters).toMatchObject([{ kind: "dead-letter", attempts: 3, error: { code: "stored_otherwise" } }]);
  expect(rotten.manifests).toBe(0);
  expect(rotten.gets).toBe(9);
  expect(await env.BUCKET.head(MANIFEST)).toBeNull();
  const [task] = await catalog.select().from(backupTasks);
  expect(task).toMatchObject({ errorCode: "stored_otherwise", error: expect.stringContaining(`Cannot keep "${KEY}"`) });
  expect((await catalog.select().from(taskEvents)).map(({ event }) => event)).toEqual([
    "queued",
    ...Array.from({ length: 3 }, () => ["started", "retried"]).flat(),
  ]);
});

test("an export whose time is up reads back in another invocation, and still knows what it meant to write", async () => {
  const { bucket, rotten } = rotting((bytes, get) => (get === 1 ? flipped(bytes, 4) : bytes));
  let deliveries = 0;
  const counting = new Proxy(bucket, {
    get(target, name) {
      if (name === "head") deliveries += 1;
      return Reflect.get(target, name);
    },
  });
  // No time at all: every invocation writes its object and leaves the rest to the next.
  expect(await run(counting, { seconds: "0" })).toMatchObject({ letters: [], results: [{ kind: "export-finished" }] });
  expect(rotten).toEqual({ gets: 2, manifests: 1 });
  expect(deliveries).toBeGreaterThan(2);
  const events = await catalog.select().from(taskEvents);
  // The checkpoint knew the digest of the whole object: a flipped bit in a field that gzip ignores was found.
  expect(events.filter(({ event }) => event === "paused")).toHaveLength(2);
  await expectProven();
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}
