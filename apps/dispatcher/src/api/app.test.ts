import { openCatalog } from "@patina/catalog/catalog";
import { backupJobs, backupTasks } from "@patina/catalog/schema";
import { beforeEach, expect, test } from "vitest";
import { jsonOf, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start();
});

test("GET /status tells what runs, what ran last and what comes next", async () => {
  expect(await api.json("/status")).toMatchObject({
    databases: 2,
    active_jobs: [],
    last_completed: null,
    next_scheduled: [
      { kind: "nightly", at: "2026-11-21T03:00:00.000Z" },
      { kind: "weekly", at: "2026-11-22T04:00:00.000Z" },
    ],
  });
  const { job } = await api.json("/trigger", { method: "POST" });
  const running = await api.json("/status");
  expect(running.active_jobs).toMatchObject([{ id: job.id, progress: { queued: 2, running: 0, done: 0, failed: 0 } }]);
  await api.catalog.update(backupJobs).set({ status: "completed", finishedAt: api.now });
  expect(await api.json("/status")).toMatchObject({ active_jobs: [], last_completed: { id: job.id } });
});

test("POST /trigger starts one database and says where to look", async () => {
  const answer = await api.ask("/trigger", {
    method: "POST",
    body: '{"database":"shop","reason":"before the release"}',
  });
  expect(answer.status).toBe(202);
  const { job, started } = await jsonOf(answer);
  expect(started).toBe(true);
  expect(job).toMatchObject({ kind: "manual", databases: 1, date: "2026-11-20", reason: "before the release" });
  expect(answer.headers.get("location")).toBe(`/jobs/${job.id}`);
  expect(api.exports.bodies).toMatchObject([{ kind: "export-requested", job: job.id, database: "shop" }]);
  expect(await api.json(`/jobs/${job.id}`)).toMatchObject({
    id: job.id,
    tasks: [{ database: "shop", state: "queued" }],
  });
});

test("POST /trigger does not start a database twice: it answers with the running job", async () => {
  const first = await api.json("/trigger", { method: "POST", body: '{"database":"shop"}' });
  const second = await api.ask("/trigger", { method: "POST", body: '{"database":"shop"}' });
  expect(second.status).toBe(202);
  expect(second.headers.get("location")).toBe(`/jobs/${first.job.id}`);
  expect(await jsonOf(second)).toMatchObject({
    started: false,
    job: { id: first.job.id },
    already_running: [{ database: "shop", job: first.job.id }],
  });
  expect(api.exports.sent).toHaveLength(1);
  const rest = await api.json("/trigger", { method: "POST" });
  expect(rest).toMatchObject({ started: true, job: { databases: 1 }, already_running: [{ database: "shop" }] });
});

test("many requests at the same moment start a database once", async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => api.ask("/trigger", { method: "POST", body: '{"database":"shop"}' })),
  );
  const started = await Promise.all(answers.map(async (answer) => (await jsonOf(answer)).started));
  expect(started.filter(Boolean)).toHaveLength(1);
  expect(await api.catalog.select().from(backupTasks)).toHaveLength(1);
  expect(api.exports.sent).toHaveLength(1);
});

test.each([
  ["no JSON", "{", 400],
  ["a text", '"shop"', 400],
  ["null", "null", 400],
  ["a list", "[]", 400],
  ["a wrong type", '{"database":7}', 400],
  ["a name that could leave a path", '{"database":"../S3CRET"}', 400],
  ["an unknown field", '{"S3CRET":1}', 400],
  ["an unknown database", '{"database":"s3cret"}', 404],
  ["a prototype", '{"__proto__":{"database":"shop"}}', 400],
  ["a reason without end", `{"reason":"${"S3CRET".repeat(100)}"}`, 400],
  ["too large a body", `{"reason":"${"S3CRET".repeat(20_000)}"}`, 413],
])("POST /trigger with %s is refused, repeats nothing and changes nothing", async (_, body, status) => {
  const answer = await api.ask("/trigger", { method: "POST", body });
  const text = await answer.text();
  expect(answer.status, text).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(text.toLowerCase()).not.toContain("s3cret");
  expect(await api.catalog.select().from(backupJobs)).toEqual([]);
  expect(api.exports.sent).toEqual([]);
});

test("GET /jobs/:id answers 404 to whatever is no job", async () => {
  for (const id of ["nightly-2026-11-20", "..%2f..%2fetc", "%00", "x".repeat(300), "nightly-2026-11-20'--"]) {
    const answer = await api.ask(`/jobs/${id}`);
    expect(answer.status, id).toBe(404);
    expect(await jsonOf(answer)).toMatchObject({ code: "not_found", request_id: expect.any(String) });
  }
});

test("a catalog that does not answer gives 502 without what the database said", async () => {
  api.open = async () => {
    const prepare = () => {
      throw new Error("D1_ERROR: S3CRET");
    };
    return await openCatalog({ prepare } as unknown as D1Database);
  };
  const answer = await api.ask("/status");
  expect(answer.status).toBe(502);
  expect(await answer.text()).not.toContain("S3CRET");
  expect(api.log.join()).not.toContain("S3CRET");
});

test("a method that a path does not have gives 405 and names those that it has", async () => {
  const answer = await api.ask("/trigger", { method: "DELETE" });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("POST");
  expect(await jsonOf(answer)).toMatchObject({ code: "method_not_allowed" });
  expect((await api.ask("/status", { method: "HEAD" })).status).toBe(200);
});

test("a query with a field that is not known, or one twice, is refused", async () => {
  for (const query of ["?S3CRET=1", "?__proto__=1", "?limit=1&limit=1"]) {
    const answer = await api.ask(`/status${query}`);
    expect(answer.status, query).toBe(400);
    expect(await answer.text()).not.toContain("S3CRET");
  }
});

test("every answer has a request id, and a problem repeats it", async () => {
  const good = await api.ask("/status", { headers: { "cf-ray": "0123456789abcdef-FRA" } });
  expect(good.headers.get("x-request-id")).toBe("0123456789abcdef");
  const bad = await api.ask("/jobs/none", { headers: { "cf-ray": '"><script>' } });
  const id = bad.headers.get("x-request-id");
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(await jsonOf(bad)).toMatchObject({ request_id: id, type: "/docs#not_found" });
});
