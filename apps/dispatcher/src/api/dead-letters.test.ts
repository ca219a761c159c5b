import { recordDeadLetters } from "@patina/catalog/dead-letters";
import { openScheduledJob } from "@patina/catalog/jobs";
import { backupJobs, backupTasks } from "@patina/catalog/schema";
import { beforeEach, expect, test } from "vitest";
import { READ_TOKEN, TestApi } from "./testing.ts";

const NIGHT = Date.parse("2026-11-20T03:00:00Z");
const JOB = "nightly-2026-11-20";

let api: TestApi;

beforeEach(async () => {
  api = await TestApi.start(["auth", "shop"]);
  const common = { kind: "nightly", trigger: "cron", date: "2026-11-20", scheduledFor: NIGHT, now: NIGHT } as const;
  await openScheduledJob(api.catalog, { id: JOB, ...common });
  await api.catalog.update(backupTasks).set({ state: "failed", sentAt: NIGHT });
  await api.catalog.update(backupJobs).set({ status: "failed", finishedAt: NIGHT });
  await recordDeadLetters(
    api.catalog,
    ["auth", "shop"].map((database) => ({
      id: `letter-${database}`,
      queue: "patina-exports",
      body: JSON.stringify({ kind: "export-requested", version: 1, job: JOB, database, generation: 1 }),
      jobId: JOB,
      database,
      generation: 1,
      attempts: 1,
      errorCode: "source_missing",
      error: "Cannot read database: no binding",
      sentAt: NIGHT,
      arrivedAt: NIGHT + 1_000,
      alert: null,
    })),
  );
});

test("the inbox shows what died, with its message, its errors, its job and its database", async () => {
  const { letters, next } = await api.json("/dead-letters?state=open", { token: READ_TOKEN });
  expect(letters.map(({ id }: { id: string }) => id)).toEqual(["letter-shop", "letter-auth"]);
  expect(letters[0]).toMatchObject({
    job: JOB,
    database: "shop",
    attempts: 1,
    first_error: { code: "source_missing" },
    body: { kind: "export-requested", database: "shop" },
  });
  expect(next).toBeNull();
  expect(await api.json("/dead-letters/letter-shop")).toEqual(letters[0]);
});

test("a replay starts the task once, however often it is asked for", async () => {
  for (let i = 0; i < 2; i += 1) {
    expect(await api.json("/dead-letters/letter-shop/replay", { method: "POST" })).toMatchObject({
      end: "replayed",
      job: JOB,
      generation: 2,
    });
  }
  expect(api.exports.bodies).toEqual([
    { kind: "export-requested", version: 1, job: JOB, database: "shop", generation: 2, snoozes: 0 },
  ]);
});

test("all that match are replayed, and a discarded one is left alone", async () => {
  const discarded = await api.json("/dead-letters/letter-auth/discard", {
    method: "POST",
    body: '{"reason":"paused since"}',
  });
  expect(discarded).toMatchObject({ state: "discarded", reason: "paused since", closed_by: "admin-token" });
  const answer = await api.json("/dead-letters/replay", { method: "POST", body: '{"queue":"patina-exports"}' });
  expect(answer).toMatchObject({ letters: [{ id: "letter-shop", end: "replayed" }], more: false });
  const refused = await api.ask("/dead-letters/letter-auth/replay", { method: "POST" });
  expect(refused.status).toBe(409);
});

test.each([
  ["/dead-letters/none", "GET", undefined, 404],
  ["/dead-letters/none/replay", "POST", undefined, 404],
  ["/dead-letters/letter-shop/discard", "POST", "{}", 400],
  ["/dead-letters/letter-shop/discard", "POST", '{"reason":" "}', 400],
  ["/dead-letters?state=S3CRET", "GET", undefined, 400],
])("%s by %s with %s is refused with %i and changes nothing", async (path, method, body, status) => {
  const answer = await api.ask(path, { method, ...(body === undefined ? {} : { body }) });
  expect(answer.status).toBe(status);
  expect(await answer.text()).not.toContain("S3CRET");
  expect((await api.json("/dead-letters?state=open")).letters).toHaveLength(2);
});

test("a reader may look, but neither replay nor discard", async () => {
  for (const path of [
    "/dead-letters/letter-shop/replay",
    "/dead-letters/letter-shop/discard",
    "/dead-letters/replay",
  ]) {
    expect((await api.ask(path, { method: "POST", token: READ_TOKEN, body: "{}" })).status).toBe(403);
  }
});
