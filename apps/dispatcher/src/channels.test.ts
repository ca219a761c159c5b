import { DEFAULT_EVENTS } from "@patina/alerts/event";
import { listAudit } from "@patina/catalog/audit";
import type { Catalog } from "@patina/catalog/catalog";
import { findChannel, listChannels } from "@patina/catalog/channels";
import { emptyCatalog } from "@patina/catalog/testing";
import type { Channels, NewAddress, SealAnswer, TestAnswer } from "@patina/worker/channels";
import { beforeEach, expect, test } from "vitest";
import { addChannel, type ChannelContext, changeChannel, testChannel } from "./channels.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const URL_SECRET = "https://hooks.example.com/T0/s3cr3t";

let catalog: Catalog;
let asked: NewAddress[];

beforeEach(async () => {
  catalog = await emptyCatalog();
  asked = [];
});

/** The aggregator's side as it answers; what it does is tested there. */
function context(
  answers: { seal?: SealAnswer; test?: TestAnswer } = {},
): ChannelContext & { readonly channels: Channels } {
  return {
    catalog,
    clock: () => NOW,
    actor: { name: "admin-token", request: null },
    channels: {
      async seal(address) {
        asked.push(address);
        const signingKey = address.kind === "webhook" ? `whsec_${asked.length}` : null;
        const sealed = Uint8Array.of(asked.length);
        return answers.seal ?? { end: "sealed", sealed, host: "hooks.example.com", signingKey };
      },
      sendTest: async () => answers.test ?? { end: "sent" },
      hasAlertKey: async () => true,
      home: async () => ({ is: "unset" }),
    },
  };
}

test("a new channel gets failures and recovery, and its signing key is given once", async () => {
  const saved = await addChannel({ id: "ops", kind: "webhook", url: URL_SECRET }, context());
  expect(saved).toMatchObject({
    channel: { id: "ops", enabled: true, events: DEFAULT_EVENTS, host: "hooks.example.com" },
    signingKey: "whsec_1",
  });
  expect(asked).toEqual([{ channel: "ops", kind: "webhook", url: URL_SECRET }]);
  expect(JSON.stringify([await listChannels(catalog), await listAudit(catalog, { limit: 10 })])).not.toMatch(
    /s3cr3t|whsec/,
  );
});

test("a ping gets what it can say, and nothing else can be asked of it", async () => {
  const { channel } = await addChannel({ id: "watch", kind: "ping", url: URL_SECRET }, context());
  expect(channel.events).toEqual(["job-started", "job-completed", "job-failed", "run-missed"]);
  const wanted = { id: "other", kind: "ping", url: URL_SECRET, events: ["drill-failed"] } as const;
  await expect(addChannel(wanted, context())).rejects.toMatchObject({ code: "invalid_request" });
  const change = { events: ["drill-failed"] } as const;
  await expect(changeChannel("watch", { ...context(), change })).rejects.toMatchObject({ code: "invalid_request" });
  expect(await findChannel(catalog, "watch")).toEqual(channel);
});

test("an address that the aggregator refuses leaves no channel behind", async () => {
  const seal = { end: "refused", code: "invalid_request", message: "Cannot use the channel's address" } as const;
  await expect(
    addChannel({ id: "ops", kind: "slack", url: "https://10.0.0.1/" }, context({ seal })),
  ).rejects.toMatchObject({ code: "invalid_request", message: "Cannot use the channel's address" });
  expect(await listChannels(catalog)).toEqual([]);
  expect(await listAudit(catalog, { limit: 10 })).toEqual([]);
});

test("switching a channel off does not touch its address; a new address comes with a new key", async () => {
  await addChannel({ id: "ops", kind: "webhook", url: URL_SECRET }, context());
  const off = await changeChannel("ops", { ...context(), change: { enabled: false } });
  expect(off).toMatchObject({ channel: { enabled: false }, signingKey: null });
  expect(asked).toHaveLength(1);
  const moved = await changeChannel("ops", { ...context(), change: { url: URL_SECRET } });
  expect(moved).toMatchObject({ channel: { enabled: false }, signingKey: "whsec_2" });
  await expect(changeChannel("none", { ...context(), change: {} })).rejects.toMatchObject({ code: "not_found" });
});

test("a test says whether the message arrived", async () => {
  expect(await testChannel("ops", context())).toBeNull();
  expect(await testChannel("ops", context({ test: { end: "failed", reason: "HTTP 404" } }))).toBe("HTTP 404");
  await expect(testChannel("none", context({ test: { end: "unknown" } }))).rejects.toMatchObject({ code: "not_found" });
});
