import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildSample, SAMPLES } from "./samples.ts";

/** The registry of the original: size of each database in bytes. */
const SIZES: Readonly<Record<string, number>> = {
  groveauth: 212_000,
  "scout-db": 364_000,
  "grove-engine-db": 180_000,
  "autumnsgrove-posts": 118_000,
  "autumnsgrove-git-stats": 335_000,
  "grove-domain-jobs": 45_000,
};

const NAMES = SAMPLES.map(({ name }) => name);
const folder = mkdtempSync(join(tmpdir(), "patina-samples-"));
const databases = new Map<string, DatabaseSync>();

beforeAll(() => {
  for (const sample of SAMPLES) {
    buildSample(sample, pathOf(sample.name));
    databases.set(sample.name, new DatabaseSync(pathOf(sample.name), { readOnly: true }));
  }
});

afterAll(() => {
  for (const db of databases.values()) db.close();
  rmSync(folder, { recursive: true });
});

function pathOf(name: string): string {
  return join(folder, `${name}.sqlite`);
}

/** All rows of a query, each one as a list of its values; integers as bigint. */
function rows(name: string, sql: string): unknown[][] {
  const db = databases.get(name);
  if (db === undefined) throw new RangeError(`Cannot query sample "${name}": it is not in the registry`);
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  return statement.all().map((row) => Object.values(row));
}

test("the registry lists six databases, the critical ones first", () => {
  expect(SAMPLES.map(({ name, priority }) => [name, priority])).toEqual([
    ["groveauth", "critical"],
    ["scout-db", "critical"],
    ["grove-engine-db", "critical"],
    ["autumnsgrove-posts", "high"],
    ["autumnsgrove-git-stats", "normal"],
    ["grove-domain-jobs", "normal"],
  ]);
});

test.each(SAMPLES)("$name is the same file, byte for byte, on every build", (sample) => {
  const again = join(folder, `${sample.name}.again`);
  buildSample(sample, again);
  expect(readFileSync(again).equals(readFileSync(pathOf(sample.name)))).toBe(true);
});

test.each(NAMES)("%s is about as large as in the registry", (name) => {
  const size = readFileSync(pathOf(name)).length;
  expect(size).toBeGreaterThan((SIZES[name] ?? 0) * 0.85);
  expect(size).toBeLessThan((SIZES[name] ?? 0) * 1.15);
});

test.each(NAMES)("%s is sound: integrity, foreign keys, page size, no WAL", (name) => {
  expect(rows(name, "PRAGMA integrity_check")).toEqual([["ok"]]);
  expect(rows(name, "PRAGMA foreign_key_check")).toEqual([]);
  expect(rows(name, "PRAGMA page_size")).toEqual([[4096n]]);
  expect(rows(name, "PRAGMA journal_mode")).toEqual([["delete"]]);
  expect(readdirSync(folder).filter((file) => /-(wal|shm|journal)$/.test(file))).toEqual([]);
});

test.each(NAMES)("%s has rows in every table and works through every view", (name) => {
  for (const [object] of rows(name, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")) {
    const [first] = rows(name, `SELECT * FROM "${object}" LIMIT 1`);
    expect(first, `${object}`).toBeDefined();
  }
});

test.each(NAMES)("%s has nothing that D1 refuses", (name) => {
  for (const [object, columns] of rows(name, "SELECT name, ncol FROM pragma_table_list WHERE schema = 'main'")) {
    expect(`${object}`).not.toMatch(/^_cf_/i);
    expect(columns as bigint).toBeLessThanOrEqual(100n);
  }
  for (const [sql] of rows(name, "SELECT sql FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL%'")) {
    expect(sql).toMatch(/USING fts5\(/);
  }
});

test("full-text search finds the first post by its word, by a stem and by an accent left out", () => {
  const find = (query: string) =>
    rows("autumnsgrove-posts", `SELECT rowid, title FROM posts_fts WHERE posts_fts MATCH '${query}' ORDER BY rowid`);
  expect(find("petrichor")).toEqual([[1n, "Hello, Lantern 🏮"]]);
  expect(find("title : pruning")).toEqual([[2n, "Why I Prune My Drafts in November"]]);
  expect(find("title : creme")).toEqual([[8n, "Crème brûlée, but for Databases"]]);
  expect(find("tomatoes")).toEqual([[3n, "Notes on a Small Greenhouse"]]);
  expect(find("title : mistake")).toEqual([]); // the deleted post
});

test("the full-text index agrees with its content table", () => {
  const db = new DatabaseSync(":memory:");
  SAMPLES.find(({ name }) => name === "autumnsgrove-posts")?.build(db);
  expect(() => db.exec("INSERT INTO posts_fts (posts_fts, rank) VALUES ('integrity-check', 1)")).not.toThrow();
  db.close();
});

test("64-bit ids are stored exactly", () => {
  const lowBits = "count(*), sum(typeof(id) = 'integer'), sum(id > 9007199254740992), count(DISTINCT id & 4194303)";
  expect(rows("autumnsgrove-git-stats", `SELECT ${lowBits} FROM commits`)).toEqual([[720n, 720n, 720n, 720n]]);
  expect(rows("scout-db", `SELECT ${lowBits} FROM searches`)).toEqual([[215n, 215n, 215n, 215n]]);
  expect(rows("autumnsgrove-git-stats", "SELECT max(until_id) FROM sync_runs")).toEqual([[9_223_372_036_854_775_807n]]);

  const ids = rows("autumnsgrove-git-stats", "SELECT id FROM commits ORDER BY id LIMIT 1");
  expect(ids).toMatchInlineSnapshot(`
    [
      [
        1511839673192808448n,
      ],
    ]
  `);
});

test("what triggers keep up to date agrees with what it is made of", () => {
  expect(rows("scout-db", "SELECT min(agrees), count(*) FROM user_balances")).toEqual([[1n, 100n]]);
  expect(
    rows(
      "autumnsgrove-git-stats",
      `SELECT contributor_id, count(*), sum(additions), sum(deletions) FROM commits GROUP BY 1
       EXCEPT SELECT * FROM contributor_totals`,
    ),
  ).toEqual([]);
  expect(
    rows(
      "autumnsgrove-posts",
      `SELECT id FROM posts AS p WHERE comment_count <>
         (SELECT count(*) FROM comments WHERE post_id = p.id AND approved_at IS NOT NULL)`,
    ),
  ).toEqual([]);
});

const TABLES = "SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND";
const SCHEMA = "SELECT 1 FROM sqlite_schema WHERE";
const COLUMNS = "SELECT 1 FROM sqlite_schema AS s JOIN pragma_table_xinfo(s.name) AS c WHERE s.type = 'table' AND";
const KEYS = "SELECT 1 FROM sqlite_schema AS s JOIN pragma_foreign_key_list(s.name) AS k WHERE s.type = 'table' AND";
const INDEXES = "SELECT 1 FROM sqlite_schema AS s JOIN pragma_index_list(s.name) AS i WHERE s.type = 'table' AND";

/** A query for each feature, which at least one sample must answer with a row. */
const FEATURES: Readonly<Record<string, string>> = {
  "a foreign key": `${KEYS} k."table" <> s.name`,
  "a foreign key to its own table": `${KEYS} k."table" = s.name`,
  "a foreign key over two columns": `${KEYS} k.seq = 1`,
  "a deferred foreign key": `${SCHEMA} sql LIKE '%DEFERRABLE INITIALLY DEFERRED%'`,
  "a partial index": `${INDEXES} i.partial = 1`,
  "a unique index": `${INDEXES} i."unique" = 1 AND i.origin = 'c'`,
  "an index on an expression": `${INDEXES} EXISTS (SELECT 1 FROM pragma_index_xinfo(i.name) WHERE cid = -2)`,
  "a descending index": `${INDEXES} EXISTS (SELECT 1 FROM pragma_index_xinfo(i.name) WHERE "desc" = 1)`,
  "a view": `${SCHEMA} type = 'view'`,
  "a recursive view": `${SCHEMA} type = 'view' AND sql LIKE '%WITH RECURSIVE%'`,
  "a trigger": `${SCHEMA} type = 'trigger'`,
  "a trigger on a view": `${SCHEMA} type = 'trigger' AND sql LIKE '%INSTEAD OF%'`,
  "a STRICT table": `${TABLES} strict = 1 AND wr = 0`,
  "a WITHOUT ROWID table": `${TABLES} wr = 1 AND strict = 0 AND type = 'table'`,
  "a STRICT table WITHOUT ROWID": `${TABLES} strict = 1 AND wr = 1`,
  "a table whose primary key is no rowid": `${TABLES} name = 'media'`,
  "an FTS5 table with external content": `${SCHEMA} sql LIKE '%USING fts5(%content=''posts''%'`,
  "a virtual generated column": `${COLUMNS} c.hidden = 2`,
  "a stored generated column": `${COLUMNS} c.hidden = 3`,
  "a table with AUTOINCREMENT": `${SCHEMA} sql LIKE '%AUTOINCREMENT%'`,
  "a column of type ANY": `${COLUMNS} c.type = 'ANY'`,
  "a comment in the schema": `${SCHEMA} sql LIKE '%-- %;%'`,
};

test.each(Object.entries(FEATURES))("%s exists in at least one sample", (_, sql) => {
  expect(NAMES.filter((name) => rows(name, sql).length > 0)).not.toEqual([]);
});

test("every sample records its migrations as wrangler does", () => {
  for (const name of NAMES) {
    const [first] = rows(name, "SELECT id, typeof(applied_at), length(applied_at) FROM d1_migrations");
    expect(first, name).toEqual([1n, "text", 19n]);
  }
});

test("texts hold newlines, quotes, emoji and words that look like SQL", () => {
  const [[body]] = rows("autumnsgrove-posts", "SELECT body FROM posts WHERE id = 1") as [[string]];
  for (const part of [
    "\nBEGIN TRANSACTION;\n",
    "\nCOMMIT;\n",
    "Rosie''s \"lantern\"",
    "C:\\new\\texts",
    "🏴‍☠️",
    "e\u0301",
  ]) {
    expect(body).toContain(part);
  }
  expect(rows("autumnsgrove-posts", "SELECT 1 FROM comments WHERE instr(body, char(13, 10))")).not.toEqual([]);
});

test("BLOBs are stored as BLOBs and thumbnails are images", () => {
  const kinds = "SELECT DISTINCT typeof(password_hash), length(password_hash) FROM users WHERE password_hash NOTNULL";
  expect(rows("groveauth", kinds)).toEqual([["blob", 32n]]);
  expect(rows("groveauth", "SELECT DISTINCT hex(substr(avatar, 1, 2)) FROM users WHERE avatar NOTNULL")).toEqual([
    ["424D"], // "BM"
  ]);
});

test("a column of type ANY holds one value of each type", () => {
  expect(rows("scout-db", "SELECT key, typeof(value) FROM settings ORDER BY key")).toEqual([
    ["banner", "text"],
    ["cache_salt", "blob"],
    ["credit_price", "real"],
    ["last_ledger_id", "integer"],
    ["ranking_weight", "real"],
    ["waitlist", "null"],
  ]);
});

test("buildSample() leaves a file that exists already as it was", () => {
  const [sample] = SAMPLES;
  const path = join(folder, "taken");
  writeFileSync(path, "somebody's notes");
  expect(() => sample && buildSample(sample, path)).toThrow(`Cannot build sample "groveauth" at "${path}"`);
  expect(readFileSync(path, "utf8")).toBe("somebody's notes");
});

test("buildSample() leaves no file behind when a sample is faulty", () => {
  const path = join(folder, "faulty");
  const build = (db: DatabaseSync) => db.exec("CREATE TABLE t (a NOT NULL); INSERT INTO t VALUES (NULL)");
  const faulty = { name: "faulty", priority: "normal", description: "", build } as const;
  expect(() => buildSample(faulty, path)).toThrow(`Cannot build sample "faulty"`);
  expect(existsSync(path)).toBe(false);
});
