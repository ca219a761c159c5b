import { env } from "cloudflare:test";
import { listAudit } from "@patina/catalog/audit";
import { findDeadLetter } from "@patina/catalog/dead-letters";
import { seedHistory } from "@patina/catalog/testing-history";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestBrowser, wordsOf } from "./testing.ts";

const JOB = "nightly-2026-11-20";

let browser: TestBrowser;

/** A database whose last export died, with its letter. */
beforeEach(async () => {
  browser = await TestBrowser.start();
  await browser.logIn();
  const of = () => ({ end: "failed", error: "Cannot reach the database" }) as const;
  await seedHistory(browser.catalog, { names: ["blog"], nights: 1, now: browser.now, of });
  const body = { kind: "export-requested", version: 1, job: JOB, database: "blog", generation: 1, snoozes: 0 };
  await env.CATALOG.prepare(
    `insert into dead_letters (id, queue, body, job_id, database, generation, attempts, error, sent_at, arrived_at)
     values ('letter', 'patina-exports', ?, ?, 'blog', 1, 3, 'Cannot reach the database', ?, ?)`,
  )
    .bind(JSON.stringify(body), JOB, browser.now, browser.now)
    .run();
});

test("Replay runs the task again and leads to its job; a second click changes nothing", async () => {
  expect(await browser.page("/dashboard/dead-letters")).toContain('aria-label="Replay blog"');
  const answer = await browser.post("/dashboard/dead-letters/letter/replay");
  expect(answer.headers.get("location")).toBe(`/dashboard/jobs/${JOB}`);
  expect(browser.exports.bodies).toMatchObject([{ kind: "export-requested", database: "blog", generation: 2 }]);
  await browser.post("/dashboard/dead-letters/letter/replay");
  expect(browser.exports.sent).toHaveLength(1);
  const words = wordsOf(await browser.page("/dashboard/dead-letters"));
  expect(words).toContain("No dead letter waits for anybody");
  expect(words).toContain(`by admin-token in ${JOB}`);
  expect(await listAudit(browser.catalog, { limit: 5 })).toMatchObject([{ actor: "admin-token", subject: "letter" }]);
});

test("Replay all takes every open letter", async () => {
  await browser.post("/dashboard/dead-letters/replay");
  expect(await findDeadLetter(browser.catalog, "letter")).toMatchObject({ state: "replayed" });
});

test("Discard needs a reason, and shows it", async () => {
  expect((await browser.post("/dashboard/dead-letters/letter/discard", { reason: "  " })).status).toBe(400);
  expect(await findDeadLetter(browser.catalog, "letter")).toMatchObject({ state: "open" });
  await browser.post("/dashboard/dead-letters/letter/discard", { reason: "the database is gone" });
  expect(wordsOf(await browser.page("/dashboard/dead-letters"))).toContain("by admin-token: the database is gone");
  expect((await browser.post("/dashboard/dead-letters/letter/replay")).status).toBe(409);
  expect(browser.exports.sent).toEqual([]);
});

test("a letter that is not there, and whoever may only look, change nothing", async () => {
  expect((await browser.post("/dashboard/dead-letters/gone/replay")).status).toBe(404);
  expect((await browser.post("/dashboard/dead-letters/gone/discard", { reason: "x" })).status).toBe(404);
  browser.cookie = null;
  await browser.logIn(READ_TOKEN);
  expect(await browser.page("/dashboard/dead-letters")).not.toContain("<button type");
  expect((await browser.post("/dashboard/dead-letters/letter/replay")).status).toBe(403);
  expect(await findDeadLetter(browser.catalog, "letter")).toMatchObject({ state: "open" });
});
