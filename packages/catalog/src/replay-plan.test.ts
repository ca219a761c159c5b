import { DAY, HOUR } from "@patina/core/date";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type OpenLetter, planReplay } from "./replay-plan.ts";

const NIGHT = Date.parse("2026-11-20T03:00:00Z");
const TASK = { version: 1, job: "nightly-2026-11-20", database: "shop", generation: 1 };

/** An open letter of a failed task, on the morning after. */
function letter(message: object, change: Partial<OpenLetter> = {}): OpenLetter {
  return {
    queue: "patina-exports",
    body: JSON.stringify(message),
    database: "shop",
    generation: 1,
    task: { generation: 1, state: "failed" },
    scheduledFor: NIGHT,
    isRegistered: true,
    alertState: null,
    ...change,
  };
}

const EXPORT = { ...TASK, kind: "export-requested" };
const RESULT = { ...TASK, kind: "export-finished", manifest: "daily/2026-11-20/shop.manifest.json" };
const ALERT = { kind: "alert-due", version: 1, event: "job-failed:x", channel: "ops" };
const MORNING = NIGHT + 6 * HOUR;

test("an export of last night is done again in its own task", () => {
  expect(planReplay(letter(EXPORT), MORNING)).toEqual({ do: "rerun" });
});

test("from the next nightly on, an export is done again in a manual job: no data gets another day's date", () => {
  expect(planReplay(letter(EXPORT), NIGHT + DAY - 1)).toEqual({ do: "rerun" });
  expect(planReplay(letter(EXPORT), NIGHT + DAY)).toEqual({ do: "manual" });
  const august = Date.parse("2026-08-14T03:00:00Z");
  expect(planReplay(letter(EXPORT, { scheduledFor: august }), MORNING)).toEqual({ do: "manual" });
});

test("an export is never done under its old date once the next nightly's time has come", () => {
  const late = fc.integer({ min: NIGHT, max: NIGHT + 400 * DAY });
  fc.assert(
    fc.property(late, late, (scheduledFor, now) => {
      fc.pre(now >= scheduledFor);
      const plan = planReplay(letter(EXPORT, { scheduledFor }), now);
      const nextNight = Math.floor((scheduledFor - NIGHT) / DAY + 1) * DAY + NIGHT;
      expect(plan.do).toBe(now >= nextNight ? "manual" : "rerun");
    }),
  );
});

test("an export whose job is gone is done in a manual job", () => {
  expect(planReplay(letter(EXPORT, { task: null, scheduledFor: null }), MORNING)).toEqual({ do: "manual" });
});

test("a result is reported again however old it is: its backup carries its own date", () => {
  const old = { queue: "patina-results", scheduledFor: NIGHT - 90 * DAY };
  expect(planReplay(letter(RESULT, old), MORNING)).toEqual({ do: "report" });
});

test("a given-up task is done again like an export", () => {
  const abandoned = letter({ ...TASK, kind: "export-abandoned" }, { queue: "patina-results" });
  expect(planReplay(abandoned, MORNING)).toEqual({ do: "rerun" });
});

test("what another letter of the same task has started again is not started twice", () => {
  const task = { generation: 2, state: "queued" };
  expect(planReplay(letter(EXPORT, { task }), MORNING)).toEqual({ do: "follow" });
  expect(planReplay(letter(EXPORT, { task, scheduledFor: NIGHT - 90 * DAY }), MORNING)).toEqual({ do: "follow" });
});

test("an alert is sent again, and what has no task as it is", () => {
  const alert = letter(ALERT, { queue: "patina-alerts", alertState: "given_up" });
  expect(planReplay(alert, MORNING)).toEqual({ do: "alert", alert: { event: "job-failed:x", channel: "ops" } });
  const check = letter({ kind: "job-check", version: 1, job: TASK.job }, { queue: "patina-results" });
  expect(planReplay(check, MORNING)).toEqual({ do: "resend" });
});

test.each([
  ["a body that is no message", letter({ hello: 1 }), "cannot be understood"],
  ["a body that is no JSON", letter({}, { body: "{" }), "cannot be understood"],
  ["an unknown queue", letter(EXPORT, { queue: "elsewhere" }), "cannot be understood"],
  ["a task under way", letter(EXPORT, { task: { generation: 1, state: "running" } }), "still under way"],
  ["a task that succeeded", letter(EXPORT, { task: { generation: 1, state: "done" } }), "backed up in the same job"],
  ["a database that is gone", letter(EXPORT, { isRegistered: false }), "no longer registered"],
  ["a result whose job is gone", letter(RESULT, { queue: "patina-results", task: null }), "its job is gone"],
  ["an alert whose channel is gone", letter(ALERT, { queue: "patina-alerts" }), "channel or its event is gone"],
  ["an alert that arrived", letter(ALERT, { queue: "patina-alerts", alertState: "sent" }), "sent after all"],
])("%s is refused with the reason", (_, given, reason) => {
  expect(planReplay(given, MORNING)).toEqual({ do: "refuse", reason: expect.stringContaining(reason) });
});
