import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { Refused, Replay } from "./replay.ts";

const HEAD = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n-- Größe: 1; 2\nPRAGMA defer_foreign_keys=ON;\n";

/** A replay into an empty database, and the statements that reached it. */
function replay({ isDeferred = true, isUnchecked = false } = {}) {
  const db = new DatabaseSync(":memory:");
  const ran: string[] = [];
  const run = (sql: string) => {
    db.exec(sql);
    ran.push(sql);
  };
  return { db, ran, replay: new Replay(run, { isDeferred, isUnchecked }) };
}

test("Replay runs the statements of a dump but not its transaction", () => {
  const { ran, replay: it } = replay();
  const done = it.run({
    text: `${HEAD}CREATE TABLE t(a);\nINSERT INTO t VALUES\n(1),\n(';');\nCOMMIT;\n-- end\n`,
    start: 0,
  });
  expect(done).toEqual({ statements: 3, uninsertable: [] });
  expect(ran).toEqual([
    "PRAGMA ignore_check_constraints=OFF",
    "PRAGMA defer_foreign_keys=ON",
    "CREATE TABLE t(a)",
    "INSERT INTO t VALUES\n(1),\n(';')",
  ]);
});

test("Replay enforces foreign keys at once when it is told to", () => {
  const { ran, replay: it } = replay({ isDeferred: false });
  it.run({ text: HEAD, start: 0 });
  expect(ran).not.toContain("PRAGMA defer_foreign_keys=ON");
});

test("Replay says where in the dump the statement stands that SQLite refuses, in bytes", () => {
  const { replay: it } = replay();
  const text = `${HEAD}CREATE TABLE t(a UNIQUE);\n-- ü\nINSERT INTO t VALUES(1),(1);\nSELECT 1;\n`;
  const offset = 5_000 + Buffer.byteLength(text.slice(0, text.indexOf("INSERT")));
  try {
    it.run({ text, start: 5_000 });
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ offset, message: "UNIQUE constraint failed: t.a" });
  }
});

test("Replay goes on with CHECK constraints as the part before left them", () => {
  const first = replay();
  first.replay.run({ text: "PRAGMA ignore_check_constraints=ON;\n", start: 0 });
  expect(first.replay.isUnchecked).toBe(true);
  const second = replay({ isUnchecked: true });
  second.replay.run({
    text: "CREATE TABLE t(a CHECK (a > 0));\nINSERT INTO t VALUES(-1);\nPRAGMA ignore_check_constraints=OFF;\n",
    start: 0,
  });
  expect(second.replay.isUnchecked).toBe(false);
  expect(second.db.prepare("SELECT count(*) AS n FROM t").get()).toEqual({ n: 1 });
});

test("Replay finds the rows that a dump only holds as comments", () => {
  const { replay: it } = replay();
  const comment = "-- Cannot be inserted, a generated column fails: (1,'x')\n";
  const text = `CREATE TABLE t(a);\n${comment}INSERT INTO t VALUES(1);\n${comment}`;
  expect(it.run({ text, start: 100 })).toEqual({ statements: 2, uninsertable: [119, 119 + comment.length + 25] });
});

test.each([
  ['CREATE UNIQUE INDEX "by ""x""" ON people (nothing)', 'CREATE UNIQUE INDEX "by ""x""" ON people'],
  ["CREATE INDEX i\n  ON [people](nothing, 'secret')", "CREATE INDEX i ON [people]"],
  [
    "CREATE TRIGGER t AFTER UPDATE OF a, b ON people BEGIN SELECT 'secret' FROM; END",
    "CREATE TRIGGER t AFTER UPDATE OF a, b ON people",
  ],
  ["CREATE TABLE people(a, b CHECK (b <> 'secret'))", "CREATE TABLE people"],
  ["CREATE VIRTUAL TABLE v USING nothing('secret')", "CREATE VIRTUAL TABLE v"],
  ["INSERT INTO nowhere VALUES('secret')", null],
])("Replay tells how a definition begins that SQLite refuses, and nothing of rows: %s", (sql, definition) => {
  const { replay: it } = replay();
  try {
    it.run({ text: `CREATE TABLE people(a);\n${sql};\n`, start: 0 });
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({ name: "Refused", definition });
    expect(String(error)).not.toContain("secret");
  }
});
