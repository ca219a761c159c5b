import { listAudit } from "@patina/catalog/audit";
import { failRebuild, findRebuild, noteStep } from "@patina/catalog/rebuilds";
import { custodySettings } from "@patina/catalog/schema";
import { beforeEach, expect, test } from "vitest";
import { jsonOf, READ_TOKEN, TestApi } from "./testing.ts";

const POST = { method: "POST" };

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start([]);
});

/** Takes the newest rebuild a step further. */
async function step(id: string, change: object): Promise<void> {
  const rebuild = await findRebuild(api.catalog, id);
  if (rebuild === undefined) throw new TypeError("Cannot find the rebuild");
  const step = { next: { phase: "dailies" as const }, statements: [], ...change };
  await noteStep(api.catalog, { rebuild, step, now: api.now });
}

test("GET /catalog/rebuild says that there was none, and what no rebuild brings back", async () => {
  const answer = await api.json("/catalog/rebuild");
  expect(answer).toMatchObject({ rebuild: null, removals_held: null });
  expect(answer.not_in_bucket.join("\n")).toMatch(/Runs that failed.*audit log.*Channels.*Pauses/s);
});

test("POST /catalog/rebuild begins one rebuild at a time, over an empty catalog, and is audited", async () => {
  const answer = await api.ask("/catalog/rebuild", POST);
  expect(answer.status).toBe(202);
  expect(answer.headers.get("location")).toBe("/catalog/rebuild");
  const { rebuild, started } = await jsonOf(answer);
  expect(started).toBe(true);
  expect(rebuild).toMatchObject({ state: "running", phase: "archives", found: { backups: 0 }, skipped: 0 });
  expect(api.exports.bodies).toEqual([{ kind: "rebuild-catalog", version: 1, rebuild: rebuild.id, snoozes: 0 }]);
  const again = await api.json("/catalog/rebuild", POST);
  expect(again).toMatchObject({ started: false, rebuild: { id: rebuild.id } });
  expect(api.exports.bodies).toHaveLength(1);
  const audited = await listAudit(api.catalog, { limit: 9 });
  expect(audited.map(({ action, subject }) => [action, subject])).toEqual([["catalog.rebuild", rebuild.id]]);
});

test("a rebuild is for an admin to begin and for a reader to watch", async () => {
  expect((await api.ask("/catalog/rebuild", { ...POST, token: READ_TOKEN })).status).toBe(403);
  expect((await api.ask("/catalog/rebuild", { token: READ_TOKEN })).status).toBe(200);
  expect((await api.ask("/catalog/rebuild", { ...POST, token: null })).status).toBe(401);
  expect(api.exports.bodies).toEqual([]);
});

test("a request that is repeated with its key begins nothing anew, also after the rebuild has ended", async () => {
  const keyed = { ...POST, headers: { "idempotency-key": "after-the-fire" } };
  const first = await api.json("/catalog/rebuild", keyed);
  await step(first.rebuild.id, { next: { phase: "end" } });
  expect(await api.json("/catalog/rebuild", keyed)).toEqual(first);
  expect((await api.json("/catalog/rebuild")).rebuild).toMatchObject({ id: first.rebuild.id, state: "done" });
  expect((await api.json("/catalog/rebuild", POST)).started).toBe(true);
});

test("GET /catalog/rebuild tells how far it came, what was added, and what was passed over", async () => {
  const { rebuild } = await api.json("/catalog/rebuild", POST);
  const skipped = Array.from({ length: 120 }, (_, i) => ({ key: `daily/2026-11-20/db-${i}.sql.gz`, reason: "gone" }));
  await step(rebuild.id, { counts: { archives: 2, addedArchives: 1, archived: 14, addedArchived: 7 }, skipped });
  await step(rebuild.id, { next: { after: "daily/2026-11-20/shop.sql.gz" }, counts: { backups: 3, addedBackups: 2 } });
  const { rebuild: now } = await api.json("/catalog/rebuild");
  expect(now).toMatchObject({
    phase: "dailies",
    found: { backups: 3, archives: 2, archived_backups: 14, receipts: 0 },
    added: { backups: 2, archives: 1, archived_backups: 7, drills: 0, databases: 0 },
    skipped: 120,
  });
  expect(now.skipped_objects).toHaveLength(100);
  await failRebuild(api.catalog, { id: rebuild.id, error: "Cannot use the bucket", now: api.now });
  expect((await api.json("/catalog/rebuild")).rebuild).toMatchObject({
    state: "failed",
    error: "Cannot use the bucket",
  });
});

test("nothing may be removed while a rebuild runs, nor after it until somebody has said what is kept", async () => {
  const held = async () => (await api.json("/catalog/rebuild")).removals_held;
  const { rebuild } = await api.json("/catalog/rebuild", POST);
  expect(await held()).toBe("nothing is removed: the catalog is being rebuilt from the bucket");
  await step(rebuild.id, { next: { phase: "end" }, counts: { addedArchived: 1 } });
  expect(await held()).toContain("what is to be kept has not been set since");
  const retention = { kind: "age", dailyDays: 7, manualDays: 30, maxBytes: null } as const;
  const settings = { id: 1, retention, weeklyWeeks: 12, verifyBytes: 1, drillRows: 1, updatedAt: api.now + 1 };
  await api.catalog.insert(custodySettings).values(settings);
  expect(await held()).toBeNull();
});

test("a rebuild that added no backup holds nothing up: the catalog was whole", async () => {
  const { rebuild } = await api.json("/catalog/rebuild", POST);
  await step(rebuild.id, { next: { phase: "end" }, counts: { backups: 9, receipts: 2 } });
  expect((await api.json("/catalog/rebuild")).removals_held).toBeNull();
});
