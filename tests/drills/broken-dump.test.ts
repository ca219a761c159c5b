import { checksOf, newScratch } from "@patina/archiver/testing-drill";
import { brokenDumpOf } from "@patina/archiver/testing-dump";
import { verdictOf } from "@patina/core/drill";
import { expect, test } from "vitest";

/**
 * Each rule of the dump broken on purpose. Such a dump is consistent: its digests are those of what it holds, and a
 * restored database dumped again gives them once more. Only what SQLite itself said of the source gives it away.
 */

const SHOP = { kind: "daily", date: "2026-11-20", database: "shop" } as const;

const SQL = [
  "CREATE TABLE texts(id INTEGER PRIMARY KEY, v TEXT)",
  "CREATE TABLE numbers(id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
  "CREATE TABLE left(id INTEGER PRIMARY KEY, v TEXT)",
  "CREATE TABLE right(id INTEGER PRIMARY KEY, v TEXT)",
  "CREATE TABLE free(v)",
  "CREATE TABLE computed(a, b AS (a + 1))",
  "INSERT INTO texts VALUES(1, CAST(X'61620063' AS TEXT)), (2, CAST(X'61ff62' AS TEXT)), (3, 'a' || char(13, 10) || 'b'), (4, ''), (5, 'a\\nb'), (6, CAST(X'eda080' AS TEXT))",
  "INSERT INTO numbers(v) VALUES(9007199254740993), (1.0), (9e999), (-9223372036854775808), (3.1), (X'00ff'), (1e300)",
  "UPDATE sqlite_sequence SET seq = 41 WHERE name = 'numbers'",
  "INSERT INTO left VALUES(1, 'one'), (2, 'two')",
  "INSERT INTO right VALUES(3, 'three'), (4, 'four')",
  "INSERT INTO free(rowid, v) VALUES(10, 'a'), (20, 'b')",
  "INSERT INTO computed(a) VALUES(1)",
  "CREATE INDEX by_text ON texts(v)",
  "CREATE TRIGGER kept AFTER DELETE ON texts BEGIN SELECT 1; END",
  "CREATE VIEW both AS SELECT v FROM left UNION ALL SELECT v FROM right",
  "CREATE VIRTUAL TABLE words USING fts5(text)",
  "INSERT INTO words VALUES('some words'), ('more words')",
  "CREATE VIRTUAL TABLE places USING rtree(id, low, high)",
  "INSERT INTO places VALUES(1, 1.5, 2.5), (2, 3.5, 4.5)",
];

const scratch = newScratch();

test.each([
  ["a text is cut at its NUL", "UPDATE texts SET v = 'ab' WHERE id = 1", "texts"],
  ["invalid UTF-8 is replaced", "UPDATE texts SET v = 'a' || char(65533) || 'b' WHERE id = 2", "texts"],
  ["a lone surrogate is replaced", "UPDATE texts SET v = char(65533, 65533, 65533) WHERE id = 6", "texts"],
  ["CR LF becomes LF", "UPDATE texts SET v = 'a' || char(10) || 'b' WHERE id = 3", "texts"],
  ["an empty text becomes NULL", "UPDATE texts SET v = NULL WHERE id = 4", "texts"],
  ["a backslash and an n become a line feed", "UPDATE texts SET v = 'a' || char(10) || 'b' WHERE id = 5", "texts"],
  ["a 64-bit integer is rounded", "UPDATE numbers SET v = 9007199254740992 WHERE id = 1", "numbers"],
  ["the smallest integer becomes a REAL", "UPDATE numbers SET v = -9223372036854775808.0 WHERE id = 4", "numbers"],
  ["REAL 1.0 becomes 1", "UPDATE numbers SET v = 1 WHERE id = 2", "numbers"],
  ["Infinity becomes NULL", "UPDATE numbers SET v = NULL WHERE id = 3", "numbers"],
  ["a REAL loses its last digit", "UPDATE numbers SET v = 3.1000000000000005 WHERE id = 5", "numbers"],
  ["a BLOB becomes text", "UPDATE numbers SET v = '00ff' WHERE id = 6", "numbers"],
  ["a row is dropped", "DELETE FROM texts WHERE id = 3", "texts"],
  ["a row is written twice", "INSERT INTO free SELECT v FROM free WHERE rowid = 10", "free"],
  ["rowids are numbered anew", "UPDATE free SET rowid = rowid / 10", "free"],
  [
    "two rows are swapped between tables",
    "INSERT INTO left SELECT * FROM right WHERE id = 3; INSERT INTO right SELECT * FROM left WHERE id = 1; DELETE FROM left WHERE id = 1; DELETE FROM right WHERE id = 3",
    "left",
  ],
  ["an index is lost", "DROP INDEX by_text", "texts"],
  ["a trigger is lost", "DROP TRIGGER kept", "texts"],
  ["a view is lost", "DROP VIEW both", "both"],
  ["a table is lost", "DROP TABLE computed", "computed"],
  [
    "a generated column is lost",
    "DROP TABLE computed; CREATE TABLE computed(a, b); INSERT INTO computed VALUES(1, 2)",
    "computed",
  ],
  ["an AUTOINCREMENT counter is lost", "UPDATE sqlite_sequence SET seq = 7 WHERE name = 'numbers'", "numbers"],
  ["all AUTOINCREMENT counters are lost", "DELETE FROM sqlite_sequence", "numbers"],
  ["a row of an FTS5 table is lost", "DELETE FROM words WHERE rowid = 2", "words"],
  ["a row of an R*Tree is lost", "DELETE FROM places WHERE id = 2", "places"],
])("a dump in which %s fails its drill, and the drill names the table", async (_, fault, table) => {
  const checks = await checksOf(await brokenDumpOf(SHOP, { statements: SQL, faults: [fault] }), scratch);
  expect(verdictOf(checks)).toBe("failed");
  expect(checks.flatMap(({ findings }) => findings).join("; ")).toContain(`"${table}"`);
  // Dumping it again does not show it: that is why the other checks are there.
  expect(checks.filter(({ name }) => name === "object" || name === "digests")).toMatchObject([
    { end: "passed" },
    { end: "passed" },
  ]);
});

test("the same dump without a fault passes", async () => {
  const checks = await checksOf(await brokenDumpOf(SHOP, { statements: SQL, faults: [] }), scratch);
  expect(checks.filter(({ end }) => end !== "passed")).toEqual([]);
});
