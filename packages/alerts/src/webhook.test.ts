import { expect, test } from "vitest";
import type { JobReport } from "./report.ts";
import { webhookPayload } from "./webhook.ts";

const REPORT: JobReport = {
  event: "job-failed:nightly-2026-11-20",
  kind: "job-failed",
  environment: "production",
  job: {
    id: "nightly-2026-11-20",
    kind: "nightly",
    status: "failed",
    date: "2026-11-20",
    startedAt: Date.parse("2026-11-20T03:00:00Z"),
    finishedAt: Date.parse("2026-11-20T03:00:09Z"),
    databases: 1,
    succeeded: 0,
    failed: 1,
    rows: 0,
    rawBytes: 0,
    storedBytes: 0,
  },
  databases: [
    {
      name: "scout-db",
      state: "failed",
      consistency: null,
      rows: null,
      rawBytes: null,
      storedBytes: null,
      durationMs: null,
      key: null,
      warnings: [],
      attempts: 3,
      error: { code: "source_missing", message: "No binding", next: "Give it one." },
      lastGood: null,
    },
  ],
  now: Date.parse("2026-11-20T03:00:10Z"),
};

test("webhookPayload() has the job, its times, a line per database, totals and errors", () => {
  expect(webhookPayload(REPORT)).toMatchObject({
    version: 1,
    event: "job-failed:nightly-2026-11-20",
    job: { id: "nightly-2026-11-20", started_at: "2026-11-20T03:00:00.000Z", duration_ms: 9_000 },
    totals: { databases: 1, failed: 1 },
    databases: [{ database: "scout-db", status: "failed", attempts: 3, last_good: null }],
    errors: [{ database: "scout-db", code: "source_missing", message: "No binding", next: "Give it one." }],
  });
});
