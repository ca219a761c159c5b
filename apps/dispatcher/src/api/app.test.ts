import { env } from "cloudflare:test";
import { type Catalog, openCatalog } from "@patina/catalog/catalog";
import { backupJobs, backupTasks } from "@patina/catalog/schema";
import { emptyCatalog, register } from "@patina/catalog/testing";
import { RecordedQueue } from "@patina/testkit/queue";
import { createLog } from "@patina/worker/log";
import { beforeEach, expect, test } from "vitest";
import { createApp } from "./app.ts";

const TOKEN = "a-token-that-nobody-guesses";
const NOW = Date.parse("2026-11-20T12:00:00Z");

let catalog: Catalog;
let exports: RecordedQueue;
let opened: number;

beforeEach(async () => {
  catalog = await emptyCatalog();
  exports = new RecordedQueue();
  opened = 0;
  await register(catalog, ["auth", "shop"]);
});

interface Ask {
  readonly method?: string;
  readonly body?: string;
  readonly token?: string | null;
  readonly configured?: string;
}

async function ask(path: string, { method = "GET", body, token = TOKEN, configured = TOKEN }: Ask = {}) {
  const queue = exports as unknown as Queue;
  const bindings = {
    token: configured === "" ? undefined : configured,
    log: createLog("test"),
    async open() {
      opened += 1;
      return {
        catalog: await openCatalog(env.CATALOG),
        exports: queue,
        results: queue,
        alerts: queue,
        clock: () => NOW,
        holder: "test",
        log: createLog("test"),
      };
    },
  };
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const init = { method, headers, ...(body === undefined ? {} : { body }) };
  return await createApp().fetch(new Request(`https://patina.example${path}`, init), bindings);
}

// biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is what the tests check
async function json(response: Response): Promise<any> {
  return await response.json();
}

test("GET / says what this is to anybody, and nothing else answers without a token", async () => {
  expect(await json(await ask("/", { token: null }))).toEqual({ service: "patina", version: "0.1.0", status: "ok" });
  for (const [method, path] of [
    ["GET", "/status"],
    ["POST", "/trigger"],
    ["GET", "/jobs/nightly-2026-11-20"],
    ["GET", "/no-such-route"],
    ["HEAD", "/status"],
    ["OPTIONS", "/status"],
  ] as const) {
    const answer = await ask(path, { method, token: null });
    expect(answer.status, `${method} ${path}`).toBe(401);
  }
  expect(opened).toBe(0);
});

test.each([
  ["wrong", "Bearer another-token-of-some-length"],
  ["empty", ""],
  ["a beginning of the right one", `Bearer ${TOKEN.slice(0, -1)}`],
  ["longer than the right one", `Bearer ${TOKEN}x`],
  ["of another scheme", `Basic ${TOKEN}`],
  ["bare", TOKEN],
  ["in other letters", `Bearer ${TOKEN.toUpperCase()}`],
])("a token that is %s is refused with the same answer", async (_, header) => {
  const headers = { authorization: header };
  const bindings = {
    token: TOKEN,
    log: createLog("test"),
    open: () => Promise.reject(new Error("must not be opened")),
  };
  const answer = await createApp().fetch(new Request("https://patina.example/status", { headers }), bindings);
  expect(answer.status).toBe(401);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(await json(answer)).toMatchObject({ code: "unauthorized", detail: expect.not.stringContaining(TOKEN) });
});

test("the scheme of the token may be written in any case", async () => {
  const headers = { authorization: `bearer ${TOKEN}` };
  const open = async () => Promise.reject(new Error("was opened"));
  const answer = await createApp().fetch(new Request("https://patina.example/status", { headers }), {
    token: TOKEN,
    log: createLog("test"),
    open,
  });
  expect(answer.status).toBe(500);
});

test.each([
  ["unset", ""],
  ["too short", "short"],
])("with a token that is %s nothing is served, and the answer says how to set one", async (_, configured) => {
  const answer = await ask("/status", { configured });
  expect(answer.status).toBe(503);
  expect(await json(answer)).toMatchObject({
    code: "not_configured",
    next: expect.stringContaining("wrangler secret put"),
  });
});

test("GET /status tells what runs, what ran last and what comes next", async () => {
  expect(await json(await ask("/status"))).toMatchObject({
    databases: 2,
    active_jobs: [],
    last_completed: null,
    next_scheduled: [
      { kind: "nightly", at: "2026-11-21T03:00:00.000Z" },
      { kind: "weekly", at: "2026-11-22T04:00:00.000Z" },
    ],
  });
  const { job } = await json(await ask("/trigger", { method: "POST" }));
  const running = await json(await ask("/status"));
  expect(running.active_jobs).toMatchObject([{ id: job.id, progress: { queued: 2, running: 0, done: 0, failed: 0 } }]);
  await catalog.update(backupJobs).set({ status: "completed", finishedAt: NOW });
  expect(await json(await ask("/status"))).toMatchObject({ active_jobs: [], last_completed: { id: job.id } });
});

test("POST /trigger starts one database and says where to look", async () => {
  const answer = await ask("/trigger", { method: "POST", body: '{"database":"shop","reason":"before the release"}' });
  expect(answer.status).toBe(202);
  const { job, started } = await json(answer);
  expect(started).toBe(true);
  expect(job).toMatchObject({ kind: "manual", databases: 1, date: "2026-11-20", reason: "before the release" });
  expect(answer.headers.get("location")).toBe(`/jobs/${job.id}`);
  expect(exports.bodies).toMatchObject([{ kind: "export-requested", job: job.id, database: "shop" }]);
  expect(await json(await ask(`/jobs/${job.id}`))).toMatchObject({
    id: job.id,
    tasks: [{ database: "shop", state: "queued" }],
  });
});

test("POST /trigger does not start a database twice: it answers with the running job", async () => {
  const first = await json(await ask("/trigger", { method: "POST", body: '{"database":"shop"}' }));
  const second = await ask("/trigger", { method: "POST", body: '{"database":"shop"}' });
  expect(second.status).toBe(202);
  expect(second.headers.get("location")).toBe(`/jobs/${first.job.id}`);
  expect(await json(second)).toMatchObject({
    started: false,
    job: { id: first.job.id },
    already_running: [{ database: "shop", job: first.job.id }],
  });
  expect(exports.sent).toHaveLength(1);
  const rest = await json(await ask("/trigger", { method: "POST" }));
  expect(rest).toMatchObject({ started: true, job: { databases: 1 }, already_running: [{ database: "shop" }] });
});

test("many requests at the same moment start a database once", async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => ask("/trigger", { method: "POST", body: '{"database":"shop"}' })),
  );
  const started = await Promise.all(answers.map(async (answer) => (await json(answer)).started));
  expect(started.filter(Boolean)).toHaveLength(1);
  expect(await catalog.select().from(backupTasks)).toHaveLength(1);
  expect(exports.sent).toHaveLength(1);
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
  const answer = await ask("/trigger", { method: "POST", body });
  const text = await answer.text();
  expect(answer.status, text).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(text.toLowerCase()).not.toContain("s3cret");
  expect(await catalog.select().from(backupJobs)).toEqual([]);
  expect(exports.sent).toEqual([]);
});

test("GET /jobs/:id answers 404 to whatever is no job", async () => {
  for (const id of ["nightly-2026-11-20", "..%2f..%2fetc", "%00", "x".repeat(300), "nightly-2026-11-20'--"]) {
    const answer = await ask(`/jobs/${id}`);
    expect(answer.status, id).toBe(404);
    expect(await json(answer)).toMatchObject({ code: "not_found", request_id: expect.any(String) });
  }
});

test("a catalog that does not answer gives 502 without what the database said", async () => {
  const open = () =>
    openCatalog({
      prepare: () => {
        throw new Error("D1_ERROR: S3CRET");
      },
    } as unknown as D1Database);
  const answer = await createApp().fetch(
    new Request("https://patina.example/status", { headers: { authorization: `Bearer ${TOKEN}` } }),
    { token: TOKEN, log: createLog("test"), open: open as never },
  );
  expect(answer.status).toBe(502);
  expect(await answer.text()).not.toContain("S3CRET");
});
