import { checksOf, newScratch } from "@patina/archiver/testing-drill";
import { dumpOf } from "@patina/archiver/testing-dump";
import { verdictOf } from "@patina/core/drill";
import { expect, test } from "vitest";

const SHOP = { kind: "daily", date: "2026-11-20", database: "shop" } as const;

const SQL = [
  "CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, mail TEXT UNIQUE, name TEXT, born INTEGER, note)",
  "CREATE TABLE sessions(id INTEGER PRIMARY KEY AUTOINCREMENT, user REFERENCES users(id), token TEXT)",
  "CREATE INDEX by_name ON users(name)",
  "INSERT INTO users(mail, name, born, note) VALUES('a@example.com', 'Ada', 1815, 1.5), (NULL, 'Grace', 1906, X'00')",
  "INSERT INTO sessions(user, token) VALUES(1, 'secret'), (2, 'secret too')",
];

const RULES = {
  redactions: [
    { table: "users", column: "mail", as: "digest" },
    { table: "users", column: "name", as: "text", text: "Somebody" },
    { table: "users", column: "born", as: "null" },
  ],
  excludedTables: ["sessions"],
} as const;

test("a backup whose rules replace columns and leave out tables is proven to be what they make of it", async () => {
  const dumped = await dumpOf(SHOP, SQL, RULES);
  expect(dumped.manifest.tables.map(({ name, rows, counter }) => [name, rows, counter])).toEqual([
    ["users", 2, "2"],
    ["sessions", 0, "2"],
  ]);
  const checks = await checksOf(dumped, newScratch());
  expect(checks.filter(({ end }) => end !== "passed")).toEqual([]);
  expect(verdictOf(checks)).toBe("passed");
});
