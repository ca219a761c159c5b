import { expect, test } from "vitest";
import { isForeignKeyFault, refusalOf } from "./refusal.ts";

test.each([
  ["UNIQUE constraint failed: t.a, t.b: SQLITE_CONSTRAINT (extended: 2067)", "UNIQUE constraint failed: t.a, t.b"],
  ["FOREIGN KEY constraint failed: SQLITE_CONSTRAINT", "FOREIGN KEY constraint failed"],
  ['foreign key mismatch - "c" referencing "p"', 'foreign key mismatch - "c" referencing "p"'],
  ["no such table: main.gone: SQLITE_ERROR", "no such table: main.gone"],
  ["cannot store TEXT value in INTEGER column t.a", "cannot store TEXT value in INTEGER column t.a"],
  ["something unheard of: SQLITE_IOERR_READ", "SQLITE_IOERR_READ"],
  ["something unheard of", "an error of SQLite"],
])("refusalOf() makes of %j: %j", (message, reason) => {
  expect(refusalOf(new Error(message))).toBe(reason);
});

test("refusalOf() never repeats what could be a row's data", () => {
  const secret = "4111-1111";
  for (const message of [
    `near "${secret}": syntax error at offset 12: SQLITE_ERROR`,
    `unrecognized token: "'${secret}": SQLITE_ERROR`,
    `no such column: "${secret}"`,
    secret,
  ]) {
    expect(refusalOf(new Error(message))).not.toContain(secret);
  }
});

test("isForeignKeyFault() knows what enforcing foreign keys brings about", () => {
  expect(isForeignKeyFault("FOREIGN KEY constraint failed")).toBe(true);
  expect(isForeignKeyFault("no such table: main.gone")).toBe(true);
  expect(isForeignKeyFault("UNIQUE constraint failed: t.a")).toBe(false);
});
