import { env } from "cloudflare:test";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { ensureChannel } from "@patina/catalog/channels";
import { closeJobs } from "@patina/catalog/closing";
import { openScheduledJob } from "@patina/catalog/jobs";
import { settleTasks } from "@patina/catalog/results";
import { alertConfig, alertOutbox } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { MINUTE } from "@patina/core/date";
import { Faults, faultyDatabase } from "@patina/testkit/faults";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { type AlertContext, deliverAlert } from "./alerts.ts";

const JOB = "nightly-2026-11-20";
const NOW = Date.parse("2026-11-20T03:01:00Z");
const REF = { event: `job-failed:${JOB}`, channel: "discord" };
const URL_SECRET = "https://discord.com/api/webhooks/1/s3cr3t";

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
  await register(catalog, ["shop"]);
  await ensureChannel(catalog, {
    id: "discord",
    kind: "discord",
    events: ["job-failed"],
    secret: "DISCORD_WEBHOOK_URL",
    now: 0,
  });
  await openScheduledJob(catalog, {
    id: JOB,
    kind: "nightly",
    trigger: "cron",
    date: "2026-11-20",
    scheduledFor: NOW,
    now: NOW,
  });
  const task = { job: JOB, database: "shop", generation: 1 };
  await settleTasks(catalog, {
    results: [{ status: "failed", task, errorCode: "source_missing", error: "No binding" }],
    now: NOW,
  });
  await closeJobs(catalog, { jobIds: [JOB], holder: "test", now: NOW });
});

/** A webhook that gives these answers, one after the other; requests are kept. */
function webhook(...answers: (Response | Error)[]) {
  const requests: { url: string; body: unknown; redirect: string }[] = [];
  const context: AlertContext = {
    catalog,
    secrets: { DISCORD_WEBHOOK_URL: URL_SECRET },
    home: null,
    environment: "production",
    clock: () => NOW,
    log: createLog("test"),
    async fetch(input, init) {
      requests.push({ url: String(input), body: JSON.parse(String(init?.body)), redirect: String(init?.redirect) });
      const answer = answers.shift();
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error("no answer left");
      return answer;
    },
  };
  return { requests, context };
}

async function outboxRow() {
  const [row] = await catalog.select().from(alertOutbox);
  return row;
}

test("an alert is sent once, however often its message is delivered", async () => {
  const { requests, context } = webhook(new Response(null, { status: 204 }));
  expect(await deliverAlert(REF, { ...context, attempts: 1 })).toEqual({ end: "done" });
  expect(await deliverAlert(REF, { ...context, attempts: 1 })).toEqual({ end: "done" });
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({ url: URL_SECRET, redirect: "manual" });
  expect(JSON.stringify(requests[0]?.body)).toContain("No binding");
  expect(await outboxRow()).toMatchObject({ state: "sent", attempts: 1, sentAt: NOW });
});

test("two deliveries at the same moment send it once", async () => {
  const { requests, context } = webhook(new Response(null, { status: 204 }), new Response(null, { status: 204 }));
  await Promise.all([deliverAlert(REF, { ...context, attempts: 1 }), deliverAlert(REF, { ...context, attempts: 1 })]);
  expect(requests).toHaveLength(1);
});

test("a webhook that is down is tried again, later each time, until it takes the alert", async () => {
  const down = () => new Response("oops", { status: 503 });
  const { requests, context } = webhook(
    down(),
    new TypeError("connection refused"),
    new Response(null, { status: 200 }),
  );
  expect(await deliverAlert(REF, { ...context, attempts: 1 })).toMatchObject({ end: "retry", delaySeconds: 15 });
  expect(await deliverAlert(REF, { ...context, attempts: 2 })).toMatchObject({ end: "retry", delaySeconds: 30 });
  expect(await outboxRow()).toMatchObject({ state: "pending" });
  expect(await deliverAlert(REF, { ...context, attempts: 3 })).toEqual({ end: "done" });
  expect(requests).toHaveLength(3);
  expect(await outboxRow()).toMatchObject({ state: "sent", attempts: 3, error: null });
});

test("a webhook that limits its rate is left alone for as long as it says", async () => {
  const limited = new Response('{"retry_after": 41.2}', { status: 429 });
  const { context } = webhook(limited);
  expect(await deliverAlert(REF, { ...context, attempts: 1 })).toMatchObject({ end: "retry", delaySeconds: 42 });
});

test("what a webhook has answered stands, whatever becomes of its body", async () => {
  const broken = () =>
    new ReadableStream({
      pull() {
        throw new DOMException("The operation timed out", "TimeoutError");
      },
      cancel() {
        throw new TypeError("Network connection lost");
      },
    });
  const { requests, context } = webhook(
    new Response(broken(), { status: 429, headers: { "retry-after": "77" } }),
    new Response(broken(), { status: 200 }),
  );
  expect(await deliverAlert(REF, { ...context, attempts: 1 })).toMatchObject({ end: "retry", delaySeconds: 77 });
  expect(await deliverAlert(REF, { ...context, attempts: 2 })).toEqual({ end: "done" });
  expect(requests).toHaveLength(2);
  expect(await outboxRow()).toMatchObject({ state: "sent" });
});

test("a body that never ends keeps no accepted alert waiting", async () => {
  const { context } = webhook(new Response(new ReadableStream({ pull: () => new Promise(() => undefined) })));
  expect(await deliverAlert(REF, { ...context, attempts: 1 })).toEqual({ end: "done" });
});

test("a webhook that refuses ends the alert, and says why without its URL", async () => {
  for (const status of [404, 302]) {
    await catalog.update(alertOutbox).set({ state: "pending", error: null });
    const { context } = webhook(new Response("gone", { status, headers: { location: "http://10.0.0.1/" } }));
    const outcome = await deliverAlert(REF, { ...context, attempts: 1 });
    expect(outcome).toMatchObject({ end: "dead", error: { code: "webhook_refused" } });
    expect(await outboxRow()).toMatchObject({ state: "given_up" });
    expect(JSON.stringify([outcome, await outboxRow()])).not.toContain("s3cr3t");
  }
});

test("a failed request never tells the webhook's URL", async () => {
  const { context } = webhook(new TypeError(`fetch failed: ${URL_SECRET}`));
  const outcome = await deliverAlert(REF, { ...context, attempts: 1 });
  expect(JSON.stringify([outcome, await outboxRow()])).not.toContain("s3cr3t");
});

test("an alert goes to no address but https", async () => {
  for (const url of ["http://discord.example/", "file:///etc/passwd", "not a url", "http://127.0.0.1/"]) {
    await catalog.update(alertOutbox).set({ state: "pending" });
    const { requests, context } = webhook();
    const outcome = await deliverAlert(REF, { ...context, secrets: { DISCORD_WEBHOOK_URL: url }, attempts: 1 });
    expect(outcome, url).toMatchObject({ end: "dead" });
    expect(requests).toEqual([]);
  }
});

test("a channel whose secret is gone gives the alert up by name", async () => {
  const { context } = webhook();
  const outcome = await deliverAlert(REF, { ...context, secrets: {}, attempts: 1 });
  expect(outcome).toMatchObject({
    end: "dead",
    error: { message: expect.stringContaining("DISCORD_WEBHOOK_URL is not set") },
  });
});

test("a channel that was switched off meanwhile gets nothing more, and no dead letter tells of it", async () => {
  await catalog.update(alertConfig).set({ enabled: false });
  const { requests, context } = webhook();
  expect(await deliverAlert(REF, { ...context, attempts: 1 })).toEqual({ end: "done" });
  expect(requests).toEqual([]);
  expect(await outboxRow()).toMatchObject({ state: "given_up", error: expect.stringContaining("switched off") });
});

test.each(["before", "after"] as const)(
  "a fault %s any one call to the catalog loses no alert, and repeats one only when it struck after sending",
  async (when) => {
    let calls = 0;
    for (let at = 1; ; at += 1) {
      await catalog.update(alertOutbox).set({ state: "pending", leaseExpiresAt: null, attempts: 0 });
      const accepts = Array.from({ length: 3 }, () => new Response(null, { status: 204 }));
      const { requests, context } = webhook(...accepts);
      // The first call checks the catalog's schema.
      const faults = new Faults({ at: at + 1, when, lasting: "once" });
      const faulty = await openCatalog(faultyDatabase(env.CATALOG, faults));
      // Deliveries ten minutes apart: those of the queue, and then of the tick, which finds what the queue lost.
      let stoppedAfterSending = false;
      for (let attempts = 1; attempts <= 3; attempts += 1) {
        const late = { ...context, catalog: faulty, clock: () => NOW + attempts * 10 * MINUTE };
        const before = requests.length;
        await deliverAlert(REF, { ...late, attempts }).catch(() => {
          stoppedAfterSending = requests.length > before;
        });
      }
      expect(await outboxRow(), `call ${at}`).toMatchObject({ state: "sent" });
      const isRepeated = when === "before" && stoppedAfterSending;
      expect(requests, `call ${at}`).toHaveLength(isRepeated ? 2 : 1);
      for (const { body } of requests) expect(JSON.stringify(body)).toContain(REF.event);
      calls = at;
      if (!faults.struck) break;
    }
    expect(calls).toBeGreaterThanOrEqual(6);
  },
);
