import { backupJobs, databases } from "@patina/catalog/schema";
import fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { OPEN, OPERATIONS } from "./operations.ts";
import { storeBackup } from "./stored-backup.ts";
import { ADMIN_TOKEN, type Ask, READ_TOKEN, TestApi } from "./testing.ts";

/**
 * Whatever is sent: a clear answer below 500, as problem+json, in which nothing that was sent and no secret comes back,
 * and nothing is changed. TestApi fails on any 500 and on any answer that the OpenAPI document does not promise.
 */

const SECRET = "S3CR3T-that-must-not-come-back";

// Thousands of requests.
vi.setConfig({ testTimeout: 60_000 });

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start();
  const ref = { kind: "daily", date: "2026-11-20", database: "shop" } as const;
  await storeBackup(api, { ref, job: "nightly-2026-11-20", rows: ["a"], createdAt: 1 });
});

/** Paths of operations, with these values in their variable parts. */
function pathsWith(value: string): { method: string; path: string }[] {
  return OPERATIONS.map(({ method, path }) => ({ method, path: path.replaceAll(/:\w+/g, value) }));
}

async function expectHarmless(path: string, asked: Ask): Promise<Response> {
  const answer = await api.ask(path, asked);
  expect(answer.status, `${asked.method} ${path}`).toBeLessThan(500);
  const text = Buffer.from(await answer.clone().arrayBuffer()).toString();
  for (const leak of [SECRET, ADMIN_TOKEN, READ_TOKEN]) {
    expect(text, path).not.toContain(leak);
    expect(JSON.stringify([...answer.headers]), path).not.toContain(leak);
  }
  if (answer.status < 400) return answer;
  expect(answer.headers.get("content-type"), path).toBe("application/problem+json");
  expect(text).not.toMatch(/\bat .*\.ts:\d+|SQLITE_|D1_ERROR|select .* from/i);
  return answer;
}

async function expectUnchanged(): Promise<void> {
  expect(await api.catalog.select().from(backupJobs)).toEqual([]);
  expect((await api.catalog.select().from(databases)).map(({ name }) => name)).toEqual(["auth", "shop"]);
  expect(api.exports.sent).toEqual([]);
}

const BODIES: readonly [string, string][] = [
  ["half of JSON", `{"name":"${SECRET}`],
  ["something else than JSON", `<a>${SECRET}</a>`],
  ["a form", `name=${SECRET}`],
  ["NUL bytes", `\0${SECRET}\0`],
  ["a number", "1e999"],
  ["a list", `["${SECRET}"]`],
  ["null", "null"],
  ["deep nesting", `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
  ["a field that is not known", `{"${SECRET}":1}`],
  ["a prototype", `{"__proto__":{"database":"${SECRET}"},"constructor":1}`],
  ["wrong types", `{"database":{"$ne":"${SECRET}"},"name":["${SECRET}"],"reason":7}`],
  ["SQL", `{"database":"x' or 1=1 --${SECRET}","name":"x'; drop table databases; --"}`],
  ["a path", `{"database":"../../${SECRET}","name":"../../etc/passwd"}`],
  ["line breaks", `{"database":"shop\\r\\nset-cookie: ${SECRET}","name":"a\\nb"}`],
  ["a huge text", `{"reason":"${SECRET}${"x".repeat(60_000)}","name":"${"x".repeat(1_000)}"}`],
  ["a huge body", `{"reason":"${SECRET}${"x".repeat(2_000_000)}"}`],
];

test.each(BODIES)("a body that is %s", async (_, body) => {
  for (const { method, path } of pathsWith("shop")) {
    if (method === "GET") continue;
    const answer = await expectHarmless(path, { method, body });
    expect(answer.status, path).toBeGreaterThanOrEqual(400);
  }
  await expectUnchanged();
});

const PARTS = [
  "..%2f..%2fetc%2fpasswd",
  "..%5c..",
  "%00",
  "shop%00.sql",
  "%0d%0aset-cookie:%20a=b",
  "%c0%ae%c0%ae",
  "%zz",
  "%",
  "shop%20",
  "SHOP",
  "constructor",
  "__proto__",
  "x'%20or%20'1'='1",
  "%F0%9F%92%BE",
  `${SECRET}`,
  "x".repeat(3_000),
  "--",
  "0",
  "1e9",
  "2026-13-45",
  "-0001-01-01",
  "275760-09-13",
];

test.each(PARTS)("a path with %j in its variable parts", async (part) => {
  for (const { method, path } of pathsWith(part)) {
    if (!path.includes(part)) continue;
    const answer = await expectHarmless(path, { method, ...(method === "GET" ? {} : { body: "{}" }) });
    expect([400, 404], `${method} ${path}`).toContain(answer.status);
    expect(answer.headers.get("set-cookie")).toBeNull();
  }
  expect(api.vault.opened).toEqual([]);
  await expectUnchanged();
});

test("a query of any text", async () => {
  const names = ["limit", "cursor", "database", "from", "kind", "job", "format", "date", "standing", SECRET];
  const values = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "-1", "1e9", "null", "[]", SECRET, "%"));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...pathsWith("shop")),
      fc.constantFrom(...names),
      values,
      async (to, name, value) => {
        if (to.method !== "GET") return;
        await expectHarmless(`${to.path}?${new URLSearchParams({ [name]: value })}`, { method: "GET" });
      },
    ),
    { numRuns: 150 },
  );
});

test("headers of any text", async () => {
  const name = fc.constantFrom(
    "range",
    "if-range",
    "if-match",
    "if-none-match",
    "accept",
    "cf-ray",
    "x-request-id",
    "content-type",
  );
  const value = fc.oneof(
    fc.stringMatching(/^[\x21-\x7e]{0,60}$/),
    fc.constantFrom("bytes=0-0,1-1", "bytes=-", "bytes=9-1", `"${SECRET}"`, "*", "text/html", SECRET),
  );
  await fc.assert(
    fc.asyncProperty(name, value, async (header, text) => {
      await expectHarmless("/download/2026-11-20/shop", { headers: { [header]: text } });
      await expectHarmless("/restore-guide/shop", { headers: { [header]: text } });
    }),
    { numRuns: 80 },
  );
});

test("every method on every path: those that it has, 405 for the others, and no override by a header", async () => {
  const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];
  for (const path of new Set(OPERATIONS.map((operation) => operation.path.replaceAll(/:\w+/g, "none")))) {
    const known = pathsWith("none").filter((operation) => operation.path === path);
    for (const method of methods) {
      const has = known.some((operation) => operation.method === (method === "HEAD" ? "GET" : method));
      if (has && method !== "GET" && method !== "HEAD") continue;
      const answer = await expectHarmless(path, { method, headers: { "x-http-method-override": "POST" } });
      // To GET, this is the letter named "replay", which does not exist.
      const isLetter = path === "/dead-letters/replay" && (method === "GET" || method === "HEAD");
      if (!has) expect(answer.status, `${method} ${path}`).toBe(isLetter ? 404 : 405);
    }
  }
  await expectUnchanged();
});

test("tokens of any text let nobody in, and the answer never tells how near they were", async () => {
  const answers = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.stringMatching(/^[\x20-\x7e]{0,80}$/),
        fc.nat(ADMIN_TOKEN.length - 1).map((length) => `Bearer ${ADMIN_TOKEN.slice(0, length)}`),
        fc.nat(READ_TOKEN.length - 1).map((length) => `Bearer ${READ_TOKEN.slice(0, length)}`),
      ),
      async (authorization) => {
        const answer = await expectHarmless("/list", { token: null, headers: { authorization } });
        expect(answer.status).toBe(401);
        const { request_id: _, ...rest } = await answer.json<{ request_id: string }>();
        answers.add(JSON.stringify(rest));
      },
    ),
    { numRuns: 100 },
  );
  expect(answers.size).toBe(1);
  expect(api.opened).toBe(0);
});

test("the read token can neither change anything nor take data away, wherever it asks", async () => {
  for (const { method, path, needs } of OPERATIONS) {
    if (needs !== "admin") continue;
    const asked = { method, token: READ_TOKEN, ...(method === "GET" ? {} : { body: "{}" }) };
    expect(
      (await api.ask(path.replaceAll(":date", "2026-11-20").replaceAll(/:\w+/g, "shop"), asked)).status,
      path,
    ).toBe(403);
  }
  for (const { method, path, needs } of [...OPEN, ...OPERATIONS]) {
    if (method !== "GET") expect(needs, path).toBe("admin");
  }
  expect(api.vault.opened).toEqual([]);
  await expectUnchanged();
});
