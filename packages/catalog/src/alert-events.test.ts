import type { AlertEvent, EventKind } from "@patina/alerts/event";
import { sql } from "drizzle-orm";
import { beforeEach, expect, test } from "vitest";
import { raiseEvent, recentEvents } from "./alert-events.ts";
import type { Catalog } from "./catalog.ts";
import { closeJobs } from "./closing.ts";
import { openManualJob, openScheduledJob } from "./jobs.ts";
import { settleTasks } from "./results.ts";
import { alertConfig, alertOutbox, backupJobs, backupResults } from "./schema.ts";
import { emptyCatalog, register } from "./testing.ts";
import { transaction } from "./transaction.ts";

const NOW = Date.parse("2026-11-20T03:00:00Z");
const JOB = "nightly-2026-11-20";
const MISMATCH: AlertEvent = {
  kind: "verify-mismatch",
  content: "etag-1",
  key: "daily/2026-11-20/shop.sql.gz",
  database: "shop",
  error: "its digest differs",
};

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

async function channel(id: string, change: Partial<typeof alertConfig.$inferInsert> = {}): Promise<void> {
  const events: EventKind[] = ["verify-mismatch", "dead-letter", "job-started", "job-failed", "recovered"];
  await catalog.insert(alertConfig).values({ id, kind: "webhook", events, createdAt: 0, updatedAt: 0, ...change });
}

async function raise(event: AlertEvent, now = NOW): Promise<void> {
  await transaction(catalog, raiseEvent(event, { now }));
}

async function outbox(): Promise<string[]> {
  const rows = await catalog.select().from(alertOutbox);
  return rows.map(({ event, channel }) => `${event} ${channel}`).sort();
}

test("an event gets one outbox row for each channel that wants it, however often it is raised", async () => {
  await channel("a");
  await channel("b");
  await channel("off", { enabled: false });
  await channel("other", { events: ["daily-summary"] });
  await raise(MISMATCH);
  await raise(MISMATCH, NOW + 1);
  await Promise.all([raise(MISMATCH, NOW + 2), raise(MISMATCH, NOW + 3)]);
  expect(await outbox()).toEqual(["verify-mismatch:etag-1 a", "verify-mismatch:etag-1 b"]);
  expect(await recentEvents(catalog, 10)).toMatchObject([
    { event: "verify-mismatch:etag-1", at: NOW, facts: MISMATCH },
  ]);
});

test("an event that no channel wants is kept all the same", async () => {
  await raise(MISMATCH);
  expect(await outbox()).toEqual([]);
  expect(await recentEvents(catalog, 10)).toHaveLength(1);
});

test("a channel is not told what happened before it was added or changed, even when that is raised again", async () => {
  await raise(MISMATCH);
  await channel("new", { createdAt: NOW + 1, updatedAt: NOW + 1 });
  await raise(MISMATCH, NOW + 2);
  expect(await outbox()).toEqual([]);
});

test("an event whose condition does not hold is not raised", async () => {
  await channel("a");
  await transaction(catalog, raiseEvent(MISMATCH, { now: NOW, where: sql`false` }));
  expect(await recentEvents(catalog, 10)).toEqual([]);
  expect(await outbox()).toEqual([]);
});

test("a channel is never told of its own dead letters, the others are", async () => {
  await channel("down");
  await channel("up");
  const letter = {
    kind: "dead-letter",
    letter: "1",
    queue: "patina-alerts",
    job: null,
    database: null,
    generation: null,
  } as const;
  await raise({ ...letter, failedChannel: "down" });
  expect(await outbox()).toEqual(["dead-letter:1 up"]);
});

test("a dead export of a job that still runs is told of when the job closes, unless a channel only wants dead letters", async () => {
  await register(catalog, ["shop"]);
  await channel("both");
  await channel("letters", { events: ["dead-letter"] });
  const letter = {
    kind: "dead-letter",
    letter: "1",
    queue: "patina-exports",
    generation: 1,
    failedChannel: null,
  } as const;
  const run = { kind: "nightly", trigger: "cron", date: "2026-11-20", scheduledFor: NOW, now: NOW } as const;
  await openScheduledJob(catalog, { id: JOB, ...run });
  await catalog.delete(alertOutbox);
  await raise({ ...letter, job: JOB, database: "shop" });
  const id = `dead-letter:patina-exports:${JOB}`;
  expect(await outbox()).toEqual([`${id} letters`]);
  // A replay that dies, after the job has told of its failures.
  await catalog.update(backupJobs).set({ status: "failed" });
  await raise({ ...letter, job: JOB, database: "shop", generation: 2 }, NOW + 1);
  const told = [`${id} letters`, `${id}:2 both`, `${id}:2 letters`];
  expect(await outbox()).toEqual(told);
  await raise({ ...letter, job: null, database: null });
  expect(await outbox()).toEqual(["dead-letter:1 both", "dead-letter:1 letters", ...told]);
});

test("a ping hears of the nightly, and never of a manual job, which must not pass for one", async () => {
  await register(catalog, ["shop"]);
  await channel("watch", { kind: "ping" });
  const manual = "manual-20261120-020000-9f3a1c";
  const common = { date: "2026-11-20", scheduledFor: NOW, now: NOW } as const;
  await openManualJob(catalog, { job: { id: manual, kind: "manual", trigger: "api", ...common }, names: null });
  await openScheduledJob(catalog, { id: JOB, kind: "nightly", trigger: "cron", ...common });
  await openScheduledJob(catalog, { id: JOB, kind: "nightly", trigger: "cron", ...common, now: NOW + 5 });
  expect(await outbox()).toEqual([`job-started:${JOB} watch`]);
});

test("closing a job tells of every database that recovered in one event", async () => {
  await register(catalog, ["auth", "shop", "blog"]);
  await channel("a");
  await openScheduledJob(catalog, {
    id: JOB,
    kind: "nightly",
    trigger: "cron",
    date: "2026-11-20",
    scheduledFor: NOW,
    now: NOW,
  });
  const failed = (database: string) =>
    ({ status: "failed", task: { job: JOB, database, generation: 1 }, errorCode: null, error: null }) as const;
  await settleTasks(catalog, { results: ["auth", "shop", "blog"].map(failed), now: NOW });
  await catalog.update(backupResults).set({ status: "succeeded", failuresBefore: 2 }).where(sql`database <> 'blog'`);
  await closeJobs(catalog, { jobIds: [JOB], holder: "one", now: NOW + 1 });
  await closeJobs(catalog, { jobIds: [JOB], holder: "two", now: NOW + 1 });
  expect(await outbox()).toEqual([`job-failed:${JOB} a`, `job-started:${JOB} a`, `recovered:${JOB} a`]);
});
