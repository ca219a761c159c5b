import type { Mutation } from "./mutations.ts";

const SCHEMA = [
  "CREATE TABLE t(a TEXT, b -- note\n)",
  "CREATE INDEX i ON t(a)",
  "CREATE VIEW v AS SELECT a FROM t",
  "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END",
];

/** A table that is created with other words but holds the same. */
function table(change: string, before: string, after: string, says: readonly string[]): Mutation {
  return { change, of: [before], by: ["DROP TABLE t", after], says };
}

export const SCHEMAS: readonly Mutation[] = [
  { change: "a lost index", of: SCHEMA, by: ["DROP INDEX i"], says: ['index "i" is missing'] },
  { change: "a lost view", of: SCHEMA, by: ["DROP VIEW v"], says: ['view "v" is missing'] },
  { change: "a lost trigger", of: SCHEMA, by: ["DROP TRIGGER g"], says: ['trigger "g" is missing'] },
  {
    change: "a lost empty table",
    of: "empty-table",
    by: ["DROP TABLE w"],
    says: ['table "w" is missing'],
  },
  {
    change: "an additional table",
    of: SCHEMA,
    by: ["CREATE TABLE staging(x)"],
    says: ['table "staging" was not there before'],
  },
  {
    change: "the loss of a comment in the schema",
    of: SCHEMA,
    by: ["DROP VIEW v", "DROP TABLE t", "CREATE TABLE t(a TEXT, b)", ...SCHEMA.slice(1)],
    says: ['table "t": SQL "CREATE TABLE t(a TEXT, b -- note\\n)" became "CREATE TABLE t(a TEXT, b)"'],
  },
  table("a space", "CREATE TABLE t(a, b)", "CREATE TABLE t(a,b)", ['table "t": SQL']),
  table("STRICT", "CREATE TABLE t(a INT) STRICT", "CREATE TABLE t(a INT)", [
    'table "t": SQL',
    'table "t": STRICT is true, now false',
  ]),
  table("WITHOUT ROWID", "CREATE TABLE t(a INT PRIMARY KEY) WITHOUT ROWID", "CREATE TABLE t(a INT PRIMARY KEY)", [
    'table "t": SQL',
    "WITHOUT ROWID is true, now false",
    "columns",
  ]),
  table("a default value", "CREATE TABLE t(a DEFAULT 1.0)", "CREATE TABLE t(a DEFAULT 1)", [
    'table "t": SQL',
    "columns",
  ]),
  table("the name of a column", "CREATE TABLE t(a)", "CREATE TABLE t(b)", [
    'table "t": SQL',
    "columns",
    "rows are not compared",
  ]),
  {
    change: "another order of triggers",
    of: "triggers-on-one-table",
    by: ["DROP TRIGGER z", "CREATE TRIGGER z AFTER INSERT ON t BEGIN INSERT INTO log(x) VALUES('z'); END"],
    says: ['table "t": trigger order ["z","m","a"] became ["m","a","z"]'],
  },
  {
    change: "another order of indexes",
    of: "index-order",
    by: ["DROP INDEX z", "CREATE INDEX z ON t(b)"],
    says: ['table "t": index order'],
  },
  {
    change: "a view that no longer works",
    of: ["CREATE TABLE t(a)", "CREATE VIEW v AS SELECT * FROM t"],
    by: ["DROP TABLE t"],
    says: ['table "t" is missing', 'view "v": columns [0,"a","BLOB",0,null,0,0] became no such table: main.t'],
  },
  {
    change: "an ordinary table in place of a virtual one",
    of: ["CREATE VIRTUAL TABLE f USING fts5(a)"],
    by: ["DROP TABLE f", "CREATE TABLE f(a)"],
    says: [
      'table "f": SQL',
      ...["config", "content", "data", "docsize", "idx"].map((s) => `shadow table "f_${s}" is missing`),
      "became a table",
      "columns",
    ],
  },
];

export const SYSTEM: readonly Mutation[] = [
  {
    change: "another AUTOINCREMENT counter beyond 2^53",
    of: "huge-counters",
    by: ["UPDATE sqlite_sequence SET seq = 9007199254740992 WHERE name = 'a'"],
    says: [
      'sqlite_sequence: row name = text "a", occurrence = integer 1, column "seq": integer 9007199254740993 became',
    ],
  },
  {
    change: "the loss of the counter of an emptied table",
    of: "autoincrement-emptied",
    by: ["DELETE FROM sqlite_sequence"],
    says: ['sqlite_sequence: row name = text "t", occurrence = integer 1 is missing'],
  },
  {
    change: "another order of two counters of one name",
    of: "counters-of-no-table",
    by: [
      "DELETE FROM sqlite_sequence WHERE name = 'ghost'",
      "INSERT INTO sqlite_sequence VALUES('ghost', 6), ('ghost', 5)",
    ],
    says: ["integer 5 became integer 6", "integer 6 became integer 5"],
  },
  {
    change: "a counter in a database that had none",
    of: ["CREATE TABLE t(id INTEGER PRIMARY KEY)"],
    by: [
      "CREATE TABLE x(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "DROP TABLE x",
      "INSERT INTO sqlite_sequence VALUES('t', 4)",
    ],
    says: ['sqlite_sequence: row name = text "t", occurrence = integer 1 was not there before'],
  },
  {
    change: "other statistics",
    of: "analyze",
    by: ["UPDATE sqlite_stat1 SET stat = stat || ' unordered' WHERE idx = 't_a'"],
    says: ['sqlite_stat1: row tbl = text "t", idx = text "t_a", occurrence = integer 1, column "stat"'],
  },
  {
    change: "lost statistics",
    of: "statistics-of-nothing",
    by: ["DELETE FROM sqlite_stat1 WHERE tbl = 'gone'"],
    says: ['sqlite_stat1: row tbl = text "gone", idx = NULL'],
  },
  {
    change: "a row without its parent",
    of: "foreign-keys-deferred",
    by: ["PRAGMA foreign_keys=OFF", "UPDATE c SET p = 77 WHERE id = 5"],
    says: [
      'column "p": integer 1 became integer 77',
      'table "c": foreign_key_check said ok, now row 5 without p (key 0)',
    ],
  },
  {
    change: "an index that misses a row",
    of: ["CREATE TABLE t(a)", "CREATE INDEX i ON t(a)", "INSERT INTO t VALUES(1), (2)"],
    by: [
      "DELETE FROM t WHERE a = 2",
      "PRAGMA writable_schema=ON",
      "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(a) WHERE a > 5' WHERE name = 'i'",
      "PRAGMA writable_schema=RESET",
      "INSERT INTO t VALUES(2)",
      "PRAGMA writable_schema=ON",
      "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(a)' WHERE name = 'i'",
      "PRAGMA writable_schema=RESET",
    ],
    says: ["integrity_check: row 2 missing from index i"],
    oneWay: true,
  },
];

export const VIRTUAL: readonly Mutation[] = [
  {
    change: "another word in an FTS5 table",
    of: "fts5-own-content",
    by: ["UPDATE notes SET title = 'hallo' WHERE rowid = 1"],
    says: [
      'column "title": text "Hello" became text "hallo"',
      'FTS5 "notes": row word = text "hello", rowid = integer 1, column = text "title", place = integer 0 is missing',
      'FTS5 "notes": row word = text "hallo"',
      'FTS5 "notes": MATCH "hello" found row 1',
    ],
  },
  {
    change: "another type of what an FTS5 table holds",
    of: "fts5-typed-values",
    by: ["UPDATE f SET c = 1 WHERE rowid = 1"],
    says: ['table "f": row rowid = integer 1, column "c": real 1 became integer 1'],
  },
  {
    change: "other rowids in an FTS5 table",
    of: "fts5-rowids",
    by: ["UPDATE f SET rowid = 5 WHERE rowid = -7"],
    says: [
      'table "f": row rowid = integer -7 is missing',
      "row rowid = integer 5 was not there before",
      'FTS5 "f": row word',
    ],
  },
  {
    change: "the loss of a custom rank",
    of: "fts5-config",
    by: ["INSERT INTO f(f, rank) VALUES('rank', 'bm25()')"],
    says: ['FTS5 "f": row setting = text "rank", column "value": text "bm25(10.0, 5.0)" became text "bm25()"', "MATCH"],
  },
  {
    change: "an index that was never rebuilt",
    of: "fts5-external-over-a-view",
    by: ["INSERT INTO search(search) VALUES('delete-all')"],
    says: ['external-content FTS5 "search": row word', "found row 1 (rank"],
  },
  {
    change: "a row that is indexed twice",
    of: "fts5-external",
    by: ["INSERT INTO post_fts(rowid, title, body) SELECT id, title, body FROM post WHERE id = 1"],
    // fts5vocab lists a word once however often its row was indexed; only the rank, which counts rows, tells.
    says: [
      'external-content FTS5 "post_fts": MATCH "fox" found row 1 (rank -9.447852760736198e-7), now row 1 (rank -0.49',
    ],
  },
  {
    change: "the loss of an index that SQL cannot carry",
    of: "fts5-contentless",
    by: ["INSERT INTO f(f) VALUES('delete-all')"],
    says: ['contentless FTS5 "f": row rowid = integer -3 is missing', 'contentless FTS5 "f": row word', "found row 1"],
  },
  {
    change: "another value in a stored column of a contentless table",
    of: "fts5-contentless-delete",
    by: ["UPDATE u SET body = 'one', id = 'A2' WHERE rowid = 1"],
    says: ['contentless FTS5 "u": row rowid = integer 1, column "id": text "A1" became text "A2"'],
  },
  {
    change: "another tokenizer",
    of: ["CREATE VIRTUAL TABLE f USING fts5(a, tokenize='porter')", "INSERT INTO f VALUES('running')"],
    by: ["DROP TABLE f", "CREATE VIRTUAL TABLE f USING fts5(a)", "INSERT INTO f VALUES('running')"],
    says: ['table "f": SQL', 'row word = text "run"', 'MATCH "run" found row 1'],
  },
  {
    change: "another box in an R*Tree",
    of: "rtree",
    by: ["UPDATE box SET maxx = 1.5 WHERE id = 1"],
    says: ['table "box": row rowid = integer 1, column "maxx": real 1.25 became real 1.5'],
  },
  {
    change: "another value in an auxiliary column of an R*Tree",
    of: "rtree-with-columns",
    by: ['UPDATE "geo tree" SET "pay load" = 1 WHERE id = -3'],
    says: ['table "geo tree": row rowid = integer -3, column "pay load": real 1 became integer 1'],
  },
];
