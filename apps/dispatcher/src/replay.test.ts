import { env } from "cloudflare:test";
import { listAudit } from "@patina/catalog/audit";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { countDeadLetters, type NewDeadLetter, recordDeadLetters } from "@patina/catalog/dead-letters";
import { openScheduledJob } from "@patina/catalog/jobs";
import { alertConfig, alertOutbox, backupJobs, backupTasks } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { HOUR, MINUTE } from "@patina/core/date";
import { CRONS } from "@patina/core/schedule";
import { countedDatabase } from "@patina/testkit/counted";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { MAX_REPLAYS, replay, replayMatching } from "./replay.ts";
import { scheduled } from "./scheduled.ts";

const NIGHT = Date.parse("2026-11-20T03:00:00Z");
const MORNING = NIGHT + 6 * HOUR;
const JOB = "nightly-2026-11-20";
const ALERT = { event: `job-failed:${JOB}`, channel: "ops" };

let catalog: Catalog;

beforeEach(async () => {
  await prepare();
});

/** A failed night with three open letters: an export, a result and an alert. */
async function prepare(): Promise<void> {
  catalog = await emptyCatalog();
  await register(catalog, ["auth", "shop"]);
  const common = { kind: "nightly", trigger: "cron", date: "2026-11-20", scheduledFor: NIGHT, now: NIGHT } as const;
  await openScheduledJob(catalog, { id: JOB, ...common });
  await catalog.update(backupTasks).set({ state: "failed" });
  await catalog.update(backupJobs).set({ status: "failed", finishedAt: NIGHT + MINUTE });
  await catalog.insert(alertConfig).values({ id: "ops", kind: "webhook", events: [], createdAt: 0 });
  await catalog.insert(alertOutbox).values({ ...ALERT, kind: "job-failed", state: "given_up", createdAt: NIGHT });
  await recordDeadLetters(catalog, [
    letter("export", "patina-exports", {
      kind: "export-requested",
      version: 1,
      job: JOB,
      database: "auth",
      generation: 1,
    }),
    letter("result", "patina-results", {
      kind: "export-finished",
      version: 1,
      job: JOB,
      database: "shop",
      generation: 1,
      manifest: "daily/2026-11-20/shop.manifest.json",
    }),
    { ...letter("alert", "patina-alerts", { kind: "alert-due", version: 1, ...ALERT }), alert: ALERT },
  ]);
}

function letter(id: string, queue: string, body: Record<string, unknown>): NewDeadLetter {
  return {
    id,
    queue,
    body: JSON.stringify(body),
    jobId: body["job"] === undefined ? null : String(body["job"]),
    database: body["database"] === undefined ? null : String(body["database"]),
    generation: body["generation"] === undefined ? null : Number(body["generation"]),
    attempts: 3,
    errorCode: "source_failed",
    error: "Cannot read",
    sentAt: NIGHT,
    arrivedAt: NIGHT,
    alert: null,
  };
}

async function dispatcher(now: number, plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const queues = {
    exports: new RecordedQueue(),
    results: new RecordedQueue(),
    alerts: new RecordedQueue(),
    upkeep: new RecordedQueue(),
  };
  const context = {
    catalog: await openCatalog(faultyDatabase(env.CATALOG, faults)),
    exports: faultyBinding(queues.exports, faults) as unknown as Queue,
    results: faultyBinding(queues.results, faults) as unknown as Queue,
    alerts: faultyBinding(queues.alerts, faults) as unknown as Queue,
    upkeep: faultyBinding(queues.upkeep, faults) as unknown as Queue,
    clock: () => now,
    holder: crypto.randomUUID(),
    log: createLog("test"),
    actor: { name: "admin-token", request: null },
  };
  return { faults, context, ...queues };
}

const SENT = {
  exports: { kind: "export-requested", version: 1, job: JOB, database: "auth", generation: 2, snoozes: 0 },
  results: { kind: "export-finished", job: JOB, database: "shop", generation: 2 },
  alerts: { kind: "alert-due", version: 1, ...ALERT },
};

test("a replay sends what each letter takes, to the queue it came from", async () => {
  const { context, exports, results, alerts } = await dispatcher(MORNING);
  const answers = await replay(["export", "result", "alert", "none"], context);
  expect(answers.map(({ end }) => end)).toEqual(["replayed", "replayed", "replayed", "unknown"]);
  expect(exports.bodies).toEqual([SENT.exports]);
  expect(results.bodies).toMatchObject([SENT.results]);
  expect(alerts.bodies).toEqual([SENT.alerts]);
  const again = await dispatcher(MORNING + MINUTE);
  await replay(["export", "result", "alert"], again.context);
  expect([...again.exports.sent, ...again.results.sent, ...again.alerts.sent]).toEqual([]);
});

test("all letters that match are replayed, the others are not", async () => {
  const { context } = await dispatcher(MORNING);
  expect(await replayMatching({ queue: "patina-exports" }, context)).toMatchObject({
    letters: [{ id: "export", end: "replayed" }],
    isMore: false,
  });
  expect(await countDeadLetters(catalog, { state: "open" })).toBe(2);
});

/** As many letters, each of a task of its own that has failed, unless `isGone`: then nobody knows its database any more. */
async function addLetters(number: number, { isGone }: { isGone: boolean }): Promise<void> {
  const names = Array.from({ length: number }, (_, i) => `${isGone ? "gone" : "db"}-${i}`);
  if (!isGone) {
    await register(catalog, names);
    for (const database of names) {
      await catalog.insert(backupTasks).values({ jobId: JOB, database, priority: 2, state: "failed" });
    }
  }
  const body = { kind: "export-requested", version: 1, job: JOB, generation: 1 };
  for (let i = 0; i < number; i += 50) {
    await recordDeadLetters(
      catalog,
      names.slice(i, i + 50).map((database) => letter(database, "patina-exports", { ...body, database })),
    );
  }
}

test("as many as go at once take fewer queries than D1 allows an invocation, and the rest is asked for again", async () => {
  await addLetters(MAX_REPLAYS + 20, { isGone: false });
  const cost = { queries: 0, rowsRead: 0 };
  const { context, exports } = await dispatcher(MORNING);
  const counted = { ...context, catalog: await openCatalog(countedDatabase(env.CATALOG, cost)) };
  expect(await replayMatching({ queue: "patina-exports" }, counted)).toMatchObject({ isMore: true });
  expect(exports.sent).toHaveLength(MAX_REPLAYS);
  expect(cost.queries).toBeLessThan(900);
  expect(await replayMatching({ queue: "patina-exports" }, counted)).toMatchObject({ isMore: false });
  expect(exports.sent).toHaveLength(MAX_REPLAYS + 21);
});

test("letters that are refused do not hide the ones behind them", async () => {
  await addLetters(MAX_REPLAYS + 20, { isGone: true });
  const { context, exports } = await dispatcher(MORNING);
  const { letters, isMore } = await replayMatching({ queue: "patina-exports" }, context);
  expect(letters.filter(({ end }) => end === "refused")).toHaveLength(MAX_REPLAYS + 20);
  expect(exports.bodies).toEqual([SENT.exports]);
  expect(isMore).toBe(false);
});

test("more letters than go at once are refused before anything is changed", async () => {
  const { context } = await dispatcher(MORNING);
  const ids = Array.from({ length: MAX_REPLAYS + 1 }, (_, i) => `${i}`);
  await expect(replay(ids, context)).rejects.toMatchObject({ code: "invalid_request" });
});

test.each(["before", "after"] as const)(
  "a fault %s any one call loses no replay, and starts nothing twice: the tick sends what was not sent",
  async (when) => {
    let runs = 0;
    for (let at = 1; ; at += 1) {
      await prepare();
      // The first call checks the catalog's schema while the dispatcher is made.
      const faulted = await dispatcher(MORNING, { at: at + 1, when, lasting: "once" });
      await replay(["export", "result", "alert"], faulted.context).catch(() => undefined);
      const isReplayed = (await countDeadLetters(catalog, { state: "replayed" })) > 0;
      const later = await dispatcher(MORNING + 10 * MINUTE);
      await scheduled({ cron: CRONS.tick, scheduledTime: MORNING }, later.context);
      for (const queue of ["exports", "results", "alerts"] as const) {
        const bodies = [...faulted[queue].bodies, ...later[queue].bodies].map((body) => JSON.stringify(body));
        // One kind of message each, at least once; a second copy finds the task claimed, settled or the alert sent.
        expect(new Set(bodies).size, `${queue}, call ${at}`).toBe(isReplayed ? 1 : 0);
        for (const body of bodies) expect(JSON.parse(body)).toMatchObject(SENT[queue]);
      }
      const generations = await catalog.select({ generation: backupTasks.generation }).from(backupTasks);
      expect(generations, `call ${at}`).toEqual(Array.from({ length: 2 }, () => ({ generation: isReplayed ? 2 : 1 })));
      expect(await listAudit(catalog, { limit: 10 }), `call ${at}`).toHaveLength(isReplayed ? 3 : 0);
      runs = at;
      if (!faulted.faults.struck) break;
    }
    expect(runs).toBeGreaterThan(8);
  },
);
