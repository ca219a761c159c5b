import { env } from "cloudflare:test";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { decodeManifest, type Manifest } from "@patina/archive/manifest";
import type { Catalog } from "@patina/catalog/catalog";
import { openScheduledJob } from "@patina/catalog/jobs";
import { backupTasks, openUploads, taskEvents } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { deliver, RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { consume } from "./consume.ts";

/**
 * Exports that take several invocations: a database of several pages whose stored object takes three parts, with so few
 * queries an invocation that each reads a page or two.
 */

const JOB = "nightly-2026-11-20";
const NOW = Date.parse("2026-11-20T03:00:00Z");
const KEY = "daily/2026-11-20/shop.sql.gz";
const MANIFEST = "daily/2026-11-20/shop.manifest.json";
const REQUEST = { kind: "export-requested", version: 1, job: JOB, database: "shop", generation: 1, snoozes: 0 };
const ROWS = 10;
const FRESH = { state: "queued", leaseHolder: null, leaseExpiresAt: null, checkpoint: null } as const;

let catalog: Catalog;

beforeAll(async () => {
  const statements = [
    "drop table if exists items",
    "drop table if exists notes",
    "create table items (id integer primary key, name text, image blob)",
    "create table notes (a text, b real, primary key (a desc, b)) without rowid",
    // What is random does not compress, so that the object has several parts.
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${ROWS})
       insert into items select i, 'item ' || i, randomblob(560000) from n`,
    `with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
       insert into notes select hex(randomblob(8)), i / 3.0 from n`,
  ];
  for (const sql of statements) await env.DB_SHOP.prepare(sql).run();
});

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["shop"]);
  await openScheduledJob(catalog, {
    id: JOB,
    kind: "nightly",
    trigger: "cron",
    date: "2026-11-20",
    scheduledFor: NOW,
    now: NOW,
  });
  await emptyBucket();
});

async function emptyBucket(): Promise<void> {
  const { objects } = await env.BUCKET.list();
  for (const { key } of objects) await env.BUCKET.delete(key);
}

const log = createLog("exporter");

interface Options {
  readonly queries?: number;
  readonly plan?: FaultPlan | null;
  /** Called before each delivery. */
  readonly between?: (delivery: number) => Promise<void>;
  /** Called before each batch of queries that the source gets. */
  readonly reading?: (batch: number) => Promise<void>;
  /** What stands between the exporter and its databases. */
  readonly catalogOf?: (database: D1Database) => D1Database;
  readonly shopOf?: (database: D1Database) => D1Database;
}

function itself(database: D1Database): D1Database {
  return database;
}

/** Delivers the request and whatever it sends itself, until all is acknowledged or dead. */
async function run(options: Options = {}) {
  const { queries = 20, plan = null, between, reading, catalogOf = itself, shopOf = itself } = options;
  const faults = new Faults(plan);
  const exports = new RecordedQueue();
  const results = new RecordedQueue();
  let batches = 0;
  const shop = faultyDatabase(shopOf(env.DB_SHOP), faults);
  const bindings = {
    CATALOG: faultyDatabase(catalogOf(env.CATALOG), faults),
    BUCKET: faultyBinding(env.BUCKET, faults),
    EXPORTS: faultyBinding(exports, faults) as unknown as Queue,
    EXPORTS_DEAD: new RecordedQueue() as unknown as Queue,
    RESULTS: faultyBinding(results, faults) as unknown as Queue,
    ENVIRONMENT: "local",
    EXPORT_SECONDS: "600",
    EXPORT_QUERIES: String(queries),
    DB_SHOP: {
      ...shop,
      prepare: shop.prepare,
      withSession: shop.withSession,
      async batch(statements: D1PreparedStatement[]) {
        batches += 1;
        await reading?.(batches);
        return await shop.batch(statements);
      },
    },
  };
  let deliveries = 0;
  const dead: unknown[] = [];
  const handle = async (batch: MessageBatch) => {
    await env.CATALOG.prepare("update backup_tasks set lease_expires_at = 0 where state = 'running'").run();
    deliveries += 1;
    await between?.(deliveries);
    // The time is in the dump's header: with another one the first segment may have another size.
    const world = { clock: () => NOW, sleep: async () => undefined, random: () => 0.5, log };
    await consume(batch, bindings as unknown as Env, world);
  };
  for (let waiting: unknown[] = [REQUEST]; waiting.length > 0; ) {
    exports.sent.length = 0;
    dead.push(...(await deliver(waiting, { queue: QUEUES.exports, batchSize: 1, maxAttempts: 4, handle })));
    waiting = exports.bodies;
  }
  return { faults, results, dead, deliveries, batches };
}

async function stored(): Promise<{ manifest: Manifest; sql: string }> {
  const manifest = decodeManifest((await (await env.BUCKET.get(MANIFEST))?.text()) ?? "");
  const object = await env.BUCKET.get(KEY);
  const bytes = Buffer.from((await object?.arrayBuffer()) ?? new ArrayBuffer(0));
  const raw = gunzipSync(bytes);
  const { body } = manifest.sql;
  expect(manifest.object).toEqual({ key: KEY, bytes: bytes.length, sha256: sha256(bytes), etag: object?.etag });
  expect(manifest.sql).toMatchObject({ bytes: raw.length, sha256: sha256(raw) });
  expect(body.sha256).toBe(sha256(raw.subarray(body.start, body.end)));
  expect(raw.subarray(-7).toString()).toBe("-- end\n");
  return { manifest, sql: raw.subarray(body.start, body.end).toString() };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function expectNothingLeft(): Promise<void> {
  expect(await catalog.select().from(openUploads)).toEqual([]);
  const { objects } = await env.BUCKET.list();
  expect(objects.map(({ key }) => key)).toEqual([MANIFEST, KEY]);
}

test("an export over many invocations stores the same body as one in a single invocation", async () => {
  const whole = await run({ queries: 1_000 });
  expect(whole.deliveries).toBe(1);
  const once = await stored();
  expect(once.manifest).toMatchObject({ mode: "paged", consistency: "stable", rows: ROWS + 3_000 });
  expect(once.manifest.restartPoints.length).toBeGreaterThan(5);
  await emptyBucket();
  await catalog.update(backupTasks).set(FRESH);

  const parts = await run();
  expect(parts.deliveries).toBeGreaterThan(3);
  const often = await stored();
  expect(often.sql === once.sql).toBe(true);
  expect(often.manifest.tables).toEqual(once.manifest.tables);
  expect(often.manifest.restartPoints).toEqual(once.manifest.restartPoints);
  expect(often.manifest.consistency).toBe("stable");
  expect(parts.results.bodies).toHaveLength(1);
  const events = await catalog.select().from(taskEvents);
  expect(events.filter(({ event }) => event === "paused")).toHaveLength(parts.deliveries - 1);
  await expectNothingLeft();
});

/** Every call of the beginning, where each is of another kind, then every `STRIDE`-th; 1 takes three minutes. */
const STRIDE = 11;

test.each([
  ["before", 0],
  ["after", 2],
] as const)(
  "a fault %s any one call of an export over many invocations ends in a whole backup and leaves nothing behind",
  async (when, offset) => {
    let at = 1;
    for (;;) {
      await emptyBucket();
      await catalog.update(backupTasks).set(FRESH);
      const { faults, dead, results } = await run({ queries: 130, plan: { at, when, lasting: "once" } });
      expect(dead, `call ${at}`).toEqual([]);
      const { manifest } = await stored();
      expect(manifest.rows, `call ${at}`).toBe(ROWS + 3_000);
      expect(new Set(results.bodies.map((body) => JSON.stringify(body))).size, `call ${at}`).toBe(1);
      if (!faults.struck) break;
      at += at < 16 ? 1 : STRIDE;
      if (at === 16) at += offset;
    }
    expect(at).toBeGreaterThan(40);
    await expectNothingLeft();
  },
);

test("a fault that lasts leaves a whole backup or none, and every open upload on record", async () => {
  for (let at = 1; at <= 100; at += 9) {
    await emptyBucket();
    await catalog.delete(openUploads);
    await catalog.update(backupTasks).set(FRESH);
    await run({ queries: 130, plan: { at, when: "after", lasting: "for ever" } });
    if ((await env.BUCKET.head(MANIFEST)) !== null) await stored();
    else expect((await catalog.select().from(openUploads)).length, `call ${at}`).toBeLessThanOrEqual(1);
  }
});

/** A database that counts the statements it is sent, as D1 counts them towards what one invocation may ask. */
function counted(database: D1Database, count: (statements: number) => void): D1Database {
  const originals = new WeakMap<object, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = new Proxy(statement, {
      get(target, key) {
        const method = Reflect.get(target, key) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          if (key === "bind") return wrap(target.bind(...args));
          count(1);
          return method.apply(target, args);
        };
      },
    });
    originals.set(wrapped, statement);
    return wrapped;
  };
  return {
    prepare: (sql: string) => wrap(database.prepare(sql)),
    batch(statements: D1PreparedStatement[]) {
      count(statements.length);
      return database.batch(statements.map((one) => originals.get(one) ?? one));
    },
    withSession(constraint: string) {
      const session = database.withSession(constraint);
      return { prepare: (sql: string) => wrap(session.prepare(sql)), getBookmark: () => session.getBookmark() };
    },
  } as unknown as D1Database;
}

test.each([50, 1_000])("no invocation sends more than its %i queries, the catalog's included", async (queries) => {
  // Rows that are read one by one, or in pieces, each with a question about its CHECK.
  await env.DB_SHOP.prepare("create table mixed (id integer primary key, what text check (length(what) > 0))").run();
  await env.DB_SHOP.prepare(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 400)
       insert into mixed select i, printf('%.*c', iif(i % 40 = 0, iif(i > 350, 1900000, 30000), 60), 'x') from n`).run();
  const sent: number[] = [];
  const count = (statements: number) => {
    sent[sent.length - 1] = (sent.at(-1) ?? 0) + statements;
  };
  await run({
    queries,
    catalogOf: (database) => counted(database, count),
    shopOf: (database) => counted(database, count),
    between: async () => void sent.push(0),
  });
  expect((await stored()).manifest.consistency).toBe("stable");
  await env.DB_SHOP.prepare("drop table mixed").run();
  expect(Math.max(...sent)).toBeLessThanOrEqual(queries);
});

test("an upload that an invocation left open is aborted by the next that begins again", async () => {
  const upload = await env.BUCKET.createMultipartUpload(KEY);
  await catalog.insert(openUploads).values({ uploadId: upload.uploadId, key: KEY, startedAt: NOW });
  await run({ queries: 1_000 });
  await stored();
  await expectNothingLeft();
  await expect(upload.uploadPart(1, new Uint8Array(1))).rejects.toThrow("does not exist");
});

test("an upload that is gone when the next invocation comes makes the export begin again", async () => {
  await run({
    async between(delivery) {
      if (delivery !== 5) return;
      for (const { uploadId } of await catalog.select().from(openUploads)) {
        await env.BUCKET.resumeMultipartUpload(KEY, uploadId).abort();
      }
    },
  });
  expect((await stored()).manifest.rows).toBe(ROWS + 3_000);
  await expectNothingLeft();
});

test("a checkpoint that cannot be read makes the export begin again", async () => {
  await run({
    async between(delivery) {
      if (delivery === 4) await env.BUCKET.put(`scratch/${JOB}/shop.checkpoint`, "damaged");
    },
  });
  expect((await stored()).manifest.rows).toBe(ROWS + 3_000);
  await expectNothingLeft();
});

test("a schema that changes while the database is read makes the export begin again", async () => {
  await run({
    async between(delivery) {
      if (delivery === 3) await env.DB_SHOP.prepare("create table later (a)").run();
    },
  });
  const { manifest, sql } = await stored();
  expect(manifest.tables.map(({ name }) => name)).toContain("later");
  expect(sql.includes("CREATE TABLE later (a)")).toBe(true);
  await env.DB_SHOP.prepare("drop table later").run();
  await expectNothingLeft();
});
