import { env } from "cloudflare:test";
import { encodeManifest, type Manifest } from "@patina/archive/manifest";
import type { Catalog } from "@patina/catalog/catalog";
import { findJob, jobTasks, openScheduledJob } from "@patina/catalog/jobs";
import { alertOutbox, backupInventory, backupJobs, taskEvents } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { batchOf, deliver, RecordedQueue, TestMessage } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import worker from "./index.ts";

const JOB = "nightly-2026-11-20";
const NAMES = ["auth", "shop", "blog", "jobs"];
const DISCORD = "http://127.0.0.1:1/discord";
const WEBHOOK = "http://127.0.0.1:1/webhook";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, NAMES);
  await openScheduledJob(catalog, {
    id: JOB,
    kind: "nightly",
    trigger: "cron",
    date: "2026-11-20",
    scheduledFor: Date.parse("2026-11-20T03:00:00Z"),
    // The Worker under test has the real clock, by which a job that started on that date would be slow.
    now: Date.now(),
  });
  for (const name of NAMES.slice(0, 3)) await storeManifest(name);
});

function manifestOf(database: string): Manifest {
  const key = `daily/2026-11-20/${database}.sql.gz`;
  const digest = "0".repeat(64);
  return {
    patina: "manifest",
    format: 1,
    database,
    environment: "local",
    job: JOB,
    generation: 1,
    kind: "daily",
    date: "2026-11-20",
    startedAt: "2026-11-20T03:00:01.000Z",
    finishedAt: "2026-11-20T03:00:02.000Z",
    mode: "snapshot",
    consistency: "snapshot",
    object: { key, bytes: 100, sha256: digest, etag: "etag" },
    sql: { format: 1, bytes: 1_000, sha256: digest, body: { start: 0, end: 1_000, sha256: digest } },
    rows: 10,
    tables: [{ name: "t", rows: 10, digest, columns: [], start: 0, end: 10 }],
    restartPoints: [[10, 0]],
    warnings: [],
    queries: 8,
    rowsRead: 10,
  };
}

async function storeManifest(database: string): Promise<void> {
  await env.BUCKET.put(`daily/2026-11-20/${database}.manifest.json`, encodeManifest(manifestOf(database)));
}

function finished(database: string) {
  const manifest = `daily/2026-11-20/${database}.manifest.json`;
  return { kind: "export-finished", version: 1, job: JOB, database, generation: 1, manifest };
}

const ABANDONED = { kind: "export-abandoned", version: 1, job: JOB, database: "jobs", generation: 1 };
const MESSAGES = [...NAMES.slice(0, 3).map(finished), ABANDONED];

/** The aggregator with recorded queues; its bindings fail as planned. */
function aggregator(plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const alerts = new RecordedQueue();
  const dead = new RecordedQueue();
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: faultyBinding(env.BUCKET, faults),
    ALERTS: faultyBinding(alerts, faults) as unknown as Queue,
    EXPORTS_DEAD: faultyBinding(dead, faults) as unknown as Queue,
    RESULTS_DEAD: faultyBinding(dead, faults) as unknown as Queue,
    ALERTS_DEAD: faultyBinding(dead, faults) as unknown as Queue,
    ENVIRONMENT: "local",
    PUBLIC_URL: "",
    DISCORD_WEBHOOK_URL: DISCORD,
    ALERT_WEBHOOK_URL: WEBHOOK,
  };
  return { faults, alerts, dead, handle: (batch: MessageBatch) => worker.queue(batch, bindings) };
}

/** What must be true once all four messages have been handled, whatever happened on the way. */
async function expectClosedOnce(): Promise<void> {
  expect(await findJob(catalog, JOB)).toMatchObject({
    status: "failed",
    succeeded: 3,
    failed: 1,
    rows: 30,
    rawBytes: 3_000,
  });
  const outbox = await catalog.select().from(alertOutbox);
  expect(outbox.map(({ event, channel }) => `${event} ${channel}`).sort()).toEqual([
    `job-failed:${JOB} discord`,
    `job-failed:${JOB} webhook`,
  ]);
  const tasks = await jobTasks(catalog, JOB);
  expect(tasks.map(({ task, result }) => `${task.database} ${task.state} ${result?.status}`).sort()).toEqual([
    "auth done succeeded",
    "blog done succeeded",
    "jobs failed failed",
    "shop done succeeded",
  ]);
  expect(await catalog.select().from(backupInventory)).toHaveLength(3);
  const events = await catalog.select().from(taskEvents);
  expect(events.filter(({ event }) => event === "done" || event === "failed")).toHaveLength(4);
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}

test("every order of four results, each delivered twice, closes the job once", async () => {
  const orders = permutations(MESSAGES);
  expect(orders).toHaveLength(24);
  for (const order of orders) {
    await catalog.run("update backup_tasks set state = 'queued'");
    await catalog.run("delete from backup_results");
    await catalog.run("delete from backup_inventory");
    await catalog.run("delete from alert_outbox");
    await catalog.run("delete from alert_events");
    await catalog.run("delete from task_events");
    await catalog.run("update backup_jobs set status = 'running', closed_by = null, finished_at = null");
    const { handle, alerts } = aggregator();
    const twice = order.flatMap((message, i) => [message, order[(i * 3) % 4]]);
    const dead = await deliver(twice, { queue: QUEUES.results, batchSize: 3, maxAttempts: 11, handle });
    expect(dead).toEqual([]);
    await expectClosedOnce();
    expect(new Set(alerts.bodies.map((body) => JSON.stringify(body))).size).toBe(2);
  }
});

test.each(["before", "after"] as const)(
  "a fault %s any one call to a binding loses nothing and repeats nothing",
  async (when) => {
    let runs = 0;
    for (let at = 1; ; at += 1) {
      await reset();
      const { handle, faults, alerts } = aggregator({ at, when, lasting: "once" });
      const dead = await deliver(MESSAGES, { queue: QUEUES.results, batchSize: 4, maxAttempts: 11, handle });
      expect(dead, `call ${at}`).toEqual([]);
      await expectClosedOnce();
      expect(alerts.bodies.length, `call ${at}`).toBeGreaterThanOrEqual(2);
      runs = at;
      if (!faults.struck) break;
    }
    expect(runs).toBeGreaterThan(8);
  },
);

test("a binding that stays broken leaves the messages to the queue, and a later delivery finishes the work", async () => {
  for (let at = 1; at <= 12; at += 1) {
    await reset();
    const broken = aggregator({ at, when: "before", lasting: "for ever" });
    const dead = await deliver(MESSAGES, {
      queue: QUEUES.results,
      batchSize: 4,
      maxAttempts: 3,
      handle: broken.handle,
    });
    const mended = aggregator();
    await deliver(dead.length > 0 ? dead : MESSAGES, {
      queue: QUEUES.results,
      batchSize: 4,
      maxAttempts: 1,
      handle: mended.handle,
    });
    await expectClosedOnce();
  }
});

async function reset(): Promise<void> {
  await env.CATALOG.batch(
    [
      "update backup_tasks set state = 'queued', finished_at = null",
      "delete from backup_results",
      "delete from backup_inventory",
      "delete from alert_outbox",
      "delete from alert_events",
      "delete from task_events",
      "update backup_jobs set status = 'running', closed_by = null, finished_at = null",
    ].map((sql) => env.CATALOG.prepare(sql)),
  );
}

test("a result of an older generation changes nothing", async () => {
  await catalog.update(backupJobs).set({ status: "running" });
  await env.CATALOG.prepare("update backup_tasks set generation = 2 where database = 'shop'").run();
  const { handle } = aggregator();
  await deliver(MESSAGES, { queue: QUEUES.results, batchSize: 4, maxAttempts: 1, handle });
  const shop = (await jobTasks(catalog, JOB)).find(({ task }) => task.database === "shop");
  expect(shop).toMatchObject({ task: { state: "queued" }, result: null });
  expect(await findJob(catalog, JOB)).toMatchObject({ status: "running" });
});

test("a result whose manifest is missing is tried again and does not stop its neighbours", async () => {
  await env.BUCKET.delete("daily/2026-11-20/blog.manifest.json");
  const { handle } = aggregator();
  const messages = MESSAGES.map((body) => new TestMessage(body));
  await handle(batchOf(QUEUES.results, messages));
  expect(messages.map(({ settled }) => settled?.end)).toEqual(["acked", "acked", "retried", "acked"]);
  expect(await findJob(catalog, JOB)).toMatchObject({ status: "running" });
});

test("a manifest of another backup is refused: the message dies with the reason", async () => {
  await env.BUCKET.put(
    "daily/2026-11-20/blog.manifest.json",
    encodeManifest({ ...manifestOf("blog"), job: "nightly-2026-11-19" }),
  );
  const { handle, dead } = aggregator();
  await deliver([finished("blog")], { queue: QUEUES.results, batchSize: 1, maxAttempts: 1, handle });
  expect(dead.bodies).toMatchObject([{ kind: "dead-letter", error: { code: "manifest_invalid" } }]);
});

test("a message that does not decode dies with the place of the fault; the others of its batch are handled", async () => {
  const { handle, dead } = aggregator();
  const bad = { kind: "export-finished", version: 1, job: "S3CRET", database: "auth", generation: 1, manifest: "x" };
  const messages = [bad, ...MESSAGES].map((body) => new TestMessage(body));
  await handle(batchOf(QUEUES.results, messages));
  expect(messages.every(({ settled }) => settled?.end === "acked")).toBe(true);
  expect(dead.bodies).toMatchObject([{ kind: "dead-letter", error: { code: "invalid_message" } }]);
  expect(JSON.stringify((dead.bodies[0] as { error: unknown }).error)).toContain("/job");
  await expectClosedOnce();
});
