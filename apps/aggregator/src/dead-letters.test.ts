import { env } from "cloudflare:test";
import { dumpKey, manifestKey } from "@patina/archive/keys";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import { recentEvents } from "@patina/catalog/alert-events";
import type { Catalog } from "@patina/catalog/catalog";
import { listDeadLetters } from "@patina/catalog/dead-letters";
import { findJob, jobTasks, openScheduledJob } from "@patina/catalog/jobs";
import { findRebuild, openRebuild } from "@patina/catalog/rebuilds";
import { backupInventory } from "@patina/catalog/schema";
import { claimTask, releaseTask } from "@patina/catalog/tasks";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { deadLetter } from "@patina/messages/dead-letter";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { batchOf, deliver, RecordedQueue, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import worker from "./index.ts";

const JOB = "nightly-2026-11-20";
const NOW = Date.parse("2026-11-20T03:00:00Z");
const BACKUP = { kind: "daily", date: "2026-11-20", database: "shop" } as const;
const REQUEST = { kind: "export-requested", version: 1, job: JOB, database: "shop", generation: 1, snoozes: 0 };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await env.BUCKET.delete([dumpKey(BACKUP), manifestKey(BACKUP)]);
  await register(catalog, ["shop"]);
  await openScheduledJob(catalog, {
    id: JOB,
    kind: "nightly",
    trigger: "cron",
    date: "2026-11-20",
    scheduledFor: NOW,
    now: NOW,
  });
});

/** As if nothing of the task had arrived yet. */
async function reset(): Promise<void> {
  await env.CATALOG.batch(
    [
      "update backup_tasks set state = 'queued'",
      "delete from backup_results",
      "delete from alert_outbox",
      "delete from alert_events",
      "delete from dead_letters",
      "update backup_jobs set status = 'running', closed_by = null, healed_by = null, healed_at = null",
    ].map((sql) => env.CATALOG.prepare(sql)),
  );
}

function aggregator(plan: FaultPlan | null = null, change: object = {}) {
  const faults = new Faults(plan);
  const queue = new RecordedQueue();
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: faultyBinding(env.BUCKET, faults),
    ALERTS: faultyBinding(queue, faults) as unknown as Queue,
    EXPORTS_DEAD: queue as unknown as Queue,
    RESULTS_DEAD: queue as unknown as Queue,
    ALERTS_DEAD: queue as unknown as Queue,
    ENVIRONMENT: "local",
    PUBLIC_URL: "",
    DISCORD_WEBHOOK_URL: "http://127.0.0.1:1/",
    ...change,
  };
  return { faults, queue, handle: (batch: MessageBatch) => worker.queue(batch, bindings) };
}

test("an exhausted export is recorded and fails its task with the last error, and the job closes with one alert", async () => {
  const task = { job: JOB, database: "shop", generation: 1 };
  await claimTask(catalog, { task, holder: "a", now: NOW });
  await releaseTask(catalog, {
    task,
    holder: "a",
    now: NOW,
    nextAttemptAt: NOW,
    event: "retried",
    errorCode: "source_unreachable",
    error: "Cannot read database: Network connection lost",
  });
  const { handle, queue } = aggregator();
  await deliver([REQUEST, REQUEST], { queue: QUEUES.exportsDead, batchSize: 1, maxAttempts: 1, handle });
  expect(await findJob(catalog, JOB)).toMatchObject({ status: "failed", failed: 1 });
  expect((await jobTasks(catalog, JOB))[0]?.result).toMatchObject({
    status: "failed",
    errorCode: "source_unreachable",
    error: "Cannot read database: Network connection lost",
  });
  expect(await listDeadLetters(catalog, { limit: 10 })).toMatchObject([
    { id: "message-1", queue: QUEUES.exports, jobId: JOB, database: "shop", state: "open" },
    { id: "message-0", queue: QUEUES.exports, jobId: JOB, database: "shop", state: "open" },
  ]);
  expect(new Set(queue.bodies.map((body) => JSON.stringify(body))).size).toBe(1);
});

test("a buried message is recorded with its own reason, once however often it arrives", async () => {
  const letter = deadLetter({
    id: "original",
    queue: QUEUES.exports,
    attempts: 1,
    sentAt: NOW,
    error: { code: "source_missing", message: "Cannot read database: no binding" },
    body: REQUEST,
  });
  const { handle } = aggregator();
  await deliver([letter, letter], { queue: QUEUES.exportsDead, batchSize: 2, maxAttempts: 1, handle });
  expect(await listDeadLetters(catalog, { limit: 10 })).toMatchObject([
    { id: "original", attempts: 1, errorCode: "source_missing", sentAt: NOW },
  ]);
  expect((await jobTasks(catalog, JOB))[0]?.result).toMatchObject({ errorCode: "source_missing" });
});

test("a letter that is no message of Patina's is recorded as it is and harms nothing", async () => {
  const { handle } = aggregator();
  await deliver([{ hello: "world" }, "text", null, 7, undefined, 7n], {
    queue: QUEUES.exportsDead,
    batchSize: 6,
    maxAttempts: 1,
    handle,
  });
  const letters = await listDeadLetters(catalog, { limit: 10 });
  expect(letters.map(({ body }) => body).sort()).toEqual(
    ['"text"', "7", "null", "null", "null", '{"hello":"world"}'].sort(),
  );
  expect(await findJob(catalog, JOB)).toMatchObject({ status: "running" });
});

test("a rebuild of the catalog whose message died has failed, with the reason", async () => {
  const id = "rebuild-0f9e8d7c";
  const actor = { name: "admin-token", request: null };
  await openRebuild(catalog, { id, audit: { at: NOW, actor, action: "catalog.rebuild", subject: id } });
  const body = { kind: "rebuild-catalog", version: 1, rebuild: id, snoozes: 0 };
  const error = { code: "bucket_unavailable", message: 'Cannot use object "daily/": timed out' } as const;
  const letter = deadLetter({ id: "letter", queue: QUEUES.upkeep, attempts: 5, sentAt: NOW, error, body });
  const { handle } = aggregator();
  await deliver([letter], { queue: QUEUES.upkeepDead, batchSize: 1, maxAttempts: 1, handle });
  expect(await findRebuild(catalog, id)).toMatchObject({ state: "failed", error: error.message });
});

test("letters wait for a catalog that is down, longer each time, and are not lost within four days", async () => {
  const { handle } = aggregator({ at: 1, when: "before", lasting: "for ever" });
  let waited = 0;
  for (let attempts = 1; attempts <= 100; attempts += 1) {
    const message = new TestMessage(REQUEST, { id: "letter", attempts });
    await handle(batchOf(QUEUES.exportsDead, [message]));
    if (message.settled?.end !== "retried") throw new TypeError("lost");
    waited += message.settled.delaySeconds;
    if (attempts === 1) expect(waited).toBe(15);
  }
  expect(waited).toBeGreaterThan(3.5 * 86_400);
  expect(await listDeadLetters(catalog, { limit: 1 })).toEqual([]);
});

test.each(["before", "after"] as const)(
  "a fault %s any one call delays a letter but loses none of its effects",
  async (when) => {
    for (let at = 1; ; at += 1) {
      await reset();
      const { handle, faults } = aggregator({ at, when, lasting: "once" });
      await deliver([REQUEST], { queue: QUEUES.exportsDead, batchSize: 1, maxAttempts: 5, handle });
      expect(await findJob(catalog, JOB), `call ${at}`).toMatchObject({ status: "failed", failed: 1 });
      expect(await listDeadLetters(catalog, { limit: 10 })).toHaveLength(1);
      if (!faults.struck) break;
    }
  },
);

/** A copy of the message has stored its backup. */
async function storeBackup(): Promise<void> {
  const { etag = "" } = (await env.BUCKET.put(dumpKey(BACKUP), "dump")) ?? {};
  const digest = "0".repeat(64);
  const manifest: Manifest = {
    patina: "manifest",
    format: 1,
    ...BACKUP,
    environment: "local",
    job: JOB,
    generation: 1,
    startedAt: "2026-11-20T03:00:01.000Z",
    finishedAt: "2026-11-20T03:00:02.000Z",
    mode: "snapshot",
    consistency: "snapshot",
    object: { key: dumpKey(BACKUP), bytes: 4, sha256: digest, etag },
    sql: { format: 1, bytes: 1_000, sha256: digest, body: { start: 0, end: 1_000, sha256: digest } },
    rows: 0,
    tables: [],
    restartPoints: [[10, 0]],
    warnings: [],
    queries: 8,
    rowsRead: 10,
  };
  await env.BUCKET.put(manifestKey(BACKUP), encodeManifest(manifest));
}

const TASK = { version: 1, job: JOB, database: "shop", generation: 1 };
const FINISHED = { ...TASK, kind: "export-finished", manifest: manifestKey(BACKUP) };
const ABANDONED = { ...TASK, kind: "export-abandoned" };

test.each([
  ["an export whose attempts are used up", QUEUES.exportsDead, REQUEST],
  ["a report that could not be read for hours", QUEUES.resultsDead, FINISHED],
  ["an export that the tick gives up", QUEUES.results, ABANDONED],
])(
  "the backup of %s counts when it is stored all the same, and nobody is told of a failure",
  async (_, queue, body) => {
    await storeBackup();
    const { handle } = aggregator();
    await deliver([body, body], { queue, batchSize: 1, maxAttempts: 1, handle });
    expect(await findJob(catalog, JOB)).toMatchObject({ status: "completed", succeeded: 1 });
    expect(await catalog.select().from(backupInventory)).toMatchObject([{ key: dumpKey(BACKUP), deletedAt: null }]);
    const kinds = (await recentEvents(catalog, 9)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => /failed|dead/.test(kind))).toEqual([]);
  },
);

test("a bucket that does not answer does not keep a job open: its task has failed", async () => {
  await storeBackup();
  const away = { get: () => Promise.reject(new Error("R2 is away")) } as unknown as R2Bucket;
  const { handle } = aggregator(null, { BUCKET: away });
  await deliver([REQUEST], { queue: QUEUES.exportsDead, batchSize: 1, maxAttempts: 1, handle });
  expect(await findJob(catalog, JOB)).toMatchObject({ status: "failed", failed: 1 });
});

test.each(["before", "after"] as const)(
  "a task whose one copy died while the other made its backup ends well, with a fault %s any one call",
  async (when) => {
    for (let at = 1; ; at += 1) {
      await reset();
      await env.BUCKET.delete(manifestKey(BACKUP));
      const { handle, faults } = aggregator({ at, when, lasting: "once" });
      await deliver([REQUEST], { queue: QUEUES.exportsDead, batchSize: 1, maxAttempts: 5, handle });
      expect(await findJob(catalog, JOB), `call ${at}`).toMatchObject({ status: "failed", healedBy: null });
      await storeBackup();
      await deliver([FINISHED, FINISHED], { queue: QUEUES.results, batchSize: 1, maxAttempts: 5, handle });
      await deliver([REQUEST], { queue: QUEUES.exportsDead, batchSize: 1, maxAttempts: 5, handle });
      const [found] = await jobTasks(catalog, JOB);
      expect(found, `call ${at}`).toMatchObject({ task: { state: "done" }, result: { status: "succeeded" } });
      expect(await findJob(catalog, JOB)).toMatchObject({ status: "failed", healedBy: JOB });
      const kinds = (await recentEvents(catalog, 9)).map(({ kind }) => kind);
      expect(
        kinds.filter((kind) => kind === "recovered"),
        `call ${at}`,
      ).toHaveLength(1);
      if (!faults.struck) break;
    }
  },
);
