import { env } from "cloudflare:test";
import { recentEvents } from "@patina/catalog/alert-events";
import type { Catalog } from "@patina/catalog/catalog";
import { openCatalog } from "@patina/catalog/catalog";
import { ensureChannel } from "@patina/catalog/channels";
import { setEnabled } from "@patina/catalog/database-changes";
import { findJob, runningJobs } from "@patina/catalog/jobs";
import { alertOutbox, backupJobs, backupTasks, taskEvents } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { changeThresholds } from "@patina/catalog/thresholds";
import { DAY, HOUR, MINUTE } from "@patina/core/date";
import { CRONS } from "@patina/core/schedule";
import { type FaultPlan, Faults, faultyBinding, faultyDatabase } from "@patina/testkit/faults";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { chunks } from "./fan-out.ts";
import { scheduled } from "./scheduled.ts";

const NIGHT = Date.parse("2026-11-20T03:00:00Z");
const JOB = "nightly-2026-11-20";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

/** A dispatcher at a given time; its bindings fail as planned. */
async function dispatcher(now: number, plan: FaultPlan | null = null) {
  const faults = new Faults(plan);
  const exports = new RecordedQueue();
  const results = new RecordedQueue();
  const alerts = new RecordedQueue();
  const context = {
    catalog: await openCatalog(faultyDatabase(env.CATALOG, faults)),
    exports: faultyBinding(exports, faults) as unknown as Queue,
    results: faultyBinding(results, faults) as unknown as Queue,
    alerts: faultyBinding(alerts, faults) as unknown as Queue,
    upkeep: faultyBinding(new RecordedQueue(), faults) as unknown as Queue,
    clock: () => now,
    holder: crypto.randomUUID(),
    log: createLog("test"),
  };
  return {
    faults,
    exports,
    results,
    alerts,
    nightly: (scheduledTime = NIGHT) => scheduled({ cron: CRONS.nightly, scheduledTime }, context),
    tick: () => scheduled({ cron: CRONS.tick, scheduledTime: now }, context),
  };
}

function names(queue: RecordedQueue): string[] {
  return queue.bodies.map((body) => (body as { database: string }).database);
}

async function isolatedTasks() {
  return await catalog.select().from(backupTasks);
}

test("the nightly cron opens one job with a task and a message for every database, most urgent first", async () => {
  await register(catalog, ["payments", "zebra", "alpha", "beta"]);
  const { nightly, exports } = await dispatcher(NIGHT);
  await nightly();
  expect(await findJob(catalog, JOB)).toMatchObject({
    status: "running",
    databases: 4,
    date: "2026-11-20",
    trigger: "cron",
  });
  expect(names(exports)).toEqual(["payments", "zebra", "alpha", "beta"]);
  expect(exports.bodies[0]).toEqual({
    kind: "export-requested",
    version: 1,
    job: JOB,
    database: "payments",
    generation: 1,
    snoozes: 0,
  });
});

test("a cron that fires twice opens one job and sends each message once", async () => {
  await register(catalog, ["a", "b"]);
  const first = await dispatcher(NIGHT);
  await first.nightly();
  await register(catalog, ["a", "b", "registered-since"]);
  const second = await dispatcher(NIGHT + 1_000);
  await second.nightly();
  expect(await catalog.select().from(backupJobs)).toHaveLength(1);
  expect([...names(first.exports), ...names(second.exports)]).toEqual(["a", "b"]);
});

test("two crons at the same moment open one job", async () => {
  await register(catalog, ["a", "b"]);
  const [one, two] = [await dispatcher(NIGHT), await dispatcher(NIGHT)];
  await Promise.all([one.nightly(), two.nightly()]);
  expect(await catalog.select().from(backupJobs)).toHaveLength(1);
  expect(await isolatedTasks()).toHaveLength(2);
});

test("the job is named after the scheduled time, whatever the clock says", async () => {
  await register(catalog, ["a"]);
  const late = await dispatcher(Date.parse("2027-01-01T00:00:05Z"));
  await late.nightly(Date.parse("2026-12-31T23:59:59.500Z"));
  expect((await runningJobs(catalog)).map(({ id, date }) => `${id} ${date}`)).toEqual([
    "nightly-2026-12-31 2026-12-31",
  ]);
});

test("without a database there is no job", async () => {
  const { nightly, exports } = await dispatcher(NIGHT);
  await nightly();
  expect(await catalog.select().from(backupJobs)).toEqual([]);
  expect(exports.sent).toEqual([]);
});

test("messages go out in chunks of at most 100", async () => {
  await register(
    catalog,
    Array.from({ length: 250 }, (_, i) => `db-${String(i).padStart(3, "0")}`),
  );
  const { nightly, exports } = await dispatcher(NIGHT);
  await nightly();
  expect(exports.batches).toEqual([100, 100, 50]);
});

test("chunks() stays below 256 KB as well", () => {
  const big = {
    kind: "export-requested",
    version: 1,
    job: JOB,
    database: "x".repeat(60_000),
    generation: 1,
    snoozes: 0,
  } as const;
  expect(chunks([big, big, big, big, big]).map((chunk) => chunk.length)).toEqual([4, 1]);
  expect(chunks([])).toEqual([]);
});

test.each(["before", "after"] as const)(
  "a fault %s any one call of the fan-out is healed by the tick",
  async (when) => {
    let runs = 0;
    for (let at = 1; ; at += 1) {
      catalog = await emptyCatalog();
      await register(catalog, ["a", "b"]);
      // The first call checks the catalog's schema while the dispatcher is made.
      const faulted = await dispatcher(NIGHT, { at: at + 1, when, lasting: "once" });
      await faulted.nightly().catch(() => undefined);
      const later = await dispatcher(NIGHT + 10 * MINUTE);
      await later.tick();
      const sent = new Set([...names(faulted.exports), ...names(later.exports)]);
      expect([...sent].sort(), `call ${at}`).toEqual(["a", "b"]);
      expect(await findJob(catalog, JOB)).toMatchObject({ databases: 2, status: "running" });
      runs = at;
      if (!faulted.faults.struck) break;
    }
    expect(runs).toBeGreaterThanOrEqual(4);
  },
);

test("a run that never came is opened by the tick, under the name it should have had", async () => {
  await register(catalog, ["a"]);
  const { tick, exports } = await dispatcher(NIGHT + 6 * MINUTE);
  await tick();
  expect(await findJob(catalog, JOB)).toMatchObject({ trigger: "tick", scheduledFor: NIGHT });
  expect(names(exports)).toEqual(["a"]);
});

test("every run that was missed is told of by name, once, and only the last is made up for", async () => {
  await register(catalog, ["a"]);
  await (await dispatcher(NIGHT - 3 * DAY)).nightly(NIGHT - 3 * DAY);
  await env.CATALOG.prepare("update databases set created_at = ?")
    .bind(NIGHT - 3 * DAY)
    .run();
  await (await dispatcher(NIGHT + 6 * MINUTE)).tick();
  await (await dispatcher(NIGHT + 11 * MINUTE)).tick();
  const missed = (await recentEvents(catalog, 100)).filter(({ kind }) => kind === "run-missed");
  expect(missed.map(({ event }) => event)).toEqual([
    "run-missed:nightly-2026-11-18",
    "run-missed:nightly-2026-11-19",
    "run-missed:nightly-2026-11-20",
  ]);
  expect(await findJob(catalog, JOB)).toMatchObject({ trigger: "tick" });
  expect(await findJob(catalog, "nightly-2026-11-19")).toBeUndefined();
});

test("a run that came in time is not told of as missed", async () => {
  await register(catalog, ["a"]);
  await env.CATALOG.prepare("update databases set created_at = ?")
    .bind(NIGHT - HOUR)
    .run();
  await (await dispatcher(NIGHT)).nightly();
  await (await dispatcher(NIGHT + HOUR)).tick();
  expect((await recentEvents(catalog, 10)).map(({ kind }) => kind)).not.toContain("run-missed");
});

test("a run is not missed before its time, nor for databases registered after it", async () => {
  await register(catalog, ["a"]);
  await (await dispatcher(NIGHT + 1 * MINUTE)).tick();
  expect(await findJob(catalog, JOB)).toBeUndefined();
  catalog = await emptyCatalog();
  await register(catalog, ["a"]);
  await env.CATALOG.prepare("update databases set created_at = ?")
    .bind(NIGHT + 1)
    .run();
  await (await dispatcher(NIGHT + HOUR)).tick();
  expect(await findJob(catalog, JOB)).toBeUndefined();
});

test("the nights for which every database was paused were not missed", async () => {
  await register(catalog, ["a"]);
  await env.CATALOG.prepare("update databases set created_at = 0").run();
  const actor = { name: "admin-token", request: null };
  for (const [isEnabled, at] of [
    [false, NIGHT - 3 * DAY - HOUR],
    [true, NIGHT + MINUTE],
  ] as const) {
    const action = isEnabled ? "database.resume" : "database.pause";
    await setEnabled(catalog, { name: "a", isEnabled, audit: { at, actor, action, subject: "a" } });
  }
  await (await dispatcher(NIGHT + HOUR)).tick();
  expect((await recentEvents(catalog, 100)).map(({ kind }) => kind)).not.toContain("run-missed");
  expect(await findJob(catalog, JOB)).toBeUndefined();
});

test("a backlog of 500 waiting messages is not sent again, a lost message is", async () => {
  await register(
    catalog,
    Array.from({ length: 500 }, (_, i) => `db-${i}`),
  );
  await (await dispatcher(NIGHT)).nightly();
  const waiting = await dispatcher(NIGHT + HOUR);
  waiting.exports.backlog = 500;
  await waiting.tick();
  expect(waiting.exports.sent).toEqual([]);
  await env.CATALOG.prepare("update backup_tasks set state = 'done' where database <> 'db-7'").run();
  const lost = await dispatcher(NIGHT + 2 * HOUR);
  await lost.tick();
  expect(names(lost.exports)).toEqual(["db-7"]);
  const events = await catalog.select().from(taskEvents);
  expect(events.filter(({ event }) => event === "resent").map(({ database }) => database)).toEqual(["db-7"]);
});

test("a task that somebody works on, or whose retry is not due, is left alone", async () => {
  await register(catalog, ["a", "b"]);
  await (await dispatcher(NIGHT)).nightly();
  const later = NIGHT + 10 * MINUTE;
  await env.CATALOG.batch([
    env.CATALOG.prepare(
      "update backup_tasks set state = 'running', lease_holder = 'x', lease_expires_at = ? where database = 'a'",
    ).bind(later + 1),
    env.CATALOG.prepare("update backup_tasks set next_attempt_at = ? where database = 'b'").bind(later + 1),
  ]);
  const { tick, exports } = await dispatcher(later);
  await tick();
  expect(exports.sent).toEqual([]);
});

test("a task is sent again three times, and then given up", async () => {
  await register(catalog, ["a"]);
  await (await dispatcher(NIGHT)).nightly();
  for (let i = 1; i <= 3; i += 1) {
    const again = await dispatcher(NIGHT + i * HOUR);
    await again.tick();
    expect(names(again.exports), `tick ${i}`).toEqual(["a"]);
  }
  const last = await dispatcher(NIGHT + 4 * HOUR);
  await last.tick();
  expect(last.exports.sent).toEqual([]);
  expect(last.results.bodies).toEqual([
    { kind: "export-abandoned", version: 1, job: JOB, database: "a", generation: 1 },
  ]);
});

test("a job whose tasks have all ended is handed to the aggregator for closing", async () => {
  await register(catalog, ["a"]);
  await (await dispatcher(NIGHT)).nightly();
  await catalog.update(backupTasks).set({ state: "done" });
  const { tick, results } = await dispatcher(NIGHT + 10 * MINUTE);
  await tick();
  expect(results.bodies).toEqual([{ kind: "job-check", version: 1, job: JOB }]);
});

test("a job that runs for over 45 minutes is reported while it runs, once, and its alert sent on", async () => {
  await register(catalog, ["a"]);
  await ensureChannel(catalog, {
    id: "discord",
    kind: "discord",
    events: ["job-slow"],
    secret: "DISCORD_WEBHOOK_URL",
    now: 0,
  });
  await (await dispatcher(NIGHT)).nightly();
  await (await dispatcher(NIGHT + 44 * MINUTE)).tick();
  expect(await catalog.select().from(alertOutbox)).toEqual([]);
  await (await dispatcher(NIGHT + 46 * MINUTE)).tick();
  await (await dispatcher(NIGHT + 47 * MINUTE)).tick();
  expect(await catalog.select().from(alertOutbox)).toMatchObject([{ event: `job-slow:${JOB}`, state: "pending" }]);
  const { tick, alerts } = await dispatcher(NIGHT + 52 * MINUTE);
  await tick();
  expect(alerts.bodies).toEqual([{ kind: "alert-due", version: 1, event: `job-slow:${JOB}`, channel: "discord" }]);
});

test("what counts as slow is a setting", async () => {
  await register(catalog, ["a"]);
  const actor = { name: "admin-token", request: null };
  await changeThresholds(catalog, { change: { slowMinutes: 10 }, actor, now: NIGHT });
  await (await dispatcher(NIGHT)).nightly();
  await (await dispatcher(NIGHT + 11 * MINUTE)).tick();
  expect((await recentEvents(catalog, 10)).map(({ event }) => event)).toContain(`job-slow:${JOB}`);
});

test("the summary of a day is raised once, not before its hour, and not while there is no database", async () => {
  const summaries = async () =>
    (await recentEvents(catalog, 100)).filter(({ kind }) => kind === "daily-summary").map(({ event }) => event);
  await (await dispatcher(NIGHT + 6 * HOUR)).tick();
  await register(catalog, ["a"]);
  await (await dispatcher(NIGHT + 4 * HOUR)).tick();
  expect(await summaries()).toEqual([]);
  await (await dispatcher(NIGHT + 5 * HOUR)).tick();
  await (await dispatcher(NIGHT + 6 * HOUR)).tick();
  expect(await summaries()).toEqual(["daily-summary:2026-11-20"]);
});

test("the start of a job is handed to the queue at once: a ping that came late would be of no use", async () => {
  await register(catalog, ["a"]);
  const events = ["job-started"] as const;
  await ensureChannel(catalog, { id: "watch", kind: "ping", events, secret: "PING_URL", now: 0 });
  const { nightly, alerts } = await dispatcher(NIGHT);
  await nightly();
  await nightly();
  expect(alerts.bodies).toEqual([{ kind: "alert-due", version: 1, event: `job-started:${JOB}`, channel: "watch" }]);
});

test("two ticks at once do the work once, and a tick that stopped does not lock out the next for good", async () => {
  await register(catalog, ["a"]);
  await (await dispatcher(NIGHT)).nightly();
  const [one, two] = [await dispatcher(NIGHT + HOUR), await dispatcher(NIGHT + HOUR)];
  await Promise.all([one.tick(), two.tick()]);
  expect([...names(one.exports), ...names(two.exports)]).toEqual(["a"]);
  await env.CATALOG.prepare("insert into leases values ('tick', 'gone', ?)")
    .bind(NIGHT + 2 * HOUR + 4 * MINUTE)
    .run();
  const shut = await dispatcher(NIGHT + 2 * HOUR);
  await shut.tick();
  expect(shut.exports.sent).toEqual([]);
  const open = await dispatcher(NIGHT + 2 * HOUR + 5 * MINUTE);
  await open.tick();
  expect(names(open.exports)).toEqual(["a"]);
});

test("a cron that is not Patina's changes nothing", async () => {
  await register(catalog, ["a"]);
  const { exports } = await dispatcher(NIGHT + DAY);
  const log = createLog("test");
  await scheduled(
    { cron: "0 5 * * *", scheduledTime: NIGHT },
    {
      catalog,
      exports: exports as unknown as Queue,
      results: exports as unknown as Queue,
      alerts: exports as unknown as Queue,
      upkeep: exports as unknown as Queue,
      clock: () => NIGHT,
      holder: "x",
      log,
    },
  );
  expect(await catalog.select().from(backupJobs)).toEqual([]);
});
