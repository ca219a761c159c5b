import fc from "fast-check";
import { expect, test } from "vitest";
import { EVENTS } from "./event.ts";
import { EVERY_EVENT, failed, good, reportOf } from "./testing.ts";
import { webhookPayload } from "./webhook.ts";

test("webhookPayload() has the job, its times, a line per database, totals and errors", () => {
  expect(webhookPayload(reportOf([good("groveauth"), failed("scout-db")]))).toMatchObject({
    version: 1,
    event: "job-failed:nightly-2026-11-20",
    kind: "job-failed",
    level: "failure",
    environment: "production",
    happened_at: "2026-11-20T03:00:09.000Z",
    sent_at: "2026-11-20T03:00:10.000Z",
    headline: "Nightly backup failed for 1 of 2 databases",
    job: { id: "nightly-2026-11-20", started_at: "2026-11-20T03:00:00.000Z", duration_ms: 9_000 },
    totals: { databases: 2, failed: 1 },
    databases: [
      {
        database: "scout-db",
        status: "failed",
        attempts: 3,
        failures: 1,
        failing_since: "2026-11-20T03:00:09.000Z",
        last_good: { job: "nightly-2026-11-19", at: "2026-11-19T03:00:04.000Z" },
      },
      { database: "groveauth", status: "succeeded", stored_bytes: 61_000, error: null },
    ],
    databases_total: 2,
    databases_left_out: 0,
    rest_url: null,
    errors: [{ database: "scout-db", code: "source_failed", message: "Cannot read database: no such table: x" }],
  });
});

test("webhookPayload() names at most 100 databases, failures first, and says where the rest is", () => {
  const all = [...Array.from({ length: 500 }, (_, i) => good(`db-${i}`)), failed("last")];
  const payload = webhookPayload(reportOf(all, { home: "https://patina.example" }));
  expect(payload.databases).toHaveLength(100);
  expect(payload.databases[0]).toMatchObject({ database: "last" });
  expect(payload).toMatchObject({
    databases_total: 501,
    databases_left_out: 401,
    rest_url: "https://patina.example/jobs/nightly-2026-11-20",
  });
});

test("webhookPayload() of any number of databases leaves out no failed one before a good one", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 1_000 }), (oks) => {
      const payload = webhookPayload(reportOf(oks.map((ok, i) => (ok ? good(`${i}`) : failed(`${i}`)))));
      const wrong = oks.filter((ok) => !ok).length;
      expect(payload.databases.filter(({ status }) => status === "failed")).toHaveLength(Math.min(wrong, 100));
      expect(payload.errors).toHaveLength(Math.min(wrong, 100));
      expect(payload.databases.length + payload.databases_left_out).toBe(oks.length);
    }),
  );
});

test.each(EVERY_EVENT)("webhookPayload() of $kind says in words what happened, and carries its facts", (event) => {
  const payload = webhookPayload(reportOf([failed("shop")], { event }));
  expect(payload.headline.length).toBeGreaterThan(10);
  expect(payload.detail.length).toBeGreaterThan(10);
  expect(JSON.stringify(payload)).not.toMatch(/undefined|NaN|\[object/);
  expect(payload.facts).toEqual(event);
  if (event.kind !== "channel-test") expect(payload.level).toBe(EVENTS[event.kind].level);
});
