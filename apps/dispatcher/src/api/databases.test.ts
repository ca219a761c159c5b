import { listAudit } from "@patina/catalog/audit";
import { findDatabase, registerDatabase } from "@patina/catalog/databases";
import { publishBindings } from "@patina/catalog/exporter-bindings";
import { beforeEach, expect, test } from "vitest";
import { jsonOf, READ_TOKEN, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start(["auth", "shop"]);
  const bindings = ["DB_AUTH", "DB_SHOP", "DB_NEWS"];
  await publishBindings(api.catalog, { shard: 0, bindings, publishedAt: api.now });
  await publishBindings(api.catalog, { shard: 3, bindings: ["DB_FAR"], publishedAt: api.now });
});

function post(body: unknown) {
  return { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

function patch(body: unknown) {
  return { ...post(body), method: "PATCH" };
}

async function audited(): Promise<string[]> {
  return (await listAudit(api.catalog, { limit: 50 })).map(({ action, subject }) => `${action} ${subject}`);
}

test("GET /databases says what is registered and how it stands, in pages", async () => {
  const first = await api.json("/databases?limit=1");
  expect(first.databases).toMatchObject([
    { name: "auth", priority: "critical", binding: "DB_AUTH", enabled: true, owner: "registry", standing: "overdue" },
  ]);
  const second = await api.json(`/databases?limit=1&cursor=${first.next_cursor}`);
  expect(second).toMatchObject({ databases: [{ name: "shop", priority: "high" }], next_cursor: null });
  expect((await api.json("/databases?standing=paused")).databases).toEqual([]);
  expect(await api.json("/databases/shop")).toEqual(second.databases[0]);
  expect((await api.ask("/databases/none")).status).toBe(404);
});

test("POST /databases adds a database that an exporter has a binding for, in that exporter's shard", async () => {
  const answer = await api.json("/databases", post({ name: "far", priority: "high", description: "Far away" }));
  expect(answer).toMatchObject({
    added: true,
    database: { name: "far", shard: 3, binding: "DB_FAR", owner: "api", standing: "waiting" },
    first_run: "2026-11-21T03:00:00.000Z",
  });
  expect(await audited()).toEqual(["database.add far"]);
  expect((await api.json("/trigger", post({ database: "far" }))).started).toBe(true);
});

test("a database is of its deployment's environment, unless another is named", async () => {
  const added = await api.json("/databases", post({ name: "news" }));
  expect(added.database.environment).toBe("local");
  const staged = await api.json("/databases", post({ name: "far", environment: "staging" }));
  expect(staged.database.environment).toBe("staging");
});

test("a dry run reports what stands against a database, and adds nothing", async () => {
  const report = await api.json("/databases?dry_run=true", post({ name: "shop", binding: "DB_NONE" }));
  expect(report).toMatchObject({
    added: false,
    database: null,
    preflight: [
      { check: "name", ok: false },
      { check: "binding", ok: false, detail: expect.stringContaining("2026-11-20T12:00:00.000Z") },
      { check: "sole_use", ok: true },
    ],
  });
  const good = await api.json("/databases?dry_run=true", post({ name: "news" }));
  expect(good.preflight.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
  expect(await findDatabase(api.catalog, "news")).toBeUndefined();
  expect(await audited()).toEqual([]);
});

test.each([
  ["a name that is taken", { name: "shop" }, 409, "conflict"],
  ["a binding that another database uses", { name: "news", binding: "DB_SHOP" }, 409, "conflict"],
  ["a binding that no exporter has", { name: "moon" }, 422, "binding_unknown"],
])("POST /databases refuses %s and changes nothing", async (_, body, status, code) => {
  const answer = await api.ask("/databases", post(body));
  expect(answer.status).toBe(status);
  expect(await jsonOf(answer)).toMatchObject({ code });
  expect((await api.json("/databases")).databases).toHaveLength(2);
  expect(await audited()).toEqual([]);
});

test("what is wrong with a field is said as its rule, where it has one, and never with what was sent", async () => {
  const detailOf = async (body: unknown) => (await jsonOf(await api.ask("/databases", post(body)))).detail;
  expect(await detailOf({ name: "S3CRET" })).toBe(
    'Cannot read request: wrong are "name" (lower-case letters, digits, - and _, starting with a letter or digit, at most 64 characters)',
  );
  expect(await detailOf({ name: "news", d1_id: "S3CRET", description: "x".repeat(201), priority: 7 })).toBe(
    'Cannot read request: wrong are "description" (at most 200 characters), "priority", "d1_id" (as wrangler d1 list shows it)',
  );
  const unknown = { name: "news", binding: "db_x", environment: "S3CRET!", s3cret: 1 };
  expect(await detailOf(unknown)).toBe(
    'Cannot read request: wrong are "binding" (upper-case letters, digits and _, at most 100), "environment" (lower-case letters, digits and -, at most 32), a field that is not known',
  );
});

test("ten requests at once add a database once", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => api.ask("/databases", post({ name: "news" }))));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
  expect(await audited()).toEqual(["database.add news"]);
});

test("what the API owns can be changed, and nothing that its backups are known by", async () => {
  await api.json("/databases", post({ name: "news", description: "old", estimated_bytes: 7 }));
  const changed = await api.json("/databases/news", patch({ description: "new", priority: "critical" }));
  expect(changed).toMatchObject({ description: "new", priority: "critical", estimated_bytes: 7 });
  for (const body of [{ name: "x" }, { binding: "DB_SHOP" }, { shard: 1 }, { enabled: false }, { owner: "api" }]) {
    expect((await api.ask("/databases/news", patch(body))).status).toBe(400);
  }
  expect(await audited()).toEqual(["database.change news", "database.add news"]);
});

test("what the registry file describes can be paused and resumed here, and not changed", async () => {
  const answer = await api.ask("/databases/shop", patch({ priority: "critical" }));
  expect(answer.status).toBe(409);
  expect(await jsonOf(answer)).toMatchObject({ code: "owned_by_registry" });
  const paused = await api.json("/databases/shop/pause", post({ reason: "moving house" }));
  expect(paused).toMatchObject({ enabled: false, standing: "paused" });
  await api.json("/databases/shop/pause", post({}));
  expect((await api.json("/trigger", post({}))).job).toMatchObject({ databases: 1 });
  expect(await api.json("/databases/shop/resume", post({}))).toMatchObject({ enabled: true });
  const lines = await listAudit(api.catalog, { limit: 10 });
  expect(lines.filter(({ subject }) => subject === "shop")).toMatchObject([
    { action: "database.resume" },
    { action: "database.pause", detail: { reason: "moving house" } },
  ]);
});

test("a database that the registry file comes to name belongs to it from then on, and stays paused", async () => {
  await api.json("/databases", post({ name: "news", description: "by hand" }));
  await api.json("/databases/news/pause", post({}));
  const named = { name: "news", binding: "DB_NEWS", priority: 1, description: "by file" };
  await registerDatabase(api.catalog, named, api.now);
  expect(await api.json("/databases/news")).toMatchObject({
    owner: "registry",
    description: "by file",
    enabled: false,
  });
  expect((await api.ask("/databases/news", patch({ description: "x" }))).status).toBe(409);
});

test("the read token sees databases and changes none", async () => {
  const asked = [
    ["/databases", post({ name: "news" })],
    ["/databases/shop", patch({})],
    ["/databases/shop/pause", post({})],
    ["/databases/shop/resume", post({})],
  ] as const;
  expect((await api.ask("/databases", { token: READ_TOKEN })).status).toBe(200);
  for (const [path, init] of asked) expect((await api.ask(path, { ...init, token: READ_TOKEN })).status).toBe(403);
});
