import { expect, test } from "vitest";
import { ERROR_CODES, isErrorCode, PatinaError, toPatinaError } from "./error.ts";
import { backoffSeconds, MAX_DELAY_SECONDS, outcomeOf, outcomeOfDelivery } from "./outcome.ts";

test("outcomeOf() retries what may pass and gives up at once on what cannot", () => {
  const passing = new PatinaError("source_unreachable", "Network connection lost");
  expect(outcomeOf(passing, 1)).toEqual({ end: "retry", delaySeconds: 15, error: passing });
  const final = new PatinaError("source_failed", "no such table");
  expect(outcomeOf(final, 1)).toEqual({ end: "dead", error: final });
});

test("backoffSeconds() doubles from 15 s and stays within what a queue accepts", () => {
  expect([1, 2, 3, 4].map(backoffSeconds)).toEqual([15, 30, 60, 120]);
  expect(backoffSeconds(100)).toBeLessThanOrEqual(MAX_DELAY_SECONDS);
});

test.each(["catalog_unavailable", "catalog_outdated"] as const)(
  "outcomeOfDelivery() spares the attempts of a message that %s stopped, for over an hour",
  (code) => {
    const error = new PatinaError(code, "Cannot use the catalog");
    const delays = [0, 1, 2].map((snoozes) => outcomeOfDelivery(error, { attempts: 3, snoozes }));
    expect(delays).toEqual([60, 480, 3_600].map((delaySeconds) => ({ end: "snooze", delaySeconds })));
    expect(outcomeOfDelivery(error, { attempts: 3, snoozes: 3 })).toEqual(outcomeOf(error, 3));
  },
);

test("outcomeOfDelivery() leaves what is not the catalog's to the error table", () => {
  const other = new PatinaError("bucket_unavailable", "Cannot read");
  expect(outcomeOfDelivery(other, { attempts: 2, snoozes: 0 })).toEqual(outcomeOf(other, 2));
});

test("toPatinaError() keeps a PatinaError and hides the text of anything else", () => {
  const known = new PatinaError("not_found", "No job");
  expect(toPatinaError(known)).toBe(known);
  const unknown = toPatinaError(new TypeError("row data: hunter2"));
  expect(unknown.code).toBe("internal");
  expect(unknown.message).not.toContain("hunter2");
  expect(unknown.message).toBe("Unexpected TypeError");
});

test("isErrorCode() knows the table's codes and not what an object inherits", () => {
  for (const code of Object.keys(ERROR_CODES)) expect(isErrorCode(code)).toBe(true);
  expect(isErrorCode("toString")).toBe(false);
});
