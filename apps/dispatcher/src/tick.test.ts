import type { Catalog } from "@patina/catalog/catalog";
import { takeLease } from "@patina/catalog/leases";
import { alertConfig, alertEvents, alertOutbox, backupJobs } from "@patina/catalog/schema";
import { emptyCatalog } from "@patina/catalog/testing";
import { HOUR, MINUTE, SECOND } from "@patina/core/date";
import { TICK_LEASE } from "@patina/core/lease";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { tick } from "./tick.ts";

const NOON = Date.parse("2026-11-20T12:00:00Z");

let catalog: Catalog;
let now: number;

/** One job to close, which is among the first duties, and one alert to send, which is the last. */
beforeEach(async () => {
  catalog = await emptyCatalog();
  now = NOON;
  const job = { id: "manual-20261120-100000-abcdef", kind: "manual", trigger: "api", date: "2026-11-20" } as const;
  await catalog.insert(backupJobs).values({ ...job, scheduledFor: NOON, startedAt: NOON - HOUR, databases: 0 });
  const alert = { event: "job-started:x", kind: "job-started" } as const;
  await catalog.insert(alertConfig).values({ id: "ops", kind: "webhook", events: [], createdAt: 0 });
  await catalog.insert(alertEvents).values({ ...alert, facts: { kind: "job-started", job: "x" }, at: NOON });
  await catalog.insert(alertOutbox).values({ ...alert, channel: "ops", createdAt: NOON });
});

/** Whether the next tick could begin now. */
async function isNextLetIn(): Promise<boolean> {
  return await takeLease(catalog, { name: "tick", holder: "next", now, length: TICK_LEASE });
}

function contextOf({ step, results, alerts }: { step: number; results: RecordedQueue; alerts: RecordedQueue }) {
  const queue = new RecordedQueue() as unknown as Queue;
  return {
    catalog,
    exports: queue,
    results: results as unknown as Queue,
    alerts: alerts as unknown as Queue,
    upkeep: queue,
    clock: () => {
      now += step;
      return now;
    },
    holder: "this",
    log: createLog("test"),
  };
}

test("a tick that takes longer than its lease keeps the next one out until it has ended", async () => {
  const results = new RecordedQueue();
  const alerts = new RecordedQueue();
  const letIn: boolean[] = [];
  const send = alerts.sendBatch.bind(alerts);
  alerts.sendBatch = async (messages) => {
    letIn.push(await isNextLetIn());
    return await send(messages);
  };
  await tick(contextOf({ step: 20 * SECOND, results, alerts }));
  expect(now - NOON).toBeGreaterThan(TICK_LEASE + MINUTE);
  expect(letIn).toEqual([false]);
  expect(await isNextLetIn()).toBe(true);
});

test("a tick that lost its lease to the next leaves the rest to that", async () => {
  const results = new RecordedQueue();
  const alerts = new RecordedQueue();
  const send = results.send.bind(results);
  results.send = async (message) => {
    now += TICK_LEASE + MINUTE;
    expect(await isNextLetIn()).toBe(true);
    return await send(message);
  };
  await tick(contextOf({ step: 0, results, alerts }));
  expect(results.sent).toHaveLength(1);
  expect(alerts.sent).toEqual([]);
});
