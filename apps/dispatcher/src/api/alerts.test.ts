import { idempotencyKeys } from "@patina/catalog/schema";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestApi } from "./testing.ts";

const URL_SECRET = "https://hooks.example.com/T0/s3cr3t";
const WANTED = JSON.stringify({ id: "ops", kind: "webhook", url: URL_SECRET });

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start();
});

test("a channel is added, changed, tested and removed, and its address is never shown", async () => {
  const added = await api.ask("/alerts", { method: "POST", body: WANTED });
  expect(added.status).toBe(201);
  expect(await added.json()).toMatchObject({
    channel: { id: "ops", enabled: true, host: "hooks.example.com" },
    signing_key: "whsec_test",
  });
  const changed = await api.json("/alerts/ops", {
    method: "PATCH",
    body: '{"enabled":false,"events":["drill-failed"]}',
  });
  expect(changed).toMatchObject({ channel: { enabled: false, events: ["drill-failed"] }, signing_key: null });
  expect(await api.json("/alerts/ops/test", { method: "POST" })).toEqual({ sent: true, reason: null });
  const shown = JSON.stringify([await api.json("/alerts"), await api.json("/alerts/ops/deliveries")]);
  expect(shown).not.toMatch(/s3cr3t|whsec/);
  expect(await api.json("/alerts/ops", { method: "DELETE" })).toEqual({ removed: "ops" });
  expect(await api.json("/alerts")).toEqual({ channels: [] });
});

test("a signing key is neither kept nor shown again, also not to who repeats the request with its key", async () => {
  const asked = { method: "POST", body: WANTED, headers: { "idempotency-key": "k" } };
  expect(await api.json("/alerts", asked)).toMatchObject({ signing_key: "whsec_test" });
  const kept = JSON.stringify(await api.catalog.select().from(idempotencyKeys));
  expect(kept).toContain("hooks.example.com");
  expect(kept).not.toContain("whsec");
  const again = await api.ask("/alerts", asked);
  expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([201, "true"]);
  expect(await again.json()).toMatchObject({ channel: { id: "ops" }, signing_key: null });
});

test.each([
  ["no address", { id: "ops", kind: "webhook" }],
  ["an unknown kind", { id: "ops", kind: "fax", url: URL_SECRET }],
  ["an unknown event", { id: "ops", kind: "webhook", url: URL_SECRET, events: ["S3CRET"] }],
  ["an event that a ping cannot say", { id: "ops", kind: "ping", url: URL_SECRET, events: ["drill-failed"] }],
  ["a name that could leave a path", { id: "../ops", kind: "webhook", url: URL_SECRET }],
])("%s is refused, repeats nothing and adds nothing", async (_, body) => {
  const answer = await api.ask("/alerts", { method: "POST", body: JSON.stringify(body) });
  expect(answer.status).toBe(400);
  expect((await answer.text()).toLowerCase()).not.toContain("s3cr");
  expect(await api.json("/alerts")).toEqual({ channels: [] });
});

test("a second channel of a name is a conflict, and an unknown one is not found", async () => {
  await api.ask("/alerts", { method: "POST", body: WANTED });
  expect((await api.ask("/alerts", { method: "POST", body: WANTED })).status).toBe(409);
  expect((await api.ask("/alerts/none", { method: "PATCH", body: "{}" })).status).toBe(404);
  expect((await api.ask("/alerts/none", { method: "DELETE" })).status).toBe(404);
  expect((await api.ask("/alerts/none/deliveries")).status).toBe(404);
});

test("what counts as slow or deviating is read, changed in part, and in the audit log", async () => {
  const defaults = { slow_minutes: 45, deviation_percent: 50, summary_hour: 8 };
  expect(await api.json("/thresholds")).toEqual(defaults);
  const changed = await api.json("/thresholds", { method: "PATCH", body: '{"slow_minutes":90}' });
  expect(changed).toEqual({ ...defaults, slow_minutes: 90 });
  expect(await api.json("/thresholds")).toEqual(changed);
  expect(JSON.stringify(await api.json("/audit"))).toContain("thresholds.change");
});

test.each([
  ["no minute", { slow_minutes: 0 }],
  ["an hour that no day has", { summary_hour: 24 }],
  ["a part of a percent", { deviation_percent: 0.5 }],
  ["a threshold that is none", { volume: 11 }],
])("%s is refused and changes nothing", async (_, body) => {
  const answer = await api.ask("/thresholds", { method: "PATCH", body: JSON.stringify(body) });
  expect(answer.status).toBe(400);
  expect(await api.json("/thresholds")).toMatchObject({ slow_minutes: 45, summary_hour: 8 });
});

test("a reader may look at the channels, and change none", async () => {
  expect((await api.ask("/alerts", { token: READ_TOKEN })).status).toBe(200);
  for (const [method, path] of [
    ["POST", "/alerts"],
    ["PATCH", "/alerts/ops"],
    ["DELETE", "/alerts/ops"],
    ["POST", "/alerts/ops/test"],
    ["PATCH", "/thresholds"],
  ] as const) {
    expect((await api.ask(path, { method, token: READ_TOKEN, body: "{}" })).status, `${method} ${path}`).toBe(403);
  }
});
