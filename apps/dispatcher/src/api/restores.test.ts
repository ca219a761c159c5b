import { env } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start();
});

const RESTORE = {
  database: "shop",
  key: "daily/2026-11-19/shop.sql.gz",
  target: "d1",
  target_name: "shop-live",
  replaced: true,
  tables: 1,
  verdict: "passed",
};

function tell(body: unknown, headers: Record<string, string> = {}) {
  return api.ask("/restores", { method: "POST", body: JSON.stringify(body), headers });
}

async function rows(sql: string) {
  return (await env.CATALOG.prepare(sql).all()).results;
}

test("a restore is in the audit log, and in the outbox of the channels that want to know", async () => {
  const channel = { id: "ops", kind: "slack", url: "https://hooks.example.com/x" };
  await api.ask("/alerts", { method: "POST", body: JSON.stringify(channel) });
  const ping = { id: "night", kind: "ping", url: "https://hc-ping.example.com/x" };
  expect((await api.ask("/alerts", { method: "POST", body: JSON.stringify(ping) })).status).toBe(201);
  const { event, channels } = await (await tell(RESTORE)).json<{ event: string; channels: string[] }>();
  expect(channels).toEqual(["ops"]);
  expect(event).toMatch(/^restored:\d+-[0-9a-f]+$/);
  expect(await rows("select event, channel, kind, database from alert_outbox")).toEqual([
    { event, channel: "ops", kind: "restored", database: "shop" },
  ]);
  const [told] = await rows("select facts from alert_events");
  expect(JSON.parse(String(told?.["facts"]))).toMatchObject({
    target: "D1 database shop-live (1 table)",
    isReplaced: true,
    actor: "admin-token",
    error: null,
  });
  const [noted] = await rows("select subject, detail from audit_log where action = 'restore'");
  expect(noted).toMatchObject({ subject: RESTORE.key, detail: expect.stringContaining('"verdict":"passed"') });
});

test("a restore of which no channel wants to know says so, and is in the audit log", async () => {
  expect(await (await tell(RESTORE)).json()).toMatchObject({ channels: [] });
  expect(await rows("select action from audit_log")).toEqual([{ action: "restore" }]);
});

test("one that failed is a failure, and repeated with its key it is told of once", async () => {
  const failed = { ...RESTORE, verdict: "failed", finding: 'The rows of table "orders" differ' };
  for (let i = 0; i < 2; i += 1) expect((await tell(failed, { "idempotency-key": "one" })).status).toBe(201);
  expect(await rows("select kind from alert_events")).toEqual([{ kind: "restore-failed" }]);
});

test("what is no key, name or verdict is refused, and a token that may only look may not say so", async () => {
  for (const wrong of [{ key: "a b" }, { target_name: "x\ny" }, { verdict: "fine" }, { finding: "x".repeat(501) }]) {
    expect((await tell({ ...RESTORE, ...wrong })).status, JSON.stringify(wrong)).toBe(400);
  }
  const reader = { method: "POST", body: JSON.stringify(RESTORE), token: READ_TOKEN };
  expect((await api.ask("/restores", reader)).status).toBe(403);
  expect(await rows("select kind from alert_events")).toEqual([]);
});
