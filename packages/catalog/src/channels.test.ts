import { beforeEach, expect, test } from "vitest";
import { listAudit } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import {
  addChannel,
  changeChannel,
  ensureChannel,
  findChannel,
  listChannels,
  listDeliveries,
  removeChannel,
} from "./channels.ts";
import { raiseTest } from "./outbox.ts";
import { alertConfig } from "./schema.ts";
import { emptyCatalog } from "./testing.ts";

const ACTOR = { name: "admin-token", request: null };
const ADDRESS = { sealed: Uint8Array.of(1, 2, 3), host: "hooks.example.com" };
const OPS = { id: "ops", kind: "webhook", enabled: true, events: ["job-failed", "recovered"] } as const;

let catalog: Catalog;

beforeEach(async () => {
  catalog = await emptyCatalog();
});

async function add(now = 1, address = ADDRESS) {
  return await addChannel(catalog, { channel: OPS, address, actor: ACTOR, now });
}

async function actions(): Promise<string[]> {
  return (await listAudit(catalog, { limit: 100 })).map(({ action }) => action);
}

test("an added channel shows everything but its address", async () => {
  expect(await add()).toEqual({ ...OPS, host: "hooks.example.com", secret: null, createdAt: 1, updatedAt: 1 });
  expect(await listChannels(catalog)).toEqual([await findChannel(catalog, "ops")]);
  expect(await findChannel(catalog, "ops")).toEqual(await add(2).catch(() => findChannel(catalog, "ops")));
  expect(JSON.stringify(await listChannels(catalog))).not.toMatch(/sealed|ciphertext/i);
  const [row] = await catalog.select().from(alertConfig);
  expect(row?.urlCiphertext).toEqual(ADDRESS.sealed);
});

test("a name is given once: the second channel of it is refused and changes nothing", async () => {
  await add();
  const other = { sealed: Uint8Array.of(9), host: "evil.example" };
  await expect(add(2, other)).rejects.toMatchObject({ code: "conflict" });
  expect(await findChannel(catalog, "ops")).toMatchObject({ host: "hooks.example.com", createdAt: 1 });
  expect(await actions()).toEqual(["channel.add"]);
});

test("changing one thing of a channel leaves the others, and says when", async () => {
  await add();
  const changed = await changeChannel(catalog, { id: "ops", change: { enabled: false }, actor: ACTOR, now: 5 });
  expect(changed).toEqual({
    ...OPS,
    enabled: false,
    host: "hooks.example.com",
    secret: null,
    createdAt: 1,
    updatedAt: 5,
  });
  const again = { events: ["run-missed"], address: { sealed: Uint8Array.of(7), host: "b.example" } } as const;
  expect(await changeChannel(catalog, { id: "ops", change: again, actor: ACTOR, now: 6 })).toMatchObject({
    enabled: false,
    events: ["run-missed"],
    host: "b.example",
  });
  expect(await actions()).toEqual(["channel.change", "channel.change", "channel.add"]);
});

test("what is not there cannot be changed or removed, and leaves no audit row", async () => {
  const asked = { id: "none", actor: ACTOR, now: 1 };
  await expect(changeChannel(catalog, { ...asked, change: {} })).rejects.toMatchObject({ code: "not_found" });
  await expect(removeChannel(catalog, asked)).rejects.toMatchObject({ code: "not_found" });
  expect(await actions()).toEqual([]);
});

test("a removed channel is gone with its deliveries", async () => {
  await add();
  await raiseTest(catalog, { channel: "ops", test: "1", actor: ACTOR, now: 2 });
  await removeChannel(catalog, { id: "ops", actor: ACTOR, now: 3 });
  expect(await listChannels(catalog)).toEqual([]);
  expect(await listDeliveries(catalog, { limit: 10 })).toEqual([]);
  expect((await actions())[0]).toBe("channel.remove");
});

test("a channel that a secret names can be switched off, but neither removed nor given another address", async () => {
  const named = { id: "discord", kind: "discord", events: ["job-failed"], secret: "DISCORD_WEBHOOK_URL" } as const;
  await ensureChannel(catalog, { ...named, now: 1 });
  const asked = { id: "discord", actor: ACTOR, now: 2 };
  await expect(removeChannel(catalog, asked)).rejects.toMatchObject({ code: "conflict" });
  await expect(changeChannel(catalog, { ...asked, change: { address: ADDRESS } })).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("DISCORD_WEBHOOK_URL"),
  });
  await changeChannel(catalog, { ...asked, change: { enabled: false } });
  await ensureChannel(catalog, { ...named, now: 3 });
  expect(await findChannel(catalog, "discord")).toMatchObject({ enabled: false, updatedAt: 2 });
});

test("deliveries are paged from the newest to the oldest, also those of one moment", async () => {
  await add();
  for (const test of ["1", "2", "3"]) await raiseTest(catalog, { channel: "ops", test, actor: ACTOR, now: 2 });
  const [third, second] = await listDeliveries(catalog, { limit: 2 });
  expect([third?.event, second?.event]).toEqual(["channel-test:3", "channel-test:2"]);
  const rest = await listDeliveries(catalog, { limit: 2, before: second?.id ?? 0 });
  expect(rest.map(({ event }) => event)).toEqual(["channel-test:1"]);
  expect(await listDeliveries(catalog, { channel: "none", limit: 2 })).toEqual([]);
});
