import { DAY, HOUR } from "@patina/core/date";
import { beforeEach, expect, test } from "vitest";
import { recentEvents } from "./alert-events.ts";
import { listAudit } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { closeJobs } from "./closing.ts";
import { discardDeadLetter, findDeadLetter, type NewDeadLetter, recordDeadLetters } from "./dead-letters.ts";
import { findJob, jobTasks, openScheduledJob } from "./jobs.ts";
import { markReplaySent, pendingReplays, replayDeadLetters } from "./replay.ts";
import { type Succeeded, settleTasks } from "./results.ts";
import { alertConfig, alertOutbox, backupInventory, backupJobs, backupTasks } from "./schema.ts";
import { unsentTasks } from "./tasks.ts";
import { emptyCatalog, register } from "./testing.ts";

const NIGHT = Date.parse("2026-11-20T03:00:00Z");
const MORNING = NIGHT + 6 * HOUR;
const JOB = "nightly-2026-11-20";
const ACTOR = { name: "admin-token", request: null };

let catalog: Catalog;
let entropy: number;

beforeEach(async () => {
  catalog = await emptyCatalog();
  entropy = 0;
  await register(catalog, ["auth", "shop"]);
  await openNight(JOB, NIGHT);
});

/** A night on which both databases failed: the job is closed, each has an open letter. */
async function openNight(job: string, at: number): Promise<void> {
  const date = job.slice(8);
  await openScheduledJob(catalog, { id: job, kind: "nightly", trigger: "cron", date, scheduledFor: at, now: at });
  await recordDeadLetters(catalog, [exportLetter("auth", job), exportLetter("shop", job)]);
  await settleTasks(catalog, {
    results: ["auth", "shop"].map((database) => ({
      status: "failed",
      task: { job, database, generation: 1 },
      errorCode: "source_failed",
      error: "Cannot read",
    })),
    now: at + 1_000,
  });
  await closeJobs(catalog, { jobIds: [job], holder: "test", now: at + 2_000 });
}

function exportLetter(database: string, job = JOB, id = `${database} of ${job}`): NewDeadLetter {
  const body = { kind: "export-requested", version: 1, job, database, generation: 1, snoozes: 0 };
  return letterOf(id, "patina-exports", body);
}

function letterOf(id: string, queue: string, body: object, change: Partial<NewDeadLetter> = {}): NewDeadLetter {
  const { job = null, database = null, generation = null } = body as Record<string, never>;
  return {
    id,
    queue,
    body: JSON.stringify(body),
    jobId: job,
    database,
    generation,
    attempts: 3,
    errorCode: "source_failed",
    error: "Cannot read",
    sentAt: NIGHT,
    arrivedAt: NIGHT + 1_000,
    alert: null,
    ...change,
  };
}

async function replay(ids: readonly string[], now = MORNING) {
  const next = () => {
    entropy += 1;
    return Uint8Array.of(0, 0, entropy);
  };
  return await replayDeadLetters(catalog, { ids, actor: ACTOR, now, entropy: next });
}

function good(job: string, database: string, generation: number): Succeeded {
  const date = job.startsWith("nightly") ? job.slice(8) : "2026-11-20";
  const key = `daily/${date}/${database}.sql.gz`;
  return {
    status: "succeeded",
    task: { job, database, generation },
    kind: "daily",
    date,
    key,
    manifestKey: key.replace("sql.gz", "manifest.json"),
    consistency: "snapshot",
    tables: 1,
    rows: 10,
    rawBytes: 100,
    storedBytes: 10,
    durationMs: 1,
    queries: 1,
    rowsRead: 10,
    bodyDigest: "0",
    storedDigest: "0",
    etag: "e",
    warnings: [],
    verifiedAt: null,
    createdAt: MORNING + 500,
  };
}

test("a replay raises the task's generation once, however often it is asked for, and says so each time", async () => {
  const id = `shop of ${JOB}`;
  const replayed = { id, end: "replayed", job: JOB, generation: 2 };
  expect(await replay([id])).toEqual([{ ...replayed, isNew: true }]);
  expect(await replay([id])).toEqual([{ ...replayed, isNew: false }]);
  expect(await unsentTasks(catalog, JOB)).toMatchObject([
    { database: "shop", generation: 2, state: "queued", attempt: 0, error: null, checkpoint: null },
  ]);
  expect(await findDeadLetter(catalog, id)).toMatchObject({ state: "replayed", closedBy: "admin-token" });
  expect(await listAudit(catalog, { limit: 10 })).toMatchObject([
    { action: "dead-letter.replay", subject: id, detail: { job: JOB, database: "shop" } },
  ]);
});

test("many replays of one letter at the same moment raise the generation once", async () => {
  const id = `shop of ${JOB}`;
  const answers = await Promise.all(Array.from({ length: 8 }, () => replay([id])));
  expect(new Set(answers.flat().map((answer) => JSON.stringify({ ...answer, isNew: true }))).size).toBe(1);
  expect(await catalog.select({ generation: backupTasks.generation }).from(backupTasks)).toEqual([
    { generation: 1 },
    { generation: 2 },
  ]);
  expect(await listAudit(catalog, { limit: 100 })).toHaveLength(1);
});

test("two letters of one task are one replay, and both are closed and audited", async () => {
  await recordDeadLetters(catalog, [exportLetter("shop", JOB, "twin")]);
  const answers = await replay([`shop of ${JOB}`, "twin"]);
  expect(answers).toMatchObject([
    { end: "replayed", generation: 2 },
    { end: "replayed", generation: 2 },
  ]);
  expect((await unsentTasks(catalog, JOB)).map(({ generation }) => generation)).toEqual([2]);
  expect((await listAudit(catalog, { limit: 10 })).map(({ subject }) => subject).sort()).toEqual([
    `shop of ${JOB}`,
    "twin",
  ]);
});

test("after its replay the job stays failed as it was counted, and says which job healed it", async () => {
  await replay([`shop of ${JOB}`, `auth of ${JOB}`]);
  const before = await findJob(catalog, JOB);
  await settleTasks(catalog, { results: [good(JOB, "shop", 2)], now: MORNING + 1_000 });
  await closeJobs(catalog, { jobIds: [JOB], holder: "again", now: MORNING + 1_000 });
  expect(await findJob(catalog, JOB)).toEqual(before);
  await settleTasks(catalog, { results: [good(JOB, "auth", 2), good(JOB, "auth", 2)], now: MORNING + 2_000 });
  expect(await findJob(catalog, JOB)).toEqual({ ...before, healedBy: JOB, healedAt: MORNING + 2_000 });
  expect(before).toMatchObject({ status: "failed", succeeded: 0, failed: 2, rows: 0 });
  expect(await catalog.select().from(backupInventory)).toHaveLength(2);
  expect((await recentEvents(catalog, 100)).map(({ event }) => event)).toContain(`recovered:${JOB}:auth:2`);
});

test("a result of the generation before the replay changes nothing any more", async () => {
  await replay([`shop of ${JOB}`]);
  await settleTasks(catalog, { results: [good(JOB, "shop", 1)], now: MORNING });
  const shop = (await jobTasks(catalog, JOB)).find(({ task }) => task.database === "shop");
  expect(shop).toMatchObject({ task: { state: "queued", generation: 2 }, result: { status: "failed" } });
});

test("a replay that fails again is a new letter, which can be replayed again", async () => {
  await replay([`shop of ${JOB}`]);
  const body = { kind: "export-requested", version: 1, job: JOB, database: "shop", generation: 2, snoozes: 0 };
  await recordDeadLetters(catalog, [letterOf("second", "patina-exports", body)]);
  const task = { job: JOB, database: "shop", generation: 2 };
  await settleTasks(catalog, { results: [{ status: "failed", task, errorCode: null, error: null }], now: MORNING });
  expect(await replay(["second"])).toMatchObject([{ end: "replayed", generation: 3, isNew: true }]);
});

test("letters that came too late for their own date are replayed in one manual job of today that names theirs", async () => {
  const now = NIGHT + DAY + HOUR;
  const answers = await replay([`shop of ${JOB}`, `auth of ${JOB}`], now);
  const manual = "manual-20261121-040000-000001";
  expect(answers).toMatchObject([
    { end: "replayed", job: manual, generation: 1, isNew: true },
    { end: "replayed", job: manual, generation: 1, isNew: true },
  ]);
  expect(await findJob(catalog, manual)).toMatchObject({
    kind: "manual",
    date: "2026-11-21",
    replayOf: JOB,
    databases: 2,
    status: "running",
  });
  expect((await jobTasks(catalog, JOB)).map(({ task }) => task.state)).toEqual(["failed", "failed"]);
  expect(await replay([`shop of ${JOB}`], now)).toMatchObject([{ job: manual, isNew: false }]);
  expect(await catalog.select().from(backupJobs)).toHaveLength(2);
});

test("letters of two nights become two manual jobs, each naming its own", async () => {
  await openNight("nightly-2026-11-21", NIGHT + DAY);
  const now = NIGHT + 2 * DAY + HOUR;
  const answers = await replay([`shop of ${JOB}`, "auth of nightly-2026-11-21"], now);
  const jobs = await Promise.all(
    answers.map(async (answer) => findJob(catalog, "job" in answer ? (answer.job ?? "") : "")),
  );
  expect(jobs.map((job) => job?.replayOf)).toEqual([JOB, "nightly-2026-11-21"]);
});

test("a database that is being backed up now is not started twice: its letter stays open", async () => {
  const now = NIGHT + DAY + HOUR;
  await openScheduledJob(catalog, {
    id: "nightly-2026-11-21",
    kind: "nightly",
    trigger: "cron",
    date: "2026-11-21",
    scheduledFor: NIGHT + DAY,
    now: NIGHT + DAY,
  });
  expect(await replay([`shop of ${JOB}`], now)).toMatchObject([
    { end: "refused", reason: expect.stringContaining("is being backed up now") },
  ]);
  expect(await findDeadLetter(catalog, `shop of ${JOB}`)).toMatchObject({ state: "open" });
  expect(await listAudit(catalog, { limit: 10 })).toEqual([]);
});

test("a result is sent again with the raised generation, and the tick will not export in its place", async () => {
  const body = {
    kind: "export-finished",
    version: 1,
    job: JOB,
    database: "shop",
    generation: 1,
    manifest: "daily/2026-11-20/shop.manifest.json",
  };
  await recordDeadLetters(catalog, [letterOf("result", "patina-results", body)]);
  expect(await replay(["result"], NIGHT + 90 * DAY)).toMatchObject([{ end: "replayed", job: JOB, generation: 2 }]);
  expect(await pendingReplays(catalog, 10)).toEqual([
    { id: "result", queue: "patina-results", message: { ...body, generation: 2 } },
  ]);
  expect(await unsentTasks(catalog, JOB)).toEqual([]);
  const [task] = await catalog.select().from(backupTasks).orderBy(backupTasks.database).offset(1).limit(1);
  expect(task).toMatchObject({ database: "shop", state: "queued", resends: 3 });
  await markReplaySent(catalog, { id: "result", now: MORNING });
  expect(await pendingReplays(catalog, 10)).toEqual([]);
});

test("what has no task is sent again as it was", async () => {
  const body = { kind: "job-check", version: 1, job: JOB };
  await recordDeadLetters(catalog, [letterOf("check", "patina-results", body)]);
  expect(await replay(["check"])).toMatchObject([{ end: "replayed", generation: null, isNew: true }]);
  expect(await pendingReplays(catalog, 10)).toEqual([{ id: "check", queue: "patina-results", message: body }]);
});

test("a dead alert waits to be sent again", async () => {
  await catalog.insert(alertConfig).values({ id: "ops", kind: "webhook", events: [], createdAt: 0 });
  const alert = { event: "job-failed:x", channel: "ops" };
  const row = { ...alert, kind: "job-failed", state: "given_up", createdAt: 0, error: "HTTP 404" } as const;
  await catalog.insert(alertOutbox).values(row);
  const letter = letterOf("alert", "patina-alerts", { kind: "alert-due", version: 1, ...alert }, { alert });
  await recordDeadLetters(catalog, [letter]);
  expect(await replay(["alert"])).toMatchObject([{ end: "replayed", isNew: true }]);
  expect(await catalog.select().from(alertOutbox)).toMatchObject([
    { state: "pending", nextAttemptAt: null, error: null },
  ]);
  expect(await pendingReplays(catalog, 10)).toEqual([]);
});

test("a discarded letter is not replayed, an unknown one is not found, and a replayed one not discarded", async () => {
  await discardDeadLetter(catalog, { id: `auth of ${JOB}`, reason: "no", actor: ACTOR, now: MORNING });
  expect(await replay([`auth of ${JOB}`, "none", `shop of ${JOB}`])).toMatchObject([
    { end: "refused", reason: "it was discarded" },
    { end: "unknown" },
    { end: "replayed" },
  ]);
  const discard = discardDeadLetter(catalog, { id: `shop of ${JOB}`, reason: "no", actor: ACTOR, now: MORNING });
  await expect(discard).rejects.toMatchObject({ code: "conflict" });
});

test("hundreds of letters are replayed, each once", async () => {
  const names = Array.from({ length: 120 }, (_, i) => `db-${i}`);
  await register(catalog, names);
  await failNight(names);
  const ids = names.map((name) => `${name} of nightly-2026-11-21`);
  const answers = await replay(ids, NIGHT + DAY + HOUR);
  expect(answers.every((answer) => answer.end === "replayed" && answer.isNew)).toBe(true);
  expect(await unsentTasks(catalog, "nightly-2026-11-21")).toHaveLength(120);
});

async function failNight(names: readonly string[]): Promise<void> {
  const job = "nightly-2026-11-21";
  const at = NIGHT + DAY;
  await openScheduledJob(catalog, {
    id: job,
    kind: "nightly",
    trigger: "cron",
    date: "2026-11-21",
    scheduledFor: at,
    now: at,
  });
  await recordDeadLetters(
    catalog,
    names.map((name) => exportLetter(name, job)),
  );
  await catalog.update(backupTasks).set({ state: "failed" });
}
