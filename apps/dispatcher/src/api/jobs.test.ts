import { env } from "cloudflare:test";
import { listAudit } from "@patina/catalog/audit";
import { backupJobs, backupTasks, databases, idempotencyKeys, taskEvents } from "@patina/catalog/schema";
import { MINUTE } from "@patina/core/date";
import { beforeEach, expect, test } from "vitest";
import { jsonOf, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start(["auth", "shop", "blog"]);
});

function post(body: unknown, headers: Record<string, string> = {}) {
  return { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } };
}

test("POST /trigger starts several databases as one job", async () => {
  const { job } = await api.json("/trigger", post({ databases: ["shop", "blog", "shop"] }));
  expect(job).toMatchObject({ kind: "manual", databases: 2 });
  expect(api.exports.bodies).toMatchObject([{ database: "shop" }, { database: "blog" }]);
});

test("POST /trigger names how many names are unknown, and starts none of them", async () => {
  const answer = await api.ask("/trigger", post({ databases: ["shop", "s3cret", "s3cret-too"] }));
  expect(answer.status).toBe(404);
  const text = await answer.text();
  expect(text).toContain("2 of the 3 names are not registered");
  expect(text).not.toContain("s3cret");
  expect(await api.catalog.select().from(backupJobs)).toEqual([]);
});

test("POST /trigger refuses one name and several at once, an empty list, and a list without end", async () => {
  for (const body of [{ database: "shop", databases: ["blog"] }, { databases: [] }, { databases: "shop" }]) {
    expect((await api.ask("/trigger", post(body))).status).toBe(400);
  }
  expect((await api.ask("/trigger", post({ databases: Array(1_001).fill("shop") }))).status).toBe(400);
});

test("POST /trigger without databases leaves paused ones out, and says so when all of them are", async () => {
  await env.CATALOG.exec("update databases set enabled = 0 where name = 'shop'");
  expect((await api.json("/trigger", post({}))).job).toMatchObject({ databases: 2 });
  await api.catalog.delete(backupJobs);
  await api.catalog.update(databases).set({ enabled: false });
  expect(await api.json("/trigger", post({}))).toMatchObject({ status: 409, code: "conflict" });
});

test("a request repeated with its Idempotency-Key is answered again and not done again", async () => {
  const again = post({ database: "shop" }, { "idempotency-key": "release-42" });
  const first = await api.ask("/trigger", again);
  const { job } = await jsonOf(first);
  await api.catalog.update(backupTasks).set({ state: "done" });
  const second = await api.ask("/trigger", again);
  expect(second.status).toBe(202);
  expect(second.headers.get("idempotent-replayed")).toBe("true");
  expect(second.headers.get("location")).toBe(first.headers.get("location"));
  expect(await jsonOf(second)).toMatchObject({ started: true, job: { id: job.id } });
  expect(api.exports.sent).toHaveLength(1);
});

test("who starts a job is written down, once for a job and not for one that was not started", async () => {
  const { job } = await api.json("/trigger", post({ database: "shop", reason: "before the release" }));
  await api.json("/trigger", post({ database: "shop" }));
  expect(await listAudit(api.catalog, { limit: 10 })).toMatchObject([
    { action: "job.start", subject: job.id, detail: { databases: ["shop"], reason: "before the release" } },
  ]);
});

test("ten requests at once with one Idempotency-Key start one job", async () => {
  const all = await Promise.all(
    Array.from({ length: 10 }, () => api.ask("/trigger", post({ database: "shop" }, { "idempotency-key": "k" }))),
  );
  expect(await api.catalog.select().from(backupJobs)).toHaveLength(1);
  expect(api.exports.sent).toHaveLength(1);
  for (const answer of all) expect([202, 409]).toContain(answer.status);
});

test("an Idempotency-Key belongs to one request of one caller, for a day", async () => {
  const headers = { "idempotency-key": "k" };
  expect((await api.ask("/trigger", post({ database: "shop" }, headers))).status).toBe(202);
  const other = await api.ask("/trigger", post({ database: "blog" }, headers));
  expect(other.status).toBe(422);
  expect(await jsonOf(other)).toMatchObject({ code: "key_reused" });
  api.auth = { ...api.auth, accessAudience: "application" };
  const access = { aud: "application", getIdentity: async () => ({ email: "ann@example.com" }) };
  expect((await api.ask("/trigger", { ...post({ database: "blog" }, headers), token: null, access })).status).toBe(202);
  api.now += 24 * 60 * MINUTE;
  expect((await api.ask("/trigger", post({ database: "auth" }, headers))).status).toBe(202);
});

test("a request that was refused may be repeated with its key once it can succeed", async () => {
  const headers = { "idempotency-key": "k" };
  await api.catalog.update(databases).set({ enabled: false });
  expect((await api.ask("/trigger", post({}, headers))).status).toBe(409);
  await api.catalog.update(databases).set({ enabled: true });
  expect((await api.ask("/trigger", post({}, headers))).status).toBe(202);
});

test("a request whose invocation stopped half-way is gone on with, in the same job", async () => {
  const headers = { "idempotency-key": "k" };
  const { job } = await api.json("/trigger", post({ database: "shop" }, headers));
  // As if it had stopped after it opened the job: no message noted, no answer kept.
  await api.catalog.update(backupTasks).set({ sentAt: null });
  await api.catalog.update(idempotencyKeys).set({ status: null, body: null, location: null });
  const early = await api.ask("/trigger", post({ database: "shop" }, headers));
  expect(early.status).toBe(409);
  expect(await jsonOf(early)).toMatchObject({ code: "request_under_way" });
  api.now += MINUTE;
  const late = await api.json("/trigger", post({ database: "shop" }, headers));
  expect(late).toMatchObject({ started: true, job: { id: job.id }, already_running: [] });
  expect(await api.catalog.select().from(backupJobs)).toHaveLength(1);
  expect(api.exports.bodies).toHaveLength(2);
});

test.each([["", "a b", "é", "x".repeat(256), "a\tb"]])("an Idempotency-Key %j is refused", async (key) => {
  const answer = await api.ask("/trigger", post({}, { "idempotency-key": key }));
  expect(answer.status).toBe(400);
  expect(await api.catalog.select().from(backupJobs)).toEqual([]);
});

test("GET /jobs pages through jobs, the newest first, and filters them", async () => {
  for (const database of ["shop", "blog", "auth"]) {
    await api.json("/trigger", post({ database }));
    api.now += MINUTE;
  }
  const first = await api.json("/jobs?limit=2");
  const second = await api.json(`/jobs?limit=2&cursor=${first.next_cursor}`);
  const times = [...first.jobs, ...second.jobs].map((job) => job.started_at);
  expect(times).toHaveLength(3);
  expect(times).toEqual([...times].sort().reverse());
  expect(second.next_cursor).toBeNull();
  await env.CATALOG.exec(`update backup_jobs set status = 'failed' where id = '${first.jobs[0].id}'`);
  expect((await api.json("/jobs?status=failed&kind=manual")).jobs).toMatchObject([{ id: first.jobs[0].id }]);
  expect((await api.json("/jobs?kind=nightly")).jobs).toEqual([]);
});

test("a job says what it makes up for, what made up for it, and what is wrong with its archive", async () => {
  const { job } = await api.json("/trigger", post({ database: "shop" }));
  expect(job).toMatchObject({ replay_of: null, healed_by: null, healed_at: null, error: null });
  const [replayOf, healedBy, error] = ["nightly-2026-11-19", job.id, "Cannot make the archive"];
  await api.catalog.update(backupJobs).set({ status: "failed", replayOf, healedBy, healedAt: api.now, error });
  const healed = { replay_of: replayOf, healed_by: healedBy, healed_at: "2026-11-20T12:00:00.000Z", error };
  expect(await api.json(`/jobs/${job.id}`)).toMatchObject(healed);
  expect((await api.json("/jobs")).jobs).toMatchObject([healed]);
});

test("GET /jobs/:id/timeline tells what happened in order, of one database or of all", async () => {
  const { job } = await api.json("/trigger", post({ databases: ["shop", "blog"] }));
  const shop = { jobId: job.id, database: "shop", generation: 1, attempt: 1 };
  const failure = { errorCode: "source_unreachable", error: "Cannot read database" };
  await api.catalog.insert(taskEvents).values([
    { ...shop, event: "started", at: api.now + 1_000 },
    { ...shop, event: "retried", at: api.now + 2_000, ...failure },
  ]);
  const { events } = await api.json(`/jobs/${job.id}/timeline?database=shop`);
  expect(events.map((event: { event: string }) => event.event)).toEqual(["queued", "started", "retried"]);
  expect(events[2].error).toMatchObject({ code: "source_unreachable", next: expect.any(String) });
  const first = await api.json(`/jobs/${job.id}/timeline?limit=3`);
  const second = await api.json(`/jobs/${job.id}/timeline?limit=3&cursor=${first.next_cursor}`);
  expect([...first.events, ...second.events]).toHaveLength(4);
  expect((await api.ask("/jobs/nightly-2026-01-01/timeline")).status).toBe(404);
});
