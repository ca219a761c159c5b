import { createHmac } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { NO_RULES, type Rules } from "@patina/core/rules";
import { dump } from "@patina/dump/dump";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { build, openEmpty } from "../corpus/build.ts";
import type { Case } from "../corpus/case.ts";
import { type LocalD1, startLocalD1 } from "../corpus/local-d1.ts";
import { asD1, type D1Engine, type Dumped, dumpSource, type Ruling, startD1 } from "./engines.ts";
import { countAgain } from "./fingerprint.ts";

/** A database in which everything that must not be seen holds the word SECRET, in every form that has a path of its own. */
const SHOP: Case = {
  name: "redacted-shop",
  breaks: "leaks",
  sql: [
    `CREATE TABLE users(
       id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT CHECK(length(name) < 3000000), token BLOB,
       age INTEGER, domain AS (substr(email, instr(email, '@') + 1)), first TEXT GENERATED ALWAYS AS (upper(name)) STORED
     )`,
    "CREATE INDEX users_domain ON users(domain)",
    "CREATE UNIQUE INDEX users_email ON users(lower(email))",
    "CREATE TABLE logins(user TEXT NOT NULL REFERENCES users(email), at INTEGER, note ANY) STRICT",
    "CREATE TABLE sessions(id TEXT PRIMARY KEY, data BLOB, next TEXT REFERENCES sessions) WITHOUT ROWID",
    "CREATE TABLE scores(a REAL, b TEXT, secret REAL)",
    "CREATE VIRTUAL TABLE names USING fts5(name, content=users, content_rowid=id)",
    "CREATE VIRTUAL TABLE notes USING fts5(title, body)",
    "CREATE VIRTUAL TABLE private USING fts5(body)",
    "CREATE VIEW everyone AS SELECT email, name FROM users",
    `CREATE TRIGGER users_ai AFTER INSERT ON users BEGIN
       INSERT INTO names(rowid, name) VALUES(new.id, new.name); INSERT INTO private VALUES(new.email); END`,
    `INSERT INTO users(id, email, name, token, age) VALUES
       (1, 'SECRET@example.com', 'SECRET name', CAST('SECRET' AS BLOB), 40),
       (2, 'nul@SECRET' || char(0) || 'SECRET', 'SECRET' || char(0), NULL, 'SECRET age'),
       (3, CAST(CAST('SECRET' AS BLOB) || X'FF' AS TEXT), CAST(X'FE' || CAST('SECRET' AS BLOB) AS TEXT), X'00', 0.1),
       (4, 'SECRET' || char(10) || char(65533), NULL, 7, NULL)`,
    `INSERT INTO users(id, email, name, token) SELECT 5, 'SECRET long ' || hex(zeroblob(60000)),
       'SECRET' || hex(zeroblob(600000)), CAST('SECRET' || hex(zeroblob(600000)) AS BLOB)`,
    "INSERT INTO logins SELECT email, id, name FROM users UNION ALL SELECT email, 0, 1.5 FROM users WHERE id < 3",
    "INSERT INTO sessions VALUES('SECRET', 'SECRET', NULL), ('x', CAST('SECRET' AS BLOB), 'SECRET')",
    "INSERT INTO scores VALUES(0.1 + 0.2, 'kept', 12.75), (1e-9 / 3, 'kept too', 12.75), (2, NULL, 1.1e-300)",
    "INSERT INTO notes VALUES('kept title', 'SECRET body')",
    "ANALYZE",
  ],
};

const RULES: Rules = {
  redactions: [
    { table: "users", column: "EMAIL", as: "digest" },
    { table: "logins", column: "user", as: "digest" },
    { table: "users", column: "name", as: "null" },
    { table: "users", column: "token", as: "null" },
    { table: "users", column: "age", as: "text", text: "it's\na secret" },
    { table: "logins", column: "note", as: "null" },
    { table: "scores", column: "secret", as: "digest" },
    { table: "notes", column: "body", as: "text", text: "removed" },
  ],
  excludedTables: ["sessions", "private"],
};
const RULING: Ruling = { rules: RULES, redactionKey: "a key of at least thirty-two characters" };
const SNAPSHOT = 1e9;
const PAGED = 0;

let sources: LocalD1;
let d1: D1Engine;

beforeAll(async () => {
  sources = await startLocalD1([SHOP]);
  expect(await sources.build()).toEqual([]);
  await sources.stop();
  d1 = await startD1([SHOP.name, "restored"], sources.folder);
}, 120_000);

afterAll(async () => {
  await d1?.stop();
  d1?.remove();
  await sources?.remove();
});

async function everyWay(): Promise<Record<string, Dumped>> {
  const file = build(SHOP);
  const dumps = {
    "file in one piece": await dumpSource(asD1(file), SNAPSHOT, RULING),
    "file in pages": await dumpSource(asD1(file), PAGED, RULING),
    "D1 in one piece": await d1.dump(SHOP.name, SNAPSHOT, RULING),
    "D1 in pages": await d1.dump(SHOP.name, PAGED, RULING),
  };
  file.close();
  return dumps;
}

function restored({ sql }: Dumped): DatabaseSync {
  const db = openEmpty();
  db.exec(sql.toString());
  return db;
}

function digest(type: string, value: string | Buffer): string {
  return createHmac("sha256", String(RULING.redactionKey)).update(type).update(value).digest("hex");
}

test("what is redacted or excluded is nowhere in the dump, however it is read", async () => {
  const secret = Buffer.from("SECRET");
  expect(build(SHOP).prepare("SELECT count(*) AS n FROM users WHERE instr(email, 'SECRET')").get()).toEqual({ n: 5 });
  for (const [way, { sql }] of Object.entries(await everyWay())) {
    expect(sql.includes(secret), way).toBe(false);
    expect(sql.includes(secret.toString("hex").toUpperCase()), way).toBe(false);
    expect(sql.includes("12.75"), way).toBe(false);
    expect(sql.includes("kept title"), way).toBe(true);
  }
});

test("every way of reading gives the same body and tables", async () => {
  const [first, ...others] = Object.entries(await everyWay());
  const contents = ({ summary }: Dumped) => summary.tables.map(({ start: _, end: __, ...table }) => table);
  for (const [way, dumped] of others) {
    expect(dumped.body.toString(), way).toBe(first?.[1].body.toString());
    expect(contents(dumped), way).toEqual(contents(first?.[1] as Dumped));
  }
});

test("a restored database has the replacements, its whole schema, and no row of excluded tables", async () => {
  const db = restored(await d1.dump(SHOP.name, PAGED, RULING));
  const users = db.prepare("SELECT id, email, name, token, age, domain, first FROM users ORDER BY id").all();
  const emails = ["SECRET@example.com", "nul@SECRET\0SECRET", Buffer.from("534543524554FF", "hex"), "SECRET\n\uFFFD"];
  const rest = { name: null, token: null, age: "it's\na secret", first: null };
  for (const [i, email] of emails.entries()) {
    const hidden = digest("t", email);
    expect(users[i]).toEqual({ id: i + 1, email: hidden, domain: hidden, ...rest });
  }
  expect(db.prepare("SELECT count(*) AS n FROM logins JOIN users ON user = email").get()).toEqual({ n: 7 });
  expect(db.prepare("SELECT secret FROM scores ORDER BY rowid LIMIT 1").get()).toEqual({
    secret: digest("r", Buffer.from("4029800000000000", "hex")),
  });
  expect(db.prepare("SELECT title, body FROM notes").all()).toEqual([{ title: "kept title", body: "removed" }]);
  const counts = "SELECT (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM private) AS private";
  expect(db.prepare(counts).get()).toEqual({ sessions: 0, private: 0 });
  expect(db.prepare("SELECT count(*) AS n FROM names WHERE names MATCH 'SECRET'").get()).toEqual({ n: 0 });
  expect(db.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
  expect(db.prepare("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").all()).toEqual(
    build(SHOP).prepare("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").all(),
  );
});

test("fingerprints and digests are over what the dump holds", async () => {
  for (const [way, dumped] of Object.entries(await everyWay())) {
    const db = restored(dumped);
    const { tables } = dumped.summary;
    expect(await countAgain(db), way).toEqual(tables.map(({ name, columns }) => ({ name, columns })));
    const again = await dumpSource(asD1(db), SNAPSHOT);
    expect(again.body.equals(dumped.body), way).toBe(true);
    expect(again.summary.tables.map((table) => table.digest)).toEqual(tables.map((table) => table.digest));
    db.close();
  }
});

test("D1 restores it", async () => {
  const { sql } = await d1.dump(SHOP.name, SNAPSHOT, RULING);
  expect(await d1.restore("restored", { sql, mode: "autocommit" })).toBeNull();
});

test("the footer says what was left out", async () => {
  const text = (await d1.dump(SHOP.name, SNAPSHOT, RULING)).sql.toString();
  const footer = text.slice(text.lastIndexOf("COMMIT;"));
  expect(footer).toContain('-- Excluded: "sessions"\n-- Excluded: "private"\n-- Redacted: "users"."EMAIL" as digest\n');
});

test("a rule that cannot be applied fails before a byte is written", async () => {
  const rules: Rules = { redactions: [{ table: "users", column: "gone", as: "null" }], excludedTables: [] };
  const write = vi.fn();
  const output = { position: 0, write, endStatement() {}, beginBody() {}, endBody() {} };
  const info = { database: "x", environment: "test", job: "manual-20261120-000000-000000", startedAt: "" };
  for (const snapshotBytes of [SNAPSHOT, PAGED]) {
    const file = build(SHOP);
    const run = dump(asD1(file), { ...info, rules, redactionKey: null, snapshotBytes, output });
    await expect(run.next()).rejects.toMatchObject({
      code: "rule_outdated",
      message: "Cannot apply the rules: column 'users'.'gone' does not exist",
    });
    file.close();
  }
  expect(write).not.toHaveBeenCalled();
  await expect(d1.dump(SHOP.name, PAGED, { rules: RULES, redactionKey: null })).rejects.toThrow(/a rule needs a key/);
});

test("a dump does not go on under other rules", async () => {
  const file = build(SHOP);
  const output = { position: 0, write() {}, endStatement() {}, beginBody() {}, endBody() {} };
  const info = { database: "x", environment: "test", job: "manual-20261120-000000-000000", startedAt: "" };
  const begin = { ...info, rules: NO_RULES, redactionKey: null, snapshotBytes: PAGED, output };
  const first = await dump(asD1(file), begin).next();
  const state = first.done ? null : first.value.state();
  expect(state).not.toBeNull();
  const goOn = dump(asD1(file), { ...begin, ...RULING, state }).next();
  await expect(goOn).rejects.toMatchObject({ code: "schema_changed" });
  file.close();
});
