import type { Case } from "./case.ts";

export const GENERATED: readonly Case[] = [
  {
    name: "generated-columns",
    breaks: "INSERT INTO t VALUES(...) with all columns fails on generated ones (Cretezy, nora, d1-dump, upstream)",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, twice INTEGER GENERATED ALWAYS AS (a * 2) VIRTUAL, sum AS (a + id) STORED)",
      "INSERT INTO t(id, a) VALUES(1, 10), (2, NULL), (3, 4611686018427387904), (4, 'x')",
    ],
  },
  {
    name: "generated-in-the-middle",
    breaks: "table_info hides generated columns, so that column numbers no longer match the row",
    sql: [
      "CREATE TABLE t(v AS (b || '-v') VIRTUAL, a TEXT, s TEXT AS (upper(a)) STORED, b TEXT, w AS (length(s)) VIRTUAL, c BLOB)",
      "INSERT INTO t(a, b, c) VALUES('x', 'y', X'01'), (NULL, 'z', NULL), ('ä', NULL, X'')",
      "INSERT INTO t(rowid, c, b, a) VALUES(77, X'FF', 'b', 'a')",
    ],
  },
  {
    name: "generated-with-constraints",
    breaks: "NOT NULL, UNIQUE, CHECK, indexes and a collation on computed values; SELECT * then INSERT of them fails",
    sql: [
      "CREATE TABLE t(doc TEXT NOT NULL, email TEXT COLLATE NOCASE AS (doc ->> '$.email') STORED NOT NULL UNIQUE, age INT AS (doc ->> '$.age') CHECK(age > 0))",
      `INSERT INTO t(doc) VALUES('{"email":"A@b.c","age":3}'), ('{"email":"d@e.f","age":44}')`,
      "CREATE INDEX t_age ON t(age DESC, email)",
      "CREATE TABLE s(a INT, b INT AS (a + 1) STORED, c ANY AS (CASE WHEN a THEN 1.0 ELSE X'00' END)) STRICT",
      "INSERT INTO s(a) VALUES(1), (0), (NULL)",
    ],
  },
  {
    name: "generated-chains-and-types",
    breaks: "columns computed from columns that are computed from later ones, giving every type",
    sql: [
      "CREATE TABLE t(d AS (c || 'd'), c AS (b || 'c') STORED, b AS (a || 'b'), a)",
      "INSERT INTO t(a) VALUES('x'), (1), (NULL), (X'FF'), (1.0)",
      "CREATE TABLE u(x, big AS (x * 1000000007), neg AS (-x), nul AS (x || char(0) || x), bin AS (CAST(x AS BLOB)), inf AS (x * 9e999), ty AS (typeof(x)))",
      "INSERT INTO u(x) VALUES(9007199254740993), (0), (0.1), ('text'), (NULL)",
    ],
  },
  {
    name: "generated-that-fails",
    breaks:
      "ADD COLUMN of a JSON field over a row that is no JSON: SELECT * fails from then on, and so does its INSERT",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, doc TEXT)",
      `INSERT INTO t VALUES(1, 'not json'), (2, '{"x":1}'), (3, NULL)`,
      "ALTER TABLE t ADD COLUMN x AS (json_extract(doc, '$.x'))",
    ],
    loses: ["row 1 of table t, which no INSERT takes, unless the generated column is added after the rows"],
  },
  {
    name: "generated-beside-a-key",
    breaks: "an INSERT list left empty: all columns but the key are generated, or the only plain one is the key",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a AS (id + 1), b AS (id * 2) STORED)",
      "INSERT INTO t(id) VALUES(5), (-5), (9007199254740993)",
      'CREATE TABLE u("a b", "c""d" AS ("a b" || \'x\'), "select" TEXT AS ("c""d"))',
      "INSERT INTO u(\"a b\") VALUES('q')",
    ],
  },
];
