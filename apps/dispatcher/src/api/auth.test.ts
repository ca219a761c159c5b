import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { clientOf } from "./attempts.ts";
import { ADMIN_TOKEN, READ_TOKEN, TestApi } from "./testing.ts";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start();
});

test("GET / and /healthz say what this is to anybody, and nothing else answers without a token", async () => {
  expect(await api.json("/", { token: null })).toEqual({ service: "patina", version: "0.1.0", status: "ok" });
  expect(await api.json("/healthz", { token: null })).toEqual({ status: "ok" });
  for (const [method, path] of [
    ["GET", "/status"],
    ["POST", "/trigger"],
    ["GET", "/jobs/nightly-2026-11-20"],
    ["GET", "/openapi.json"],
    ["GET", "/docs"],
    ["GET", "/no-such-route"],
    ["HEAD", "/status"],
    ["OPTIONS", "/status"],
    ["POST", "/"],
    ["DELETE", "/healthz"],
  ] as const) {
    const answer = await api.ask(path, { method, token: null });
    expect(answer.status, `${method} ${path}`).toBe(401);
  }
  expect(api.opened).toBe(0);
});

test.each([
  ["wrong", "Bearer another-token-of-some-length-0123456789"],
  ["empty", ""],
  ["a beginning of the right one", `Bearer ${ADMIN_TOKEN.slice(0, -1)}`],
  ["longer than the right one", `Bearer ${ADMIN_TOKEN}x`],
  ["of another scheme", `Basic ${ADMIN_TOKEN}`],
  ["bare", ADMIN_TOKEN],
  ["in other letters", `Bearer ${ADMIN_TOKEN.toUpperCase()}`],
  ["two at once", `Bearer ${ADMIN_TOKEN}, Bearer ${READ_TOKEN}`],
])("a token that is %s is refused with the same answer", async (_, authorization) => {
  const answer = await api.ask("/status", { token: null, headers: { authorization } });
  expect(answer.status).toBe(401);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="patina"');
  expect(await answer.json()).toMatchObject({
    code: "unauthorized",
    detail: "Cannot serve: the bearer token is missing or wrong",
  });
  expect(api.opened).toBe(0);
});

test("the scheme of the token may be written in any case", async () => {
  const answer = await api.ask("/status", { token: null, headers: { authorization: `bearer ${ADMIN_TOKEN}` } });
  expect(answer.status).toBe(200);
});

test("the read token may look, and is told apart from a wrong one when it wants to change something", async () => {
  expect((await api.ask("/status", { token: READ_TOKEN })).status).toBe(200);
  const answer = await api.ask("/trigger", { method: "POST", token: READ_TOKEN });
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: "forbidden" });
  expect(api.exports.sent).toEqual([]);
});

test.each([
  ["unset", undefined, undefined],
  ["empty", "", ""],
  ["too short", "short-0123456789-0123456789", "short"],
])(
  "with tokens that are %s nothing is served, and the answer says how to set one",
  async (_, adminToken, readToken) => {
    api.auth = { adminToken, readToken, accessAudience: "" };
    for (const token of [adminToken ?? null, "", ADMIN_TOKEN, null]) {
      const answer = await api.ask("/status", { token });
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({
        code: "not_configured",
        next: expect.stringContaining("wrangler secret put ADMIN_TOKEN"),
      });
    }
    expect(await api.json("/", { token: null })).toMatchObject({ status: "not configured" });
  },
);

test("a token that is not set cannot be met by an empty one", async () => {
  api.auth = { adminToken: "", readToken: READ_TOKEN, accessAudience: "" };
  expect((await api.ask("/status", { token: null, headers: { authorization: "Bearer " } })).status).toBe(401);
  expect((await api.ask("/trigger", { method: "POST", token: READ_TOKEN })).status).toBe(403);
});

const PERSON = { aud: "application", getIdentity: async () => ({ email: "ann@example.com" }) };

test("whoever the named Access application lets in is an admin, and the account's other ones are not enough", async () => {
  api.auth = { adminToken: undefined, readToken: undefined, accessAudience: "application" };
  expect((await api.ask("/status", { token: null, access: PERSON })).status).toBe(200);
  expect((await api.ask("/status", { token: null })).status).toBe(401);
  expect((await api.ask("/status", { token: null, access: { ...PERSON, aud: "another" } })).status).toBe(401);
  api.auth = { ...api.auth, adminToken: ADMIN_TOKEN, accessAudience: "" };
  expect((await api.ask("/status", { token: null, access: { ...PERSON, aud: "" } })).status).toBe(401);
});

test("a wrong token is not made good by Access", async () => {
  api.auth = { ...api.auth, accessAudience: "application" };
  expect((await api.ask("/status", { token: "x".repeat(40), access: PERSON })).status).toBe(401);
});

test("another site cannot use a person's Access identity to change something", async () => {
  api.auth = { ...api.auth, accessAudience: "application" };
  const post = { method: "POST", token: null, access: PERSON, body: "{}" };
  for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }]) {
    const answer = await api.ask("/trigger", { ...post, headers: { ...headers, "content-type": "text/plain" } });
    expect(answer.status).toBe(403);
  }
  expect(api.exports.sent).toEqual([]);
  expect((await api.ask("/trigger", { ...post, headers: { origin: "https://patina.example" } })).status).toBe(202);
});

test("failed attempts are limited, and the owner of the right token is not locked out by them", async () => {
  api.attempts = 10;
  const guess = () => api.ask("/status", { token: "g".repeat(40) });
  const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await guess()).status));
  expect(statuses.filter((status) => status === 401)).toHaveLength(10);
  expect(statuses.filter((status) => status === 429)).toHaveLength(2);
  const refused = await api.ask("/status", { token: null });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("60");
  expect((await api.ask("/status")).status).toBe(200);
});

test("addresses of one IPv6 network count as one client, and IPv4 addresses each for themselves", () => {
  expect(clientOf("203.0.113.7")).toBe("203.0.113.7");
  expect(clientOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(clientOf("2001:db8::1")).toBe(clientOf("2001:db8::ffff:1:2"));
  expect(clientOf("2001:db8:1::1")).not.toBe(clientOf("2001:db8:2::1"));
  const group = fc.integer({ min: 1, max: 0xff_ff }).map((value) => value.toString(16));
  fc.assert(
    fc.property(fc.tuple(group, group, group, group), fc.tuple(group, group, group, group), (network, host) => {
      expect(clientOf([...network, ...host].join(":"))).toBe(`${network.join(":")}::/64`);
    }),
  );
});
