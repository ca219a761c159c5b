import { listAudit } from "@patina/catalog/audit";
import type { Catalog } from "@patina/catalog/catalog";
import { addChannel, changeChannel, listDeliveries } from "@patina/catalog/channels";
import { emptyCatalog } from "@patina/catalog/testing";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import type { AlertContext } from "./alerts.ts";
import { sealAddress, testChannel } from "./channels.ts";

const KEY = btoa("k".repeat(32));
const URL_SECRET = "https://hooks.example.com/T0/s3cr3t";
const NOW = Date.parse("2026-11-20T12:00:00Z");
const ACTOR = { name: "admin-token", request: "0123456789abcdef" };
const PRODUCTION = { environment: "production", key: KEY };

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

/** Adds a channel as the dispatcher does; gives its signing key. */
async function add(id: string, kind: "slack" | "webhook" | "ping", url = URL_SECRET): Promise<string | null> {
  const address = await sealAddress({ channel: id, kind, url }, PRODUCTION);
  if (address.end === "refused") throw new Error(address.message);
  await addChannel(catalog, { channel: { id, kind, enabled: true, events: [] }, address, actor: ACTOR, now: NOW });
  return address.signingKey;
}

function receiver(answer: () => Response | Error) {
  const requests: Request[] = [];
  const context: AlertContext = {
    catalog,
    secrets: { ALERT_KEY: KEY },
    environment: "production",
    home: null,
    clock: () => NOW,
    log: createLog("test"),
    async fetch(input, init) {
      requests.push(new Request(String(input), init as RequestInit));
      const given = answer();
      if (given instanceof Error) throw given;
      return given;
    },
  };
  return { requests, context };
}

test("an address is checked before it is sealed, and what is wrong with it is said without repeating it", async () => {
  const url = "https://10.0.0.1/s3cr3t";
  const answer = await sealAddress({ channel: "ops", kind: "webhook", url }, PRODUCTION);
  expect(answer).toMatchObject({ end: "refused", code: "invalid_request" });
  expect(JSON.stringify(answer)).not.toMatch(/s3cr3t|10\.0/);
});

test("an address is not taken while there is no ALERT_KEY", async () => {
  const answer = await sealAddress(
    { channel: "ops", kind: "slack", url: URL_SECRET },
    { environment: "production", key: undefined },
  );
  expect(answer).toMatchObject({ end: "refused", code: "alert_key_missing" });
});

test("only a generic webhook has a signing key, a new one each time", async () => {
  const keys = await Promise.all([
    sealAddress({ channel: "a", kind: "webhook", url: URL_SECRET }, PRODUCTION),
    sealAddress({ channel: "a", kind: "webhook", url: URL_SECRET }, PRODUCTION),
    sealAddress({ channel: "a", kind: "slack", url: URL_SECRET }, PRODUCTION),
  ]);
  const [one, two, slack] = keys.map((answer) => (answer.end === "sealed" ? answer.signingKey : undefined));
  expect(one).toMatch(/^whsec_/);
  expect(one).not.toBe(two);
  expect(slack).toBeNull();
});

test("a test message goes to the address that was sealed, signed, and is in the deliveries and the audit log", async () => {
  await add("ops", "webhook");
  const { requests, context } = receiver(() => new Response(null, { status: 204 }));
  expect(await testChannel({ channel: "ops", actor: ACTOR }, context)).toEqual({ end: "sent" });
  const [request] = requests;
  expect(request?.url).toBe(URL_SECRET);
  expect(request?.headers.get("webhook-id")).toMatch(/^channel-test:/);
  expect(request?.headers.get("webhook-timestamp")).toBe(String(NOW / 1_000));
  expect(request?.headers.get("webhook-signature")).toMatch(/^v1,/);
  expect(await request?.json()).toMatchObject({ kind: "channel-test", headline: "Patina reaches this channel" });
  expect(await listDeliveries(catalog, { channel: "ops", limit: 10 })).toMatchObject([
    { kind: "channel-test", state: "sent", attempts: 1 },
  ]);
  expect(await listAudit(catalog, { limit: 1 })).toMatchObject([
    { action: "channel.test", subject: "ops", actor: "admin-token" },
  ]);
});

test("a channel that is switched off can be tested", async () => {
  await add("ops", "slack");
  await changeChannel(catalog, { id: "ops", change: { enabled: false }, actor: ACTOR, now: NOW });
  const { context, requests } = receiver(() => new Response("ok"));
  expect(await testChannel({ channel: "ops", actor: ACTOR }, context)).toEqual({ end: "sent" });
  expect(requests).toHaveLength(1);
});

test.each([
  ["refuses", () => new Response("no", { status: 404 }), "HTTP 404"],
  ["is down", () => new Response("no", { status: 503 }), "HTTP 503"],
  ["is not there", () => new TypeError(`fetch failed ${URL_SECRET}`), "no connection"],
])("a test of a channel that %s says so, is not tried again and shows no address", async (_, answer, reason) => {
  await add("ops", "slack");
  const { context } = receiver(answer);
  const result = await testChannel({ channel: "ops", actor: ACTOR }, context);
  expect(result).toMatchObject({ end: "failed", reason: expect.stringContaining(reason) });
  const deliveries = await listDeliveries(catalog, { limit: 10 });
  expect(deliveries).toMatchObject([{ state: "given_up" }]);
  expect(JSON.stringify([result, deliveries])).not.toContain("s3cr3t");
});

test("an unknown channel is not tested, and nothing is written", async () => {
  const { context, requests } = receiver(() => new Response("ok"));
  expect(await testChannel({ channel: "none", actor: ACTOR }, context)).toEqual({ end: "unknown" });
  expect(requests).toEqual([]);
  expect(await listAudit(catalog, { limit: 10 })).toEqual([]);
});

test("an address sealed with another ALERT_KEY is not used, and the channel says what to do", async () => {
  await add("ops", "slack");
  const { context, requests } = receiver(() => new Response("ok"));
  const rotated = { ...context, secrets: { ALERT_KEY: btoa("o".repeat(32)) } };
  expect(await testChannel({ channel: "ops", actor: ACTOR }, rotated)).toMatchObject({
    end: "failed",
    reason: expect.stringContaining("enter it again"),
  });
  expect(requests).toEqual([]);
});

test("a ping is tested without changing the state of the check", async () => {
  await add("watch", "ping", "https://hc-ping.com/5a1b2c3d");
  const { context, requests } = receiver(() => new Response("OK"));
  await testChannel({ channel: "watch", actor: ACTOR }, context);
  expect(requests[0]?.url).toBe("https://hc-ping.com/5a1b2c3d/log");
});
