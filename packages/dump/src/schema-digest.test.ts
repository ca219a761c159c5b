import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { schemaDigest } from "./schema-digest.ts";
import { objectsOf, readSchema } from "./schema-reader.ts";
import { sqliteSource } from "./sqlite-source.ts";

async function digestOf(...statements: readonly string[]) {
  const db = new DatabaseSync(":memory:");
  for (const sql of statements) db.exec(sql);
  const { identity } = await readSchema(sqliteSource(db));
  db.close();
  return schemaDigest(objectsOf(identity));
}

const TABLE = "CREATE TABLE t(a, b)";
const INDEX = "CREATE INDEX i ON t(a)";
const VIEW = "CREATE VIEW v AS SELECT a FROM t";

test("a schema's digest depends on every definition, and not on their order", async () => {
  const { sha256, definitions } = await digestOf(TABLE, INDEX, VIEW);
  expect(definitions.map(({ type, name, table }) => `${type} ${name} ${table}`)).toEqual([
    "table t t",
    "index i t",
    "view v v",
  ]);
  expect((await digestOf(TABLE, VIEW, INDEX)).sha256).toBe(sha256);
  expect((await digestOf(TABLE, INDEX)).sha256).not.toBe(sha256);
  expect((await digestOf(TABLE, INDEX, "CREATE VIEW v AS SELECT b FROM t")).sha256).not.toBe(sha256);
  expect((await digestOf(TABLE, INDEX, VIEW, "ALTER TABLE t ADD c")).sha256).not.toBe(sha256);
});

test("rows, counters and statistics are no part of the schema", async () => {
  const counted = "CREATE TABLE n(id INTEGER PRIMARY KEY AUTOINCREMENT)";
  const empty = await digestOf(counted, TABLE, INDEX);
  const full = await digestOf(
    counted,
    TABLE,
    INDEX,
    "INSERT INTO n VALUES(7)",
    "INSERT INTO t VALUES(1, 2)",
    "ANALYZE",
  );
  expect(full).toEqual(empty);
});

test("the tables that a virtual table brings with it are its module's", async () => {
  const { definitions } = await digestOf("CREATE VIRTUAL TABLE f USING fts5(a)", "CREATE TABLE f_notes(a)");
  expect(definitions.map(({ name }) => name)).toEqual(["f", "f_notes"]);
});

test.each([
  ["CREATE VIEW v AS SELECT 1 -- why", "CREATE VIEW v AS SELECT 1 -- why\n"],
  ["CREATE TABLE t(a) /* open", "CREATE TABLE t(a) /* open*/"],
  ["CREATE TABLE t(a) -- why", "CREATE TABLE t(a) -- why\n"],
])("what a restore adds to close a comment does not make another schema", (before, after) => {
  const object = { type: "table", name: "t", table: "t" };
  expect(schemaDigest([{ ...object, sql: before }])).toEqual(schemaDigest([{ ...object, sql: after }]));
});
