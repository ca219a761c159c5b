import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDatabase, type Receiver, type System, startReceiver, startSystem, temporaryFolder } from "./harness.ts";

const folder = temporaryFolder();
let system: System;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  const files = [makeDatabase(folder.path, { name: "shop", rows: 5 })];
  system = await startSystem({ folder: folder.path, files });
});

afterAll(async () => {
  await system.patina.stop();
  await receiver.stop();
  folder.remove();
});

test("a channel added through the API is sealed by the aggregator, tested, and told of the next job", async () => {
  const body = JSON.stringify({ id: "ops", kind: "webhook", url: receiver.url, events: ["job-completed"] });
  const { signing_key } = await system.ask("/alerts", { method: "POST", body });
  expect(signing_key).toMatch(/^whsec_/);
  expect(await system.ask("/alerts/ops/test", { method: "POST" })).toEqual({ sent: true, reason: null });
  expect(receiver.received).toMatchObject([{ kind: "channel-test", environment: "local" }]);
  const [row] = await system.rows("select hex(url_ciphertext) as sealed from alert_config where id = 'ops'");
  expect(Buffer.from(String(row?.["sealed"]), "hex").toString("latin1")).not.toContain("127.0.0.1");
  const { job } = await system.patina.begin(Date.now());
  await system.ended(job);
  await expect.poll(() => receiver.received.length, { timeout: 60_000 }).toBe(2);
  expect(receiver.received[1]).toMatchObject({ event: `job-completed:${job}`, totals: { databases: 1, failed: 0 } });
});
