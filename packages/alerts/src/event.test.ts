import { expect, test } from "vitest";
import { type AlertEvent, DEFAULT_EVENTS, EVENT_KINDS, EVENTS, eventId, isEventKind, subjectOf } from "./event.ts";

const LONGEST_JOB = "manual-20261120-154501-9f3a1c";
const LONGEST_NAME = "a".repeat(64);

const REPLAYED = { database: LONGEST_NAME, generation: 1_000_000 };
const EXAMPLES: readonly AlertEvent[] = [
  { kind: "job-started", job: LONGEST_JOB },
  { kind: "job-completed", job: LONGEST_JOB },
  { kind: "job-failed", job: LONGEST_JOB },
  { kind: "job-slow", job: LONGEST_JOB },
  { kind: "backup-failed", job: LONGEST_JOB, ...REPLAYED },
  { kind: "recovered", job: LONGEST_JOB, replayed: null },
  { kind: "recovered", job: LONGEST_JOB, replayed: REPLAYED },
  { kind: "run-missed", job: "nightly-2026-11-20", scheduledFor: 0 },
  { kind: "size-deviated", job: LONGEST_JOB, replayed: REPLAYED },
  { kind: "backup-fuzzy", job: LONGEST_JOB, replayed: REPLAYED },
  { kind: "archive-skipped", job: "weekly-2026-11-22", reason: "" },
  { kind: "archive-incomplete", job: "weekly-2026-11-22", missing: 1, error: "" },
  { kind: "verify-mismatch", content: "e".repeat(100), key: "k", database: null, error: "" },
  { kind: "drill-failed", drill: "d".repeat(100), key: "k", database: "shop", error: "" },
  ...(["restored", "restore-failed"] as const).map((kind) => ({
    kind,
    restore: `${Date.now()}-${"e".repeat(32)}`,
    key: "k",
    database: LONGEST_NAME,
    target: "",
    isReplaced: true,
    actor: "",
    error: null,
  })),
  {
    kind: "dead-letter",
    letter: "f".repeat(64),
    queue: "patina-exports",
    job: LONGEST_JOB,
    database: "shop",
    generation: 999,
    failedChannel: null,
  },
  {
    kind: "dead-letter",
    letter: "f".repeat(64),
    queue: "patina-alerts",
    job: null,
    database: null,
    generation: null,
    failedChannel: "discord",
  },
  { kind: "daily-summary", date: "2026-11-20" },
  { kind: "channel-test", test: "3f1c" },
];

test("every kind has an example here, and its own id, short enough for a message and without a dot", () => {
  expect(new Set(EXAMPLES.map(({ kind }) => kind))).toEqual(new Set([...EVENT_KINDS, "channel-test"]));
  const ids = EXAMPLES.map(eventId);
  expect(new Set(ids).size).toBe(EXAMPLES.length);
  for (const id of ids) {
    expect(id.length, id).toBeLessThanOrEqual(200);
    expect(id).not.toContain(".");
  }
});

test("a new channel gets every failure once, and recovery, and is quiet otherwise", () => {
  const levels = new Set(DEFAULT_EVENTS.map((kind) => EVENTS[kind].level));
  expect(levels).toEqual(new Set(["failure", "recovery"]));
  const left = EVENT_KINDS.filter((kind) => EVENTS[kind].level === "failure" && !DEFAULT_EVENTS.includes(kind));
  expect(left).toEqual(["backup-failed"]);
});

test("isEventKind() knows the kinds and not what an object inherits", () => {
  expect(EVENT_KINDS.every(isEventKind)).toBe(true);
  expect(isEventKind("toString")).toBe(false);
});

test("the dead letters of one job, queue and generation are one event, those of two jobs or generations are two", () => {
  const queue = "patina-exports";
  const letter = { kind: "dead-letter", queue, database: null, generation: 1, failedChannel: null } as const;
  const first = eventId({ ...letter, letter: "1", job: "nightly-2026-11-20" });
  expect(eventId({ ...letter, letter: "2", job: "nightly-2026-11-20" })).toBe(first);
  expect(eventId({ ...letter, letter: "2", job: "nightly-2026-11-21" })).not.toBe(first);
  expect(eventId({ ...letter, letter: "2", job: "nightly-2026-11-20", generation: 2 })).not.toBe(first);
});

test("subjectOf() names the job and the database, also of a replay", () => {
  expect(
    subjectOf({ kind: "recovered", job: "nightly-2026-11-20", replayed: { database: "shop", generation: 2 } }),
  ).toEqual({ job: "nightly-2026-11-20", database: "shop" });
  expect(subjectOf({ kind: "daily-summary", date: "2026-11-20" })).toEqual({ job: null, database: null });
});
