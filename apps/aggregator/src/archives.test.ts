import { env } from "cloudflare:test";
import { type ArchiveManifest, encodeArchive } from "@patina/archive/archive-index";
import type { Catalog } from "@patina/catalog/catalog";
import { findJob } from "@patina/catalog/jobs";
import { alertOutbox, backupInventory, backupJobs } from "@patina/catalog/schema";
import { emptyCatalog } from "@patina/catalog/testing";
import { deadLetter } from "@patina/messages/dead-letter";
import { QUEUES } from "@patina/messages/queues";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { deliver, RecordedQueue } from "@patina/testkit/queue";
import { beforeEach, expect, test } from "vitest";
import worker from "./index.ts";

const JOB = "weekly-2026-11-22";
const KEY = "weekly/2026-W47.manifest.json";
const FINISHED = { kind: "archive-finished", version: 1, job: JOB, manifest: KEY };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await env.BUCKET.delete(KEY);
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
});

async function storeManifest(change: Partial<ArchiveManifest> = {}): Promise<void> {
  const manifest: ArchiveManifest = {
    patina: "archive",
    format: 1,
    week: "2026-W47",
    environment: "local",
    job: JOB,
    startedAt: "2026-11-22T04:00:01.000Z",
    verifiedAt: "2026-11-22T04:05:00.000Z",
    object: { key: "weekly/2026-W47.tar.gz", bytes: 5_000, etag: "etag", partBytes: 8_388_608 },
    digest: "d".repeat(64),
    backups: 14,
    rawBytes: 20_000,
    pages: [],
    missing: [],
    ...change,
  };
  await env.BUCKET.put(KEY, encodeArchive(manifest));
}

/** Delivers messages of a queue to the aggregator, whose bindings fail as planned; the alerts that it sent. */
async function send(queue: string, bodies: unknown[], plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const alerts = new RecordedQueue();
  const bindings = {
    CATALOG: faultyDatabase(env.CATALOG, faults),
    BUCKET: faultyBinding(env.BUCKET, faults),
    ALERTS: faultyBinding(alerts, faults),
    ALERTS_DEAD: new RecordedQueue(),
    RESULTS_DEAD: new RecordedQueue(),
    ENVIRONMENT: "local",
    DISCORD_WEBHOOK_URL: "http://127.0.0.1:1/discord",
  };
  const handle = (batch: MessageBatch) => worker.queue(batch, bindings as never);
  await deliver(bodies, { queue, batchSize: 20, maxAttempts: 10, handle });
  return { faults, alerts };
}

test("a weekly job closes with its archive, which is in the inventory as verified", async () => {
  await storeManifest();
  await send(QUEUES.results, [FINISHED, FINISHED]);
  expect(await findJob(catalog, JOB)).toMatchObject({
    status: "completed",
    databases: 14,
    succeeded: 14,
    failed: 0,
    rawBytes: 20_000,
    storedBytes: 5_000,
    error: null,
  });
  expect(await catalog.select().from(backupInventory)).toMatchObject([
    {
      key: "weekly/2026-W47.tar.gz",
      kind: "weekly",
      database: null,
      date: "2026-11-22",
      jobId: JOB,
      size: 5_000,
      digest: "d".repeat(64),
      verifiedAt: Date.parse("2026-11-22T04:05:00Z"),
    },
  ]);
});

test("an archive that lacks backups says so: its job is failed, and names the first of them", async () => {
  const missing = Array.from({ length: 12 }, (_, i) => ({ date: "2026-11-18", database: `db-${i}`, reason: "gone" }));
  await storeManifest({ missing });
  await send(QUEUES.results, [FINISHED]);
  const job = await findJob(catalog, JOB);
  expect(job).toMatchObject({ status: "failed", databases: 26, succeeded: 14, failed: 12 });
  expect(job?.error).toMatch(/^The archive lacks 12: db-0 of 2026-11-18, .* and 2 more$/);
  expect(await catalog.select().from(alertOutbox)).toMatchObject([{ kind: "archive-incomplete", jobId: JOB }]);
});

test("a weekly job is not closed for having no tasks", async () => {
  await send(QUEUES.results, [{ kind: "job-check", version: 1, job: JOB }]);
  expect(await findJob(catalog, JOB)).toMatchObject({ status: "running" });
});

test("a manifest of another job closes nothing", async () => {
  await storeManifest({ job: "weekly-2026-11-15" });
  await send(QUEUES.results, [FINISHED]);
  expect(await findJob(catalog, JOB)).toMatchObject({ status: "running" });
});

test("a dead letter of an archive ends its job as failed, with the reason", async () => {
  const letter = deadLetter({
    id: "letter-1",
    queue: QUEUES.upkeep,
    attempts: 5,
    sentAt: 0,
    error: { code: "archive_damaged", message: "Cannot archive week 2026-W47: it was begun 5 times in vain" },
    body: { kind: "archive-week", version: 1, job: JOB },
  });
  await send(QUEUES.upkeepDead, [letter]);
  expect(await findJob(catalog, JOB)).toMatchObject({
    status: "failed",
    error: "Cannot archive week 2026-W47: it was begun 5 times in vain",
  });
  // Made later, by a replay: the job stays failed and is healed, and the archive exists.
  await storeManifest();
  await send(QUEUES.results, [FINISHED]);
  expect(await findJob(catalog, JOB)).toMatchObject({ status: "failed", healedBy: JOB });
  expect(await catalog.select().from(backupInventory)).toHaveLength(1);
});

test.each(["before", "after"] as const)("a fault %s any one call closes the job once, with its alert", async (when) => {
  await storeManifest({ missing: [{ date: "2026-11-18", database: "shop", reason: "gone" }] });
  for (let at = 1; ; at += 1) {
    await catalog.delete(alertOutbox);
    await catalog.update(backupJobs).set({ status: "running", closedBy: null });
    const { faults, alerts } = await send(QUEUES.results, [FINISHED], { at, when, lasting: "once" });
    expect(await findJob(catalog, JOB), `call ${at}`).toMatchObject({ status: "failed", failed: 1 });
    expect(await catalog.select().from(alertOutbox), `call ${at}`).toHaveLength(1);
    expect(alerts.bodies.length, `call ${at}`).toBeGreaterThan(0);
    if (!faults.struck) break;
  }
});
