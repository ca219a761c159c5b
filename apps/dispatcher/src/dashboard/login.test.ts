import { addLoginLink } from "@patina/catalog/login-links";
import { HOUR } from "@patina/core/date";
import { beforeEach, expect, test } from "vitest";
import { ADMIN_TOKEN, READ_TOKEN, TestBrowser, wordsOf } from "./testing.ts";

let browser: TestBrowser;

beforeEach(async () => {
  browser = await TestBrowser.start();
});

test("whoever is not logged in is asked to, and comes back to the page they wanted", async () => {
  const asked = await browser.get("/dashboard/jobs?after=1.x");
  expect(asked.status).toBe(303);
  const login = asked.headers.get("location") ?? "";
  expect(login).toBe(`/dashboard/login?to=${encodeURIComponent("/dashboard/jobs?after=1.x")}`);
  expect(await browser.page(login)).toContain('name="to" value="/dashboard/jobs?after=1.x"');
  const back = await browser.post("/dashboard/login", { token: ADMIN_TOKEN, to: "/dashboard/jobs?after=1.x" });
  expect(back.status).toBe(303);
  expect(back.headers.get("location")).toBe("/dashboard/jobs?after=1.x");
});

test.each([
  "https://evil.example",
  "//evil.example",
  "/dashboard.evil",
  "/dashboard/../x y",
  "javascript:alert(1)",
  "/",
])("a login never leads to %s", async (to) => {
  const answer = await browser.post("/dashboard/login", { token: ADMIN_TOKEN, to });
  expect(answer.headers.get("location")).toBe("/dashboard");
});

test("the cookie is signed, out of reach of scripts and other sites, and bound to this host by its name", async () => {
  const answer = await browser.post("/dashboard/login", { token: ADMIN_TOKEN });
  const cookie = answer.headers.get("set-cookie") ?? "";
  expect(cookie).toMatch(/^__Host-patina=/);
  for (const attribute of ["HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=43200"]) {
    expect(cookie).toContain(attribute);
  }
  expect(cookie).not.toContain(ADMIN_TOKEN);
  expect((await browser.get("/dashboard")).status).toBe(200);
  const [name, value = ""] = (browser.cookie ?? "").split("=");
  browser.cookie = `${name}=${value.replace("admin", "reader")}`;
  expect((await browser.get("/dashboard")).status).toBe(303);
});

test("a session ends after twelve hours, when a token is changed, and when somebody logs out", async () => {
  await browser.logIn();
  browser.now += 12 * HOUR - 1;
  expect((await browser.get("/dashboard")).status).toBe(200);
  browser.now += 1;
  expect((await browser.get("/dashboard")).status).toBe(303);
  await browser.logIn();
  browser.auth = { ...browser.auth, readToken: `${READ_TOKEN}-changed` };
  expect((await browser.get("/dashboard")).status).toBe(303);
  await browser.logIn();
  expect((await browser.get("/dashboard")).status).toBe(200);
  await browser.post("/dashboard/logout");
  expect(browser.cookie).toBeNull();
  expect((await browser.get("/dashboard")).status).toBe(303);
});

test("a wrong token is refused without a cookie, and too many are", async () => {
  browser.attempts = 2;
  for (const token of ["wrong", ""]) {
    const answer = await browser.post("/dashboard/login", { token });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(wordsOf(await answer.text())).toContain("This token is not known.");
  }
  expect((await browser.post("/dashboard/login", { token: "wrong" })).status).toBe(429);
});

test("a login link shows a button, and lets in once", async () => {
  await addLoginLink(browser.catalog, { code: "once-only", expiresAt: browser.now + HOUR });
  expect(await browser.page("/dashboard/login?once=once-only")).toContain("Open the dashboard");
  expect((await browser.post("/dashboard/login", { once: "once-only" })).headers.get("location")).toBe("/dashboard");
  expect((await browser.get("/dashboard")).status).toBe(200);
  browser.cookie = null;
  const again = await browser.post("/dashboard/login", { once: "once-only" });
  expect(again.status).toBe(401);
  expect(wordsOf(await again.text())).toContain("This link has been used or is too old");
});

test("of many who come with one login link at the same moment, one gets in; an old link lets nobody in", async () => {
  await addLoginLink(browser.catalog, { code: "raced", expiresAt: browser.now + HOUR });
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => browser.post("/dashboard/login", { once: "raced" })),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([303, 401, 401, 401, 401]);
  await addLoginLink(browser.catalog, { code: "old", expiresAt: browser.now });
  expect((await browser.post("/dashboard/login", { once: "old" })).status).toBe(401);
});

test("a form from another site, or from nowhere that is named, changes nothing", async () => {
  await browser.logIn();
  for (const headers of [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    {},
  ]) {
    for (const path of ["/dashboard/trigger", "/dashboard/login", "/dashboard/logout"]) {
      const answer = await browser.post(path, { token: ADMIN_TOKEN }, headers as Record<string, string>);
      expect(answer.status, `${path} ${JSON.stringify(headers)}`).toBe(403);
    }
  }
  expect(browser.exports.sent).toEqual([]);
  expect((await browser.get("/dashboard")).status).toBe(200);
});

test("a link from another site comes without the cookie: the page asks for itself once more", async () => {
  await browser.logIn();
  const { cookie } = browser;
  browser.cookie = null;
  const first = await browser.get("/dashboard/jobs?x=%22%3E", { "sec-fetch-site": "cross-site" });
  expect(first.status).toBe(200);
  const html = await first.text();
  expect(html).toContain('http-equiv="refresh" content="0;url=/dashboard/jobs?x=%22%3E"');
  browser.cookie = cookie;
  expect((await browser.get("/dashboard/jobs", { "sec-fetch-site": "same-origin" })).status).toBe(200);
});

test("Cloudflare Access lets in without a login, but only its own application", async () => {
  const getIdentity = async () => ({ email: "ann@example.com" });
  browser.auth = { ...browser.auth, accessAudience: "ours" };
  browser.access = { aud: "ours", getIdentity };
  expect(await browser.page("/dashboard")).toContain("ann@example.com");
  browser.access = { aud: "another", getIdentity };
  expect((await browser.get("/dashboard")).status).toBe(303);
});

test("without any way in the dashboard serves nothing and says how to make one; no cookie gets around that", async () => {
  await browser.logIn();
  browser.auth = { adminToken: "short", readToken: undefined, accessAudience: "" };
  const answer = await browser.get("/dashboard");
  expect(answer.status).toBe(503);
  expect(wordsOf(await answer.text())).toContain("wrangler secret put ADMIN_TOKEN");
});

test("a browser that asks for / lands on the dashboard; anything else gets the API", async () => {
  expect((await browser.get("/")).headers.get("location")).toBe("/dashboard");
  const program = await browser.get("/", { accept: "*/*" });
  expect(await program.json()).toMatchObject({ service: "patina" });
});
