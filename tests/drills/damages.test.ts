import { checksOf, newScratch } from "@patina/archiver/testing-drill";
import { dumpOf } from "@patina/archiver/testing-dump";
import { verdictOf } from "@patina/core/drill";
import { expect, test } from "vitest";
import { damagesOf } from "./damages.ts";

const SHOP = { kind: "daily", date: "2026-11-20", database: "shop" } as const;
const BLOG = { kind: "daily", date: "2026-11-20", database: "blog" } as const;

const SQL = [
  "CREATE TABLE people(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, born REAL, photo BLOB)",
  "CREATE TABLE orders(id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES people(id), total REAL, note)",
  "CREATE TABLE tags(name TEXT PRIMARY KEY, weight INTEGER) WITHOUT ROWID",
  "CREATE UNIQUE INDEX by_name ON people(name)",
  "CREATE INDEX by_person ON orders(person, total)",
  `INSERT INTO people(name, born, photo) SELECT 'Person ' || value, 1900 + value / 2.0, randomblob(20)
   FROM (WITH RECURSIVE n(value) AS (VALUES(1) UNION ALL SELECT value + 1 FROM n LIMIT 40) SELECT value FROM n)`,
  "INSERT INTO orders SELECT id * 3, id, born * 1.5, hex(photo) FROM people",
  "INSERT INTO tags SELECT 'tag ' || id, id * 1000003 FROM people",
  "CREATE VIEW old AS SELECT name FROM people WHERE born < 1910",
  "CREATE TRIGGER ordered AFTER INSERT ON orders BEGIN UPDATE tags SET weight = weight + 1; END",
];

const OTHER = [
  "CREATE TABLE posts(id INTEGER PRIMARY KEY, text TEXT)",
  "INSERT INTO posts VALUES(1, 'Hello'), (2, 'World')",
];

const scratch = newScratch();

test("a backup without any damage passes", async () => {
  expect(verdictOf(await checksOf(await dumpOf(SHOP, SQL), scratch))).toBe("passed");
});

test("300 damages, each in its own way: every drill fails, and names a table where the damage lies in one", async () => {
  const backup = await dumpOf(SHOP, SQL);
  const other = await dumpOf(BLOG, OTHER);
  const survived: string[] = [];
  const unnamed: string[] = [];
  for (const { name, tables, ...damaged } of damagesOf(backup, { other, count: 300, seed: 20_261_120 })) {
    const checks = await checksOf(damaged, scratch);
    const findings = checks.flatMap((check) => check.findings).join("; ");
    if (verdictOf(checks) !== "failed") survived.push(`${name}: ${JSON.stringify(checks)}`);
    const isNamed = tables.some((table) => findings.includes(table));
    if (tables.length > 0 && !isNamed) unnamed.push(`${name}: ${findings}`);
  }
  expect(survived).toEqual([]);
  expect(unnamed).toEqual([]);
});
