import { beforeEach, expect, test } from "vitest";
import { recentEvents } from "./alert-events.ts";
import { readReport } from "./alert-report.ts";
import { listAudit } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import {
  countDeadLetters,
  discardDeadLetter,
  findDeadLetter,
  listDeadLetters,
  type NewDeadLetter,
  recordDeadLetters,
} from "./dead-letters.ts";
import { openScheduledJob } from "./jobs.ts";
import { alertConfig, alertOutbox, backupTasks } from "./schema.ts";
import { claimTask, releaseTask } from "./tasks.ts";
import { emptyCatalog, register } from "./testing.ts";

const NIGHT = Date.parse("2026-11-20T03:00:00Z");
const JOB = "nightly-2026-11-20";
const TASK = { job: JOB, database: "shop", generation: 1 };
const ACTOR = { name: "admin-token", request: "0123456789abcdef" };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["shop"]);
});

function letter(id: string, change: Partial<NewDeadLetter> = {}): NewDeadLetter {
  return {
    id,
    queue: "patina-exports",
    body: "{}",
    jobId: JOB,
    database: "shop",
    generation: 1,
    attempts: 3,
    errorCode: null,
    error: null,
    sentAt: NIGHT,
    arrivedAt: NIGHT + 60_000,
    alert: null,
    ...change,
  };
}

async function events(): Promise<string[]> {
  return (await recentEvents(catalog, 100)).map(({ event }) => event);
}

test("a letter has the first and the last error of its attempts, which its task remembers", async () => {
  const common = { kind: "nightly", trigger: "cron", date: "2026-11-20", scheduledFor: NIGHT, now: NIGHT } as const;
  await openScheduledJob(catalog, { id: JOB, ...common });
  for (const [i, error] of ["Network connection lost", "Too many requests", "D1 is overloaded"].entries()) {
    await claimTask(catalog, { task: TASK, holder: `${i}`, now: NIGHT + i });
    const nextAttemptAt = NIGHT + i;
    const errorCode = i === 0 ? "source_unreachable" : "source_overloaded";
    await releaseTask(catalog, {
      task: TASK,
      holder: `${i}`,
      now: NIGHT + i,
      nextAttemptAt,
      event: "retried",
      errorCode,
      error,
    });
  }
  await recordDeadLetters(catalog, [letter("1")]);
  expect(await findDeadLetter(catalog, "1")).toMatchObject({
    attempts: 3,
    firstErrorCode: "source_unreachable",
    firstError: "Network connection lost",
    errorCode: "source_overloaded",
    error: "D1 is overloaded",
    state: "open",
  });
});

test("a letter that nobody remembers anything of does not claim a first error that it cannot know", async () => {
  const error = { errorCode: "manifest_missing", error: "Cannot read manifest" } as const;
  await recordDeadLetters(catalog, [
    letter("many", { ...error, attempts: 11 }),
    letter("once", { ...error, attempts: 1 }),
  ]);
  expect(await findDeadLetter(catalog, "many")).toMatchObject({ firstError: null, error: "Cannot read manifest" });
  expect(await findDeadLetter(catalog, "once")).toMatchObject({ firstError: "Cannot read manifest" });
});

test("the letters of one job and queue are one event, however many there are and however often they arrive", async () => {
  await recordDeadLetters(catalog, [letter("1"), letter("2", { database: "blog" })]);
  await recordDeadLetters(catalog, [letter("1"), letter("3", { jobId: null })]);
  expect(await countDeadLetters(catalog, { state: "open" })).toBe(3);
  expect((await events()).sort()).toEqual(["dead-letter:3", `dead-letter:patina-exports:${JOB}`]);
});

test("what dies again after each of its replays is told of each time", async () => {
  for (const generation of [1, 2, 3]) {
    await recordDeadLetters(catalog, [letter(`shop ${generation}`, { generation })]);
    await recordDeadLetters(catalog, [letter(`blog ${generation}`, { generation, database: "blog" })]);
  }
  const id = `dead-letter:patina-exports:${JOB}`;
  expect((await events()).sort()).toEqual([id, `${id}:2`, `${id}:3`]);
  const report = await readReport(catalog, { id: `${id}:3`, environment: "test", home: null, now: NIGHT });
  expect(report).toMatchObject({ letters: { count: 2 }, databases: [{ name: "blog" }, { name: "shop" }] });
  const upkeep = { queue: "patina-upkeep", jobId: "weekly-2026-11-22", database: null, generation: null };
  await recordDeadLetters(catalog, [letter("archive 1", upkeep), letter("archive 2", upkeep)]);
  expect(await events()).toEqual(expect.arrayContaining(["dead-letter:archive 1", "dead-letter:archive 2"]));
});

test("a letter of an export that has ended well is kept, and told to nobody", async () => {
  await openScheduledJob(catalog, {
    id: JOB,
    kind: "nightly",
    trigger: "cron",
    date: "2026-11-20",
    scheduledFor: NIGHT,
    now: NIGHT,
  });
  await catalog.update(backupTasks).set({ state: "done" });
  await recordDeadLetters(catalog, [letter("late")]);
  expect(await countDeadLetters(catalog, { state: "open" })).toBe(1);
  expect(await events()).not.toContain(`dead-letter:patina-exports:${JOB}`);
  await recordDeadLetters(catalog, [letter("next", { generation: 2 })]);
  expect(await events()).toContain(`dead-letter:patina-exports:${JOB}:2`);
});

test("a dead alert is given up, and is told of to every channel but its own", async () => {
  for (const id of ["down", "up"]) {
    await catalog.insert(alertConfig).values({ id, kind: "webhook", events: ["dead-letter"], createdAt: 0 });
  }
  const alert = { event: "job-failed:x", channel: "down" };
  await catalog.insert(alertOutbox).values({ ...alert, kind: "job-failed", createdAt: 0, error: "HTTP 503" });
  const dead = letter("1", { queue: "patina-alerts", jobId: null, database: null, generation: null, alert });
  await recordDeadLetters(catalog, [dead]);
  const outbox = await catalog.select().from(alertOutbox);
  expect(outbox.map(({ event, channel, state }) => `${event} ${channel} ${state}`).sort()).toEqual([
    "dead-letter:1 up pending",
    "job-failed:x down given_up",
  ]);
  expect(await findDeadLetter(catalog, "1")).toMatchObject({ error: "HTTP 503" });
  // Two channels that are both down do not report each other for ever.
  await recordDeadLetters(catalog, [{ ...dead, id: "2", alert: { event: "dead-letter:1", channel: "up" } }]);
  expect(await countDeadLetters(catalog, {})).toBe(2);
  expect(await events()).toEqual(["dead-letter:1"]);
});

test("a dead alert that arrives once more after its replay does not give the alert up again", async () => {
  await catalog.insert(alertConfig).values({ id: "ops", kind: "webhook", events: [], createdAt: 0 });
  const alert = { event: "job-failed:x", channel: "ops" };
  await catalog.insert(alertOutbox).values({ ...alert, kind: "job-failed", createdAt: 0 });
  await recordDeadLetters(catalog, [letter("1", { queue: "patina-alerts", alert })]);
  await catalog.update(alertOutbox).set({ state: "pending" });
  await recordDeadLetters(catalog, [letter("1", { queue: "patina-alerts", alert })]);
  expect(await catalog.select().from(alertOutbox)).toMatchObject([{ state: "pending" }]);
});

test("letters are listed newest first, by what is asked for, page by page", async () => {
  await recordDeadLetters(catalog, [
    letter("1"),
    letter("2", { queue: "patina-results" }),
    letter("3", { database: "blog" }),
  ]);
  const ids = async (asked: Parameters<typeof listDeadLetters>[1]) =>
    (await listDeadLetters(catalog, asked)).map(({ id }) => id);
  expect(await ids({ limit: 10 })).toEqual(["3", "2", "1"]);
  expect(await ids({ filter: { queue: "patina-exports", database: "shop" }, limit: 10 })).toEqual(["1"]);
  expect(await ids({ filter: { job: "none" }, limit: 10 })).toEqual([]);
  const [third] = await listDeadLetters(catalog, { limit: 1 });
  expect(await ids({ limit: 10, before: third?.number ?? 0 })).toEqual(["2", "1"]);
});

test("discarding needs a reason, is done once, and is in the audit log", async () => {
  await recordDeadLetters(catalog, [letter("1")]);
  const asked = { id: "1", actor: ACTOR, now: NIGHT };
  await expect(discardDeadLetter(catalog, { ...asked, reason: " " })).rejects.toMatchObject({
    code: "invalid_request",
  });
  expect(await discardDeadLetter(catalog, { ...asked, reason: "not needed" })).toMatchObject({
    state: "discarded",
    reason: "not needed",
    closedBy: "admin-token",
  });
  expect(await discardDeadLetter(catalog, { ...asked, reason: "again" })).toMatchObject({ reason: "not needed" });
  expect(await listAudit(catalog, { limit: 10 })).toMatchObject([
    { action: "dead-letter.discard", subject: "1", detail: { reason: "not needed" } },
  ]);
  await expect(discardDeadLetter(catalog, { ...asked, id: "none", reason: "x" })).rejects.toMatchObject({
    code: "not_found",
  });
});
