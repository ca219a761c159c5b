import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { build, openEmpty } from "../corpus/build.ts";
import { CORPUS } from "../corpus/corpus.ts";
import { compare } from "./compare.ts";
import { type Mutation, ROWS, VALUES } from "./mutations.ts";
import { SCHEMAS, SYSTEM, VIRTUAL } from "./object-mutations.ts";
import { quoteName } from "./rows.ts";

function statements(of: Mutation["of"]): readonly string[] {
  if (typeof of !== "string") return of;
  const entry = CORPUS.find((candidate) => candidate.name === of);
  if (entry === undefined) throw new Error(`No case ${of}`);
  return entry.sql;
}

function make(sql: readonly string[]): DatabaseSync {
  const database = openEmpty();
  database.enableDefensive(false); // one mutation damages an index by way of the schema
  for (const statement of sql) database.exec(statement);
  return database;
}

test("two builds of one case are equal, for every case of the corpus", { timeout: 60_000 }, () => {
  for (const entry of CORPUS) {
    const left = build(entry);
    const right = build(entry);
    expect(compare(left, right), entry.name).toEqual([]);
    left.close();
    right.close();
  }
});

for (const mutation of [...VALUES, ...ROWS, ...SCHEMAS, ...SYSTEM, ...VIRTUAL]) {
  test(`compare() notices ${mutation.change}`, () => {
    const before = statements(mutation.of);
    const left = make(before);
    const right = make([...before, ...mutation.by]);
    const found = compare(left, right);
    for (const part of mutation.says) expect(found.join("\n")).toContain(part);
    if (mutation.oneWay !== true) expect(compare(right, left)).not.toEqual([]);
    expect(compare(left, left)).toEqual([]);
    left.close();
    right.close();
  });
}

/** Changes that must find their table as it was: nothing fires, nothing is refused, nothing cascades. */
function loosen(database: DatabaseSync): void {
  database.exec("PRAGMA foreign_keys=OFF");
  database.exec("PRAGMA ignore_check_constraints=ON");
  for (const row of database.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all()) {
    database.exec(`DROP TRIGGER ${quoteName(String(row["name"]))}`);
  }
}

function plainTables(database: DatabaseSync): readonly string[] {
  const tables = database
    .prepare("PRAGMA main.table_list")
    .all()
    .filter((row) => row["type"] === "table");
  return tables.map((row) => String(row["name"])).filter((name) => !name.startsWith("sqlite_s"));
}

/** 2 MB: larger databases are compared often enough elsewhere. */
const MOST_PAGES = 500;

/** One row of a table, found without a rowid: the first row by its first column. */
function change(database: DatabaseSync, sql: string): boolean {
  try {
    return Number(database.prepare(sql).run().changes) > 0;
  } catch {
    return false; // a UNIQUE or STRICT table refuses some of the changes
  }
}

test("compare() sees the loss of any one row of any table of the corpus", { timeout: 60_000 }, () => {
  let seen = 0;
  for (const entry of CORPUS) {
    const left = build(entry);
    loosen(left);
    for (const table of plainTables(left)) {
      left.exec("SAVEPOINT before");
      const name = quoteName(table);
      const first = left.prepare(`PRAGMA main.table_xinfo(${name})`).all()[0];
      const column = `${name}.${quoteName(String(first?.["name"]))}`;
      const changed = change(left, `DELETE FROM ${name} WHERE ${column} IS (SELECT max(${column}) FROM ${name})`);
      if (changed) {
        const right = build(entry);
        loosen(right);
        expect(compare(left, right).join("\n"), `${entry.name}, table ${table}`).toContain(`table ${name}: row`);
        right.close();
        seen++;
      }
      left.exec("ROLLBACK TO before");
      left.exec("RELEASE before");
    }
    left.close();
  }
  expect(seen).toBeGreaterThan(400);
});

test("compare() sees another value in any one column of any small table of the corpus", { timeout: 60_000 }, () => {
  let seen = 0;
  for (const entry of CORPUS) {
    const left = build(entry);
    if (Number(left.prepare("PRAGMA page_count").get()?.["page_count"]) > MOST_PAGES) continue;
    const right = build(entry);
    loosen(left);
    loosen(right);
    for (const table of plainTables(left)) {
      const name = quoteName(table);
      const columns = left
        .prepare(`PRAGMA main.table_xinfo(${name})`)
        .all()
        .filter((row) => row["hidden"] === 0);
      // The last column of each table, and all of those with few.
      for (const { name: columnName } of columns.slice(columns.length > 10 ? -1 : 0)) {
        right.exec("SAVEPOINT before");
        const column = `${name}.${quoteName(String(columnName))}`;
        const other = `CASE typeof(${column}) WHEN 'text' THEN CAST(${column} || 'x' AS TEXT) WHEN 'blob' THEN CAST(${column} || X'00' AS BLOB) WHEN 'null' THEN 7 WHEN 'real' THEN -${column} - 1.5 ELSE ${column} - 1 END`;
        const changed = change(right, `UPDATE ${name} SET ${quoteName(String(columnName))} = ${other}`);
        if (changed) {
          expect(compare(left, right).join("\n"), `${entry.name}, ${column}`).toContain(`table ${name}: row`);
          seen++;
        }
        right.exec("ROLLBACK TO before");
        right.exec("RELEASE before");
      }
    }
    left.close();
    right.close();
  }
  expect(seen).toBeGreaterThan(700);
});

test("exceptFts leaves out the index of the tables named, and nothing else", () => {
  const sql = [
    "CREATE VIRTUAL TABLE f USING fts5(a, content='')",
    "CREATE VIRTUAL TABLE g USING fts5(a, content='')",
    "INSERT INTO f(rowid, a) VALUES(1, 'one')",
    "INSERT INTO g(rowid, a) VALUES(1, 'one')",
    "INSERT INTO f(f, rank) VALUES('pgsz', 500)",
  ];
  const left = make(sql);
  const right = make(sql.slice(0, 2));
  expect(compare(left, right, { exceptFts: ["f", "g"] })).toEqual([
    'contentless FTS5 "f": row setting = text "pgsz" is missing',
  ]);
  expect(compare(left, right, { exceptFts: ["f"] }).join("\n")).toContain('contentless FTS5 "g": row rowid');
  left.close();
  right.close();
});

test("limit says how many differences of one table are told", () => {
  const rows =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) INSERT INTO t SELECT i FROM n";
  const left = make(["CREATE TABLE t(a)", rows]);
  const right = make(["CREATE TABLE t(a)"]);
  expect(compare(left, right)).toHaveLength(21);
  expect(compare(left, right, { limit: 3 }).at(-1)).toBe("... and 47 more of the same table");
  left.close();
  right.close();
});

test("a table that cannot be read is a difference, even when neither database can read it", () => {
  const sql = [
    "CREATE TABLE t(a)",
    "CREATE VIRTUAL TABLE f USING fts5(a)",
    "INSERT INTO f VALUES('x')",
    "DELETE FROM f_data",
  ];
  const left = make(sql);
  const right = make(sql);
  expect(compare(left, right).join("\n")).toContain('table "f": cannot be compared: ');
  left.close();
  right.close();
});

test("a virtual generated column that fails is left out, and the rest of its table is not", () => {
  const sql = CORPUS.find((entry) => entry.name === "generated-that-fails")?.sql ?? [];
  const left = make(sql);
  const right = make([...sql.slice(0, 2), "UPDATE t SET doc = '[]' WHERE id = 3", ...sql.slice(2)]);
  const works = make([...sql.slice(0, 1), ...sql.slice(2)]);
  expect(compare(left, left)).toEqual([]);
  expect(compare(left, right)).toEqual(['table "t": row rowid = integer 3, column "doc": NULL became text "[]"']);
  expect(compare(left, works)[0]).toBe('table "t": reading its generated columns: malformed JSON, now works');
  for (const database of [left, right, works]) database.close();
});

test("another text encoding is a difference", () => {
  const left = make(["CREATE TABLE t(a)"]);
  const right = make(["PRAGMA encoding='UTF-16'", "CREATE TABLE t(a)"]);
  expect(compare(left, right)).toContain("encoding UTF-8 became UTF-16le");
  left.close();
  right.close();
});

test("an empty sqlite_sequence or sqlite_stat1 equals none at all", () => {
  const left = make([
    "CREATE TABLE t(a)",
    "CREATE TABLE x(id INTEGER PRIMARY KEY AUTOINCREMENT)",
    "DROP TABLE x",
    "ANALYZE",
  ]);
  const right = make(["CREATE TABLE t(a)"]);
  expect(compare(left, right)).toEqual([]);
  left.close();
  right.close();
});

test("D1's own tables are left out by their exact prefix", () => {
  const left = make(["CREATE TABLE _cf_METADATA(a)", "CREATE TABLE _CF_kv(a)", "CREATE INDEX i ON _cf_METADATA(a)"]);
  const right = make([]);
  expect(compare(left, right)).toEqual([]);
  left.close();
  right.close();
});

test("rows that violate a CHECK or a foreign key are equal when they are the same", () => {
  const sql = [
    "CREATE TABLE t(a CHECK(a > 0), p REFERENCES t(a))",
    "PRAGMA foreign_keys=OFF",
    "PRAGMA ignore_check_constraints=ON",
    "INSERT INTO t VALUES(-1, 5)",
    "PRAGMA ignore_check_constraints=OFF",
  ];
  const left = make(sql);
  const right = make(sql);
  expect(compare(left, right)).toEqual([]);
  left.close();
  right.close();
});

test("compare() takes the paths of two files and leaves them as they are", () => {
  const folder = mkdtempSync(join(tmpdir(), "patina-compare-"));
  const [left, right] = ["left", "right"].map((name) => join(folder, `${name}.sqlite`)) as [string, string];
  for (const path of [left, right]) {
    const database = openEmpty(path);
    database.exec("PRAGMA journal_mode=WAL");
    database.exec("CREATE VIRTUAL TABLE f USING fts5(a)");
    database.exec("INSERT INTO f VALUES('hello')");
    database.close();
  }
  expect(compare(left, right)).toEqual([]);
  const changed = openEmpty(right);
  changed.exec("UPDATE f SET a = 'bye'");
  expect(compare(left, right).length).toBeGreaterThan(1); // while another connection keeps the change in its WAL
  changed.close();
  expect(compare(left, right).length).toBeGreaterThan(1);
  rmSync(folder, { recursive: true });
});
