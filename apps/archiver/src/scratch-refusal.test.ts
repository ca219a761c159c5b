import { Refused } from "@patina/dump/replay";
import { expect, test } from "vitest";
import { refusal } from "./scratch-refusal.ts";

function refused(message: string) {
  return refusal(new Refused({ offset: 7, statement: "CREATE INDEX i ON t(a)" }, new Error(message)));
}

test.each([
  ["database or disk is full: SQLITE_FULL", "the scratch database is full: a Durable Object holds at most 10 GB"],
  ["out of memory: SQLITE_NOMEM", "the scratch database ran out of memory"],
  ["string or blob too big: SQLITE_TOOBIG", "a value is larger than a Durable Object takes"],
])("%s says nothing against a backup", (message, reason) => {
  expect(refused(message)).toEqual({ offset: 7, definition: "CREATE INDEX i ON t", reason, end: "unprovable" });
});

test("any other refusal is the backup's fault, and tells nothing of rows", () => {
  expect(refused("UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT")).toMatchObject({
    reason: 'SQLite says "UNIQUE constraint failed: t.a"',
    end: "failed",
  });
  expect(refused(`near "secret": syntax error`)).toMatchObject({ reason: 'SQLite says "syntax error"', end: "failed" });
});
