import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { verdictOf } from "@patina/core/drill";
import { NO_RULES } from "@patina/core/rules";
import { expect, test } from "vitest";
import { D1_LIMITS } from "./d1-limits.ts";
import { dump } from "./dump.ts";
import type { Expected } from "./expected.ts";
import { Proof, prove } from "./proof.ts";
import { sqliteSource } from "./sqlite-source.ts";

const SCHEMA = `
  CREATE TABLE people(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, born REAL);
  CREATE TABLE notes(id INTEGER PRIMARY KEY, person REFERENCES people(id), text TEXT CHECK (text <> 'bad'));
  CREATE INDEX by_name ON people(name);
  CREATE VIRTUAL TABLE words USING fts5(text, content='notes', content_rowid='id');
  INSERT INTO people(name, born) VALUES('Ada', 1815.9), ('Grace', 1906.9);
  INSERT INTO notes VALUES(1, 1, 'first'), (2, 2, 'second');
  INSERT INTO words(words) VALUES('rebuild');
  CREATE VIEW old AS SELECT name FROM people WHERE born < 1900;
  CREATE TRIGGER born AFTER INSERT ON people BEGIN SELECT 1; END;
  ANALYZE;`;

function open(...changes: readonly string[]): DatabaseSync {
  const db = new DatabaseSync(":memory:", { enableForeignKeyConstraints: false, limits: D1_LIMITS });
  db.exec(SCHEMA);
  for (const sql of changes) db.exec(sql);
  return db;
}

/** What a backup of a database says of it. */
async function backupOf(db: DatabaseSync): Promise<Expected> {
  const parts: Uint8Array[] = [];
  let body = { start: 0, end: 0 };
  const output = {
    position: 0,
    write(bytes: Uint8Array) {
      parts.push(bytes.slice());
      output.position += bytes.length;
    },
    endStatement() {},
    beginBody() {
      body = { start: output.position, end: 0 };
    },
    endBody() {
      body = { ...body, end: output.position };
    },
  };
  const info = { database: "x", environment: "test", job: "nightly-2026-11-20", startedAt: "" };
  const run = dump(sqliteSource(db), { ...info, rules: NO_RULES, redactionKey: null, snapshotBytes: 1e9, output });
  let step = await run.next();
  while (!step.done) step = await run.next();
  const { tables, schema } = step.value;
  const sql = Buffer.concat(parts);
  const hash = createHash("sha256");
  let at = body.start;
  for (const { start, end } of [...tables].sort((a, b) => a.start - b.start)) {
    hash.update(sql.subarray(at, start));
    at = end;
  }
  const definitions = hash.update(sql.subarray(at, body.end)).digest("hex");
  return { tables, definitions, schema, isFuzzy: false, uninsertable: new Map(), refused: new Set() };
}

/** How a database that should be as SCHEMA makes it stands, in short. */
async function proven(...changes: readonly string[]): Promise<{ verdict: string; findings: string[] }> {
  const [source, restored] = [open(), open(...changes)];
  const checks = await prove(sqliteSource(restored), await backupOf(source));
  source.close();
  restored.close();
  return { verdict: verdictOf(checks), findings: checks.flatMap((check) => check.findings) };
}

test("prove() finds nothing against a database that is what was backed up", async () => {
  expect(await proven()).toEqual({ verdict: "passed", findings: [] });
});

test.each([
  ["a row that is missing", "DELETE FROM people WHERE id = 2", 'Table "people" has 1 rows, and had 2'],
  ["a row too many", "INSERT INTO people(name) VALUES('Alan')", 'Table "people" has 3 rows, and had 2'],
  ["a value that differs", "UPDATE people SET born = 1816 WHERE id = 1", 'The rows of table "people" are not those'],
  [
    "a type that differs",
    "UPDATE notes SET text = X'6669727374' WHERE id = 1",
    'The rows of table "notes" are not those',
  ],
  ["a table that is missing", "DROP TABLE people", 'Table "people" is missing'],
  ["a table that is defined otherwise", "ALTER TABLE people ADD more", 'Table "people" is not defined as it was'],
  ["a table too many", "CREATE TABLE more(a)", 'Table "more" was not in the backup\'s manifest'],
  ["an index that is missing", "DROP INDEX by_name", 'Index "by_name" of table "people" is missing'],
  ["an index too many", "CREATE INDEX other ON notes(text)", 'Index "other" of table "notes" was not in the source'],
  [
    "a trigger that differs",
    "DROP TRIGGER born; CREATE TRIGGER born AFTER INSERT ON people BEGIN SELECT 2; END",
    'Trigger "born" of table "people" is not defined as it was',
  ],
  ["a view that is missing", "DROP VIEW old", 'View "old" is missing'],
  ["a counter that differs", "UPDATE sqlite_sequence SET seq = 99", 'AUTOINCREMENT counter of table "people" is not'],
  ["a counter that is lost", "DELETE FROM sqlite_sequence", 'AUTOINCREMENT counter of table "people" is not'],
  ["statistics that are lost", "DELETE FROM sqlite_stat1", "definitions, counters or statistics differ"],
  [
    "a full-text index that is stale",
    "INSERT INTO words(words, rowid, text) VALUES('delete', 1, 'first')",
    "index of table",
  ],
])("prove() names %s", async (_, change, finding) => {
  const { verdict, findings } = await proven(change);
  expect(verdict).toBe("failed");
  expect(findings.join("\n")).toContain(finding);
});

test("prove() tells a source that breaks its own constraints from a backup that is wrong", async () => {
  const source = open(
    "PRAGMA ignore_check_constraints=ON",
    "INSERT INTO notes VALUES(3, 99, 'bad')",
    "INSERT INTO words(words) VALUES('rebuild')",
  );
  const checks = await prove(sqliteSource(source), await backupOf(source));
  source.close();
  expect(checks.filter(({ end }) => end !== "passed")).toEqual([
    { name: "quick_check", end: "flawed", findings: ["CHECK constraint failed in notes"] },
    { name: "foreign_keys", end: "flawed", findings: ['1 row of table "notes" have no row in "people"'] },
  ]);
});

test("prove() counts rows that no INSERT takes as missing, not as lost", async () => {
  const [source, restored] = [open(), open("DELETE FROM people WHERE id = 2")];
  const expected = { ...(await backupOf(source)), uninsertable: new Map([["people", 1]]) };
  const checks = await prove(sqliteSource(restored), expected);
  expect(verdictOf(checks)).toBe("flawed");
  expect(checks.find(({ name }) => name === "rows")?.findings).toEqual([
    '1 row of table "people" cannot be inserted: a generated column fails',
  ]);
});

test("prove() tells at most 20 findings of a check and counts the rest", async () => {
  const more = Array.from({ length: 30 }, (_, i) => `CREATE TABLE more${i}(a)`);
  const source = open();
  const restored = open(...more);
  const checks = await prove(sqliteSource(restored), await backupOf(source));
  const findings = checks.find(({ name }) => name === "rows")?.findings ?? [];
  expect(findings).toHaveLength(21);
  expect(findings.at(-1)).toBe("... and 10 more");
  source.close();
  restored.close();
});

/** The dump itself was wrong: what it says of its rows is wrong in the same way. Only what SQLite counted is not. */
async function provenAfterWrongDump(...faults: readonly string[]) {
  const [source, restored] = [open(), open(...faults)];
  const { tables, schema } = await backupOf(source);
  const wrong = await backupOf(restored);
  const counts = new Map(tables.map(({ name, columns, counter }) => [name, { columns, counter }]));
  const expected = {
    ...wrong,
    schema,
    tables: wrong.tables.map((table) => ({ ...table, ...counts.get(table.name) })),
  };
  const checks = await prove(sqliteSource(restored), expected);
  source.close();
  restored.close();
  return checks.filter(({ end }) => end !== "passed");
}

test.each([
  ["a text cut", "UPDATE people SET name = 'Gra' WHERE id = 2", 'In column "name" of table "people"'],
  ["a type changed", "UPDATE notes SET text = X'6669727374' WHERE id = 1", 'In column "text" of table "notes"'],
  ["a number rounded", "UPDATE people SET born = 1906.0 WHERE id = 2", 'In column "born" of table "people"'],
  ["a row lost", "DELETE FROM notes WHERE id = 2; INSERT INTO words(words) VALUES('rebuild')", 'of table "notes"'],
])("prove() finds %s by the dump itself, which dumping again repeats", async (_, fault, finding) => {
  const failed = await provenAfterWrongDump(fault);
  expect(failed.map(({ name }) => name)).toEqual(["fingerprints"]);
  expect(failed[0]?.findings.join()).toContain(finding);
});

test("what was counted while somebody wrote tells, but does not condemn", async () => {
  const [source, restored] = [open(), open("UPDATE people SET name = 'Gra' WHERE id = 2")];
  const { tables } = await backupOf(source);
  const read = await backupOf(restored);
  const columns = new Map(tables.map((table) => [table.name, table.columns]));
  const counted = read.tables.map((table) => ({ ...table, columns: columns.get(table.name) ?? [] }));
  const checks = await prove(sqliteSource(restored), { ...read, tables: counted, isFuzzy: true });
  expect(verdictOf(checks)).toBe("passed");
  expect(checks.find(({ name }) => name === "fingerprints")?.findings).toHaveLength(1);
  source.close();
  restored.close();
});

test("a manifest of before counts, counters and definitions were written down is held to what it says", async () => {
  const [source, restored] = [open(), open("DROP INDEX by_name")];
  const { schema: _, tables, ...rest } = await backupOf(source);
  const old = { ...rest, tables: tables.map(({ counter: __, ...table }) => ({ ...table, columns: [] })) };
  expect(verdictOf(await prove(sqliteSource(source), old))).toBe("passed");
  const checks = await prove(sqliteSource(restored), old);
  expect(checks.filter(({ end }) => end !== "passed")).toEqual([
    {
      name: "definitions",
      end: "failed",
      findings: ["In the text of the dump, definitions, counters or statistics differ"],
    },
  ]);
  source.close();
  restored.close();
});

test("a proof can be left after each piece of work and gone on with elsewhere", async () => {
  const source = open();
  const db = sqliteSource(source);
  const expected = await backupOf(source);
  const whole = await prove(db, expected);
  let state = new Proof(db, expected).state;
  let pieces = 0;
  for (let proof = new Proof(db, expected, state); proof.next !== null; proof = new Proof(db, expected, state)) {
    await proof.advance();
    state = structuredClone(proof.state);
    pieces += 1;
  }
  expect(state.checks).toEqual(whole);
  expect(state.schema).toBe(expected.schema?.sha256);
  expect(pieces).toBe(6);
  source.close();
});
