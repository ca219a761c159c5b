import { env } from "cloudflare:test";
import { gunzipSync } from "node:zlib";
import { decodeManifest } from "@patina/archive/manifest";
import type { Catalog } from "@patina/catalog/catalog";
import { registerDatabase } from "@patina/catalog/databases";
import { openScheduledJob } from "@patina/catalog/jobs";
import { backupTasks, taskEvents } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { batchOf, deliver, RecordedQueue, TestMessage } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { consume } from "./consume.ts";

const JOB = "nightly-2026-11-20";
const NOW = Date.parse("2026-11-20T03:00:00Z");
const KEY = "daily/2026-11-20/shop.sql.gz";
const MANIFEST = "daily/2026-11-20/shop.manifest.json";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["shop", "blog"]);
  await openScheduledJob(catalog, {
    id: JOB,
    kind: "nightly",
    trigger: "cron",
    date: "2026-11-20",
    scheduledFor: NOW,
    now: NOW,
  });
  await env.DB_SHOP.batch(
    [
      "drop table if exists items",
      "create table items (id integer primary key, name text, price real, image blob)",
      "insert into items values (1, 'it''s', 1.5, x'00ff'), (9007199254740993, 'big', 1.0, null)",
    ].map((sql) => env.DB_SHOP.prepare(sql)),
  );
  const { objects } = await env.BUCKET.list();
  for (const { key } of objects) await env.BUCKET.delete(key);
});

function request(change: object = {}) {
  return { kind: "export-requested", version: 1, job: JOB, database: "shop", generation: 1, snoozes: 0, ...change };
}

const world = { clock: Date.now, sleep: async () => undefined, random: () => 0.5, log: createLog("exporter") };

/** The exporter with bindings that fail as planned; `meanwhile` happens each time its database is read. */
function exporter(plan: FaultPlan | null = null, change: object = {}, meanwhile = async () => {}) {
  const faults = new Faults(plan);
  const shop = faultyDatabase(env.DB_SHOP, faults);
  const batch = async (statements: D1PreparedStatement[]) => {
    await meanwhile();
    return await shop.batch(statements);
  };
  const exports = new RecordedQueue();
  const dead = new RecordedQueue();
  const results = new RecordedQueue();
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: faultyBinding(env.BUCKET, faults),
    EXPORTS: faultyBinding(exports, faults) as unknown as Queue,
    EXPORTS_DEAD: faultyBinding(dead, faults) as unknown as Queue,
    RESULTS: faultyBinding(results, faults) as unknown as Queue,
    ENVIRONMENT: "local",
    EXPORT_SECONDS: "600",
    EXPORT_QUERIES: "1000",
    SHARD: "0",
    DB_SHOP: { ...shop, batch },
    ...change,
  };
  return { faults, exports, dead, results, handle: (batch: MessageBatch) => consume(batch, bindings, world) };
}

/**
 * Delivers as production does, until acknowledged or dead, what was put off included; leases of attempts that stopped run
 * out in between.
 */
async function run(bodies: unknown[], { exports, handle }: ReturnType<typeof exporter>): Promise<unknown[]> {
  const dead: unknown[] = [];
  for (let waiting = bodies; waiting.length > 0; waiting = exports.sent.splice(0).map(({ body }) => body)) {
    const lapsing = async (batch: MessageBatch) => {
      await env.CATALOG.prepare("update backup_tasks set lease_expires_at = 0 where state = 'running'").run();
      await handle(batch);
    };
    dead.push(...(await deliver(waiting, { queue: QUEUES.exports, batchSize: 1, maxAttempts: 3, handle: lapsing })));
  }
  return dead;
}

async function expectWholeBackup(): Promise<void> {
  const stored = await env.BUCKET.get(KEY);
  const manifest = decodeManifest((await (await env.BUCKET.get(MANIFEST))?.text()) ?? "");
  expect(manifest.object.etag).toBe(stored?.etag);
  const bytes = Buffer.from((await stored?.arrayBuffer()) ?? new ArrayBuffer(0));
  expect(manifest.object.bytes).toBe(bytes.length);
  const sql = gunzipSync(bytes).toString();
  expect(sql).toContain("(1,'it''s',(1500/1000.0),X'00FF')");
  expect(sql).toContain("(9007199254740993,'big',1.0,NULL)");
  expect(sql.endsWith("-- end\n")).toBe(true);
}

test("a message becomes an object, a manifest beside it and a result, in this order", async () => {
  const shop = exporter();
  expect(await run([request()], shop)).toEqual([]);
  await expectWholeBackup();
  expect(shop.results.bodies).toEqual([
    { kind: "export-finished", version: 1, job: JOB, database: "shop", generation: 1, manifest: MANIFEST },
  ]);
  const events = await catalog.select().from(taskEvents);
  expect(events.filter(({ database }) => database === "shop").map(({ event }) => event)).toEqual([
    "queued",
    "started",
    "exported",
  ]);
  const [object, manifest] = [await env.BUCKET.head(KEY), await env.BUCKET.head(MANIFEST)];
  expect(object?.uploaded.getTime()).toBeLessThanOrEqual(manifest?.uploaded.getTime() ?? 0);
});

test("the manifest says what the catalog says of its job, its task and its database", async () => {
  await env.CATALOG.exec("update databases set description = 'The shop', owner = 'api', shard = 3 where name = 'shop'");
  await run([request()], exporter());
  const stored = await env.BUCKET.get(MANIFEST);
  const { catalog: facts } = decodeManifest((await stored?.text()) ?? "");
  const time = "2026-11-20T03:00:00.000Z";
  expect(facts).toEqual({
    job: { trigger: "cron", reason: null, scheduledFor: time, startedAt: time, databases: 2, replayOf: null },
    task: { priority: 0, attempt: 1, startedAt: expect.stringMatching(/Z$/) },
    database: {
      ...{ environment: "local", binding: "DB_SHOP", shard: 3, d1Id: null, description: "The shop", priority: 0 },
      ...{ estimatedBytes: null, certain: false, owner: "api", retention: null },
    },
  });
});

test("a second delivery while the first holds the lease is put off and costs no attempt", async () => {
  await env.CATALOG.prepare(
    "update backup_tasks set state = 'running', lease_holder = 'other', lease_expires_at = ? where database = 'shop'",
  )
    .bind(Date.now() + 600_000)
    .run();
  const { handle, exports, results } = exporter();
  const message = new TestMessage(request());
  await handle(batchOf(QUEUES.exports, [message]));
  expect(message.settled).toEqual({ end: "acked" });
  expect(exports.sent).toMatchObject([{ body: { snoozes: 1 } }]);
  expect(exports.sent[0]?.delaySeconds).toBeGreaterThan(590);
  expect(results.bodies).toEqual([]);
});

test("two deliveries at the same moment make one backup", async () => {
  const both = exporter();
  const messages = [new TestMessage(request()), new TestMessage(request())];
  await both.handle(batchOf(QUEUES.exports, messages));
  expect(messages.map(({ settled }) => settled?.end)).toEqual(["acked", "acked"]);
  expect(both.results.bodies).toHaveLength(1);
  expect(both.exports.bodies).toHaveLength(1);
  await expectWholeBackup();
});

test("a message for a task that has ended, or of an older generation, is acknowledged and changes nothing", async () => {
  await catalog.update(backupTasks).set({ state: "done", generation: 2 });
  const done = exporter();
  expect(await run([request(), request({ generation: 2 })], done)).toEqual([]);
  expect(done.results.bodies).toEqual([]);
  expect(await env.BUCKET.head(KEY)).toBeNull();
});

test("a message for a task that does not exist is dead at once", async () => {
  const { handle, dead } = exporter();
  const unknown = request({ job: "nightly-2020-01-01" });
  await handle(batchOf(QUEUES.exports, [new TestMessage(unknown)]));
  expect(dead.bodies).toMatchObject([{ error: { code: "unknown_task" }, body: unknown }]);
});

test.each([
  ["has no binding", "source_missing", { DB_SHOP: undefined }],
  ["has a binding that is no database", "source_missing", { DB_SHOP: "text" }],
])("a database that %s fails by name and is not tried again", async (_, code, change) => {
  const missing = exporter(null, change);
  expect(await run([request()], missing)).toEqual([]);
  expect(missing.dead.bodies).toMatchObject([
    { error: { code, message: expect.stringContaining('"shop"') }, attempts: 1 },
  ]);
  expect(await env.BUCKET.head(KEY)).toBeNull();
});

test("a database that is known to be unusable fails with that reason", async () => {
  const entry = {
    name: "shop",
    binding: "DB_SHOP",
    priority: 0,
    description: "",
    blockedReason: "the file is corrupt",
  };
  await registerDatabase(catalog, entry, NOW);
  const { handle, dead } = exporter();
  await handle(batchOf(QUEUES.exports, [new TestMessage(request())]));
  expect(dead.bodies).toMatchObject([
    { error: { code: "source_unusable", message: 'Cannot read database "shop": the file is corrupt' } },
  ]);
});

test("a database that never answers has three attempts, and its task remembers why", async () => {
  const broken = { prepare: () => ({}), batch: () => Promise.reject(new Error("D1_ERROR: Network connection lost.")) };
  const { handle, dead } = exporter(null, { DB_SHOP: broken });
  await deliver([request()], { queue: QUEUES.exports, batchSize: 1, maxAttempts: 3, handle });
  expect(dead.bodies).toMatchObject([{ attempts: 3, error: { code: "source_unreachable" }, body: request() }]);
  const [task] = await catalog.select().from(backupTasks).orderBy(backupTasks.priority);
  expect(task).toMatchObject({ state: "queued", attempt: 3, errorCode: "source_unreachable", leaseHolder: null });
  expect(task?.error).toBe('Cannot read database "shop": D1_ERROR: Network connection lost.');
});

test.each(["before", "after"] as const)(
  "a fault %s any one call to a binding ends in a whole backup and one result",
  async (when) => {
    let runs = 0;
    for (let at = 1; ; at += 1) {
      await env.BUCKET.delete([KEY, MANIFEST]);
      await catalog.update(backupTasks).set({ state: "queued", leaseHolder: null, leaseExpiresAt: null });
      const faulted = exporter({ at, when, lasting: "once" });
      expect(await run([request()], faulted), `call ${at}`).toEqual([]);
      await expectWholeBackup();
      const distinct = new Set(faulted.results.bodies.map((body) => JSON.stringify(body)));
      expect(distinct.size, `call ${at}`).toBe(1);
      runs = at;
      if (!faulted.faults.struck) break;
    }
    expect(runs).toBeGreaterThan(8);
  },
);

test("a fault that lasts leaves either a whole backup or none: never an object that a manifest calls complete", async () => {
  for (let at = 1; at <= 14; at += 1) {
    await env.BUCKET.delete([KEY, MANIFEST]);
    await catalog.update(backupTasks).set({ state: "queued", leaseHolder: null, leaseExpiresAt: null });
    await run([request()], exporter({ at, when: "after", lasting: "for ever" }));
    if ((await env.BUCKET.head(MANIFEST)) !== null) await expectWholeBackup();
  }
});

test("an attempt that stopped after the manifest is finished by the next without reading the database again", async () => {
  await run([request()], exporter());
  const first = await env.BUCKET.head(KEY);
  await catalog.update(backupTasks).set({ state: "running", leaseExpiresAt: 0 });
  const again = exporter(null, { DB_SHOP: undefined });
  expect(await run([request()], again)).toEqual([]);
  expect(again.results.bodies).toHaveLength(1);
  expect((await env.BUCKET.head(KEY))?.etag).toBe(first?.etag);
});

test.each(["before", "after"] as const)(
  "a backup that is finished after its task was given up is reported, also with a fault %s any one call",
  async (when) => {
    let made = 0;
    for (let at = 1; ; at += 1) {
      await env.BUCKET.delete([KEY, MANIFEST]);
      await catalog.update(backupTasks).set({ state: "queued", leaseHolder: null, leaseExpiresAt: null });
      const faulted = exporter({ at, when, lasting: "once" }, {}, async () => {
        // The aggregator handles the dead letter of another copy of the message while this one reads.
        await catalog.update(backupTasks).set({ state: "failed", leaseHolder: null, leaseExpiresAt: null });
      });
      expect(await run([request()], faulted), `call ${at}`).toEqual([]);
      const isMade = (await env.BUCKET.head(MANIFEST)) !== null;
      if (isMade) await expectWholeBackup();
      const distinct = new Set(faulted.results.bodies.map((body) => JSON.stringify(body)));
      expect(distinct.size, `call ${at}`).toBe(isMade ? 1 : 0);
      made += isMade ? 1 : 0;
      if (!faulted.faults.struck) break;
    }
    // The last run without a fault, and those whose fault came after the manifest at least.
    expect(made).toBeGreaterThan(2);
  },
);

test("a message of a task that was given up and has no backup is acknowledged and makes none", async () => {
  await catalog.update(backupTasks).set({ state: "failed" });
  const late = exporter();
  expect(await run([request()], late)).toEqual([]);
  expect(late.results.bodies).toEqual([]);
  expect(await env.BUCKET.head(KEY)).toBeNull();
});

test("a catalog that is away costs no attempt: the message is put off, longer each time, for an hour", async () => {
  const faults = new Faults({ at: 1, when: "before", lasting: "for ever" });
  const away = exporter(null, { CATALOG: faultyDatabase(env.CATALOG, faults) });
  let body: unknown = request();
  let waited = 0;
  for (let snoozes = 1; snoozes <= 3; snoozes += 1) {
    const message = new TestMessage(body, { attempts: 3 });
    await away.handle(batchOf(QUEUES.exports, [message]));
    expect(message.settled).toEqual({ end: "acked" });
    const copy = away.exports.sent.at(-1);
    expect(copy?.body).toEqual(request({ snoozes }));
    waited += copy?.delaySeconds ?? 0;
    body = copy?.body;
  }
  expect(waited).toBeGreaterThan(3_600);
  expect(away.dead.sent).toEqual([]);
  const last = new TestMessage(body, { attempts: 3 });
  await away.handle(batchOf(QUEUES.exports, [last]));
  expect(away.dead.bodies).toMatchObject([{ error: { code: "catalog_unavailable" } }]);
  // Once it is there again, the same message makes the backup.
  expect(await run([body], exporter())).toEqual([]);
  await expectWholeBackup();
});
