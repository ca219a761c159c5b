import { expect, test } from "vitest";
import { isFleeting } from "./expression.ts";

test("isFleeting() finds what will be another thing later, however it is written", () => {
  for (const expression of [
    "expires > CURRENT_TIMESTAMP",
    "a>current_date",
    "a < /* now */ Current_Time",
    "abs(random()) > a",
    "changes () < 5",
  ]) {
    expect(isFleeting(expression), expression).toBe(true);
  }
});

test("isFleeting() is not misled by columns, texts and comments of these names", () => {
  for (const expression of [
    '"CURRENT_TIMESTAMP" > 1',
    "a <> 'CURRENT_TIMESTAMP'",
    "a > 1 -- CURRENT_DATE",
    "random > 5",
    "changes IN (1, 2)",
    "[current_time] = '12:00'",
  ]) {
    expect(isFleeting(expression), expression).toBe(false);
  }
});
