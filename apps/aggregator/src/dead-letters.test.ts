import { env } from "cloudflare:test";
import type { Catalog } from "@patina/catalog/catalog";
import { listDeadLetters } from "@patina/catalog/dead-letters";
import { findJob, jobTasks, openScheduledJob } from "@patina/catalog/jobs";
import { findRebuild, openRebuild } from "@patina/catalog/rebuilds";
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
const REQUEST = { kind: "export-requested", version: 1, job: JOB, database: "shop", generation: 1, snoozes: 0 };

let catalog: Catalog;

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
});

function aggregator(plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const queue = new RecordedQueue();
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: env.BUCKET,
    ALERTS: faultyBinding(queue, faults) as unknown as Queue,
    EXPORTS_DEAD: queue as unknown as Queue,
    RESULTS_DEAD: queue as unknown as Queue,
    ALERTS_DEAD: queue as unknown as Queue,
    ENVIRONMENT: "local",
    PUBLIC_URL: "",
    DISCORD_WEBHOOK_URL: "http://127.0.0.1:1/",
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
      await env.CATALOG.batch(
        [
          "update backup_tasks set state = 'queued'",
          "delete from backup_results",
          "delete from alert_outbox",
          "delete from alert_events",
          "delete from dead_letters",
          "update backup_jobs set status = 'running', closed_by = null",
        ].map((sql) => env.CATALOG.prepare(sql)),
      );
      const { handle, faults } = aggregator({ at, when, lasting: "once" });
      await deliver([REQUEST], { queue: QUEUES.exportsDead, batchSize: 1, maxAttempts: 5, handle });
      expect(await findJob(catalog, JOB), `call ${at}`).toMatchObject({ status: "failed", failed: 1 });
      expect(await listDeadLetters(catalog, { limit: 10 })).toHaveLength(1);
      if (!faults.struck) break;
    }
  },
);
