import { expect, test } from "vitest";
import type { AlertEvent } from "./event.ts";
import { linkOf } from "./link.ts";
import { failed, good, jobOf, reportOf } from "./testing.ts";
import { wordsOf } from "./words.ts";

const NIGHT = Date.parse("2026-11-20T03:00:00Z");
const JOB = "nightly-2026-11-20";

test("one recovered database is named, several are counted", () => {
  const event: AlertEvent = { kind: "recovered", job: JOB, replayed: null };
  expect(wordsOf(reportOf([good("shop")], { event })).headline).toBe("shop is backed up again");
  expect(wordsOf(reportOf([good("a"), good("b")], { event })).headline).toBe("2 databases are backed up again");
});

test("a missed run says whether it was made up for", () => {
  const event: AlertEvent = { kind: "run-missed", job: JOB, scheduledFor: NIGHT };
  const lost = wordsOf(reportOf([good("a")], { event, job: null }));
  expect(lost.headline).toBe("Nightly run of 2026-11-20 was missed");
  expect(lost.detail).toBe(
    "It should have started at 2026-11-20 03:00 UTC and did not. No backup has that date, and none can be made any more.",
  );
  const late = { ...jobOf([good("a")]), startedAt: NIGHT + 360_000 };
  expect(wordsOf(reportOf([good("a")], { event, job: late })).detail).toContain(
    `It was made up for at 2026-11-20 03:06 UTC as job ${JOB}.`,
  );
});

test("a slow job says whether it still runs", () => {
  const event: AlertEvent = { kind: "job-slow", job: JOB };
  const running = { ...jobOf([failed("a")]), finishedAt: null };
  const words = wordsOf(reportOf([], { event, job: running, now: NIGHT + 46 * 60_000 }));
  expect(words.headline).toBe("Nightly backup is slow: still running");
  expect(words.detail).toContain("for 46 min");
  expect(wordsOf(reportOf([], { event })).headline).toBe("Nightly backup was slow");
});

test("dead letters are counted, with their queue, their job and the last error", () => {
  const event: AlertEvent = {
    kind: "dead-letter",
    letter: "1",
    queue: "patina-exports",
    job: JOB,
    database: "shop",
    generation: 1,
    failedChannel: null,
  };
  const letters = { count: 3, error: "Cannot read database: no binding" };
  const words = wordsOf(reportOf([], { event, letters }));
  expect(words.headline).toBe("3 dead letters have arrived from patina-exports");
  expect(words.detail).toBe(`Messages of job ${JOB} will not be tried again: Cannot read database: no binding.`);
});

test("an incomplete archive says what it lacks", () => {
  const error = "The archive lacks 3: shop of 2026-11-18, shop of 2026-11-19, auth of 2026-11-19";
  const event: AlertEvent = { kind: "archive-incomplete", job: "weekly-2026-11-22", missing: 3, error };
  const words = wordsOf(reportOf([], { event, job: null }));
  expect(words.headline).toBe("Weekly archive of 2026-11-22 lacks 3 backups");
  expect(words.detail).toContain(error);
});

test("a weekly job is told of by its archive, not by databases that it does not have", () => {
  const weekly = { ...jobOf([]), id: "weekly-2026-11-22", kind: "weekly" } as const;
  const done = { ...weekly, succeeded: 42, databases: 42 };
  const completed: AlertEvent = { kind: "job-completed", job: weekly.id };
  expect(wordsOf(reportOf([], { event: completed, job: done }))).toMatchObject({
    headline: "Weekly archive complete",
    detail: "Job weekly-2026-11-22: 42 backups in 9.0 s; 866 KB as 190 KB stored.",
  });
  const failing: AlertEvent = { kind: "job-failed", job: weekly.id };
  const error = "Cannot make the archive: every attempt failed";
  expect(wordsOf(reportOf([], { event: failing, job: { ...weekly, error } }))).toMatchObject({
    headline: "Weekly archive failed",
    detail: `Job weekly-2026-11-22: ${error}.`,
  });
});

test("a damaged backup is named with what is wrong with it, and many of them are told of as one", () => {
  const found = { kind: "verify-mismatch", content: "e", error: "The object is missing" } as const;
  const one = wordsOf(reportOf([], { event: { ...found, key: "daily/2026-11-19/shop.sql.gz", database: "shop" } }));
  expect(one).toMatchObject({
    headline: "A stored backup of shop is damaged",
    detail: "daily/2026-11-19/shop.sql.gz: The object is missing.",
  });
  const event: AlertEvent = {
    ...found,
    content: "verify-2026-11-20",
    key: "daily/2026-11-19/shop.sql.gz",
    database: null,
    many: 1_234,
  };
  const many = reportOf([], { event, home: "https://patina.example" });
  expect(wordsOf(many)).toMatchObject({
    headline: "1,234 stored backups are damaged",
    detail:
      "Verification verify-2026-11-20 found them; the first is daily/2026-11-19/shop.sql.gz: The object is missing.",
  });
  expect(linkOf(many)).toBe("https://patina.example/dashboard");
});
