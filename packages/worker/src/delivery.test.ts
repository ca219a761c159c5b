import { PatinaError } from "@patina/core/error";
import { QUEUES } from "@patina/messages/queues";
import { batchOf, RecordedQueue, TestMessage } from "@patina/testkit/queue";
import { expect, test } from "vitest";
import { decodeBatch, settle } from "./delivery.ts";
import { createLog } from "./log.ts";

const BODY = { kind: "alert-due", version: 1, event: "job-failed:x", channel: "ops" } as const;
const DOWN = new PatinaError("webhook_unavailable", "Cannot send alert: HTTP 503");

async function settled(attempts: number) {
  const dead = new RecordedQueue();
  const message = new TestMessage(BODY, { id: "1", attempts });
  const exits = { queue: QUEUES.alerts, dead: dead as unknown as Queue, log: createLog("test") };
  const outcome = { end: "retry", delaySeconds: 30, error: DOWN } as const;
  await settle({ id: "1", body: BODY, attempts, message }, { outcome, exits });
  return { dead, message };
}

test("a failed message is tried again as long as it has attempts left", async () => {
  const { dead, message } = await settled(10);
  expect(message.settled).toEqual({ end: "retried", delaySeconds: 30 });
  expect(dead.sent).toEqual([]);
});

test("a message that has had its last attempt is buried with the error, which the queue would not know", async () => {
  const { dead, message } = await settled(11);
  expect(message.settled).toEqual({ end: "acked" });
  expect(dead.bodies).toMatchObject([
    {
      kind: "dead-letter",
      id: "1",
      queue: QUEUES.alerts,
      attempts: 11,
      error: { code: "webhook_unavailable", message: "Cannot send alert: HTTP 503" },
      body: BODY,
    },
  ]);
});

test("a body that JSON has no words for is buried without it, and its neighbours are handled", async () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const bodies = [undefined, 7n, circle, new Map([["a", 1]]), BODY];
  const messages = bodies.map((body, i) => new TestMessage(body, { id: `${i}`, attempts: 1 }));
  const dead = new RecordedQueue<{ body: unknown }>();
  const exits = { queue: QUEUES.alerts, dead: dead as unknown as Queue, log: createLog("test") } as const;
  const understood = await decodeBatch(batchOf(QUEUES.alerts, messages), exits);
  expect(understood.map(({ id }) => id)).toEqual(["4"]);
  expect(dead.bodies.map(({ body }) => body)).toEqual([null, null, null, {}]);
  expect(messages.map(({ settled }) => settled?.end)).toEqual(["acked", "acked", "acked", "acked", undefined]);
});
