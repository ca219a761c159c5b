import type { Case } from "./case.ts";
import { textOf } from "./quote.ts";

const HUNDRED = Array.from({ length: 100 }, (_, i) => `k${i}`);

/** Primary keys of WITHOUT ROWID tables, by which a dump has to page. */
export const KEYS: readonly Case[] = [
  {
    name: "without-rowid-composite",
    breaks: "TigersWay drops the table; paging by the first key column alone loses rows",
    sql: [
      "CREATE TABLE t(v, a TEXT, b INTEGER, c, PRIMARY KEY(b, a)) WITHOUT ROWID",
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 499)
INSERT INTO t SELECT i, 'k' || (i % 17), i / 17, NULL FROM n`,
    ],
  },
  {
    name: "without-rowid-mixed-types",
    breaks: "keys of four types in one column: a bound of the wrong type skips all rows of the others",
    sql: [
      "CREATE TABLE t(k, n, PRIMARY KEY(k, n)) WITHOUT ROWID",
      `INSERT INTO t VALUES(1, 1), (1.5, 1), (2, 1), (-1, 1.5), ('1', 1), ('', 1), ('a', X'00'), ('B', 1), (X'', 1), (X'31', 1), (X'FF', 'x'), (9e999, 1), (-9e999, 1), (9223372036854775807, 1), (-9223372036854775808, 1), (9.2e18, 1), (1, '1'), (1, X'31'), (1, 1.5), (1, '')`,
      "CREATE TABLE u(k BLOB PRIMARY KEY) WITHOUT ROWID",
      "INSERT INTO u SELECT DISTINCT k FROM t",
      "CREATE TABLE s(k ANY PRIMARY KEY, v TEXT) STRICT, WITHOUT ROWID",
      "INSERT INTO s SELECT DISTINCT k, typeof(k) FROM t",
    ],
  },
  {
    name: "without-rowid-desc",
    breaks: "DESC keys read with > run the wrong way; mixed ASC and DESC needs one condition per column",
    sql: [
      "CREATE TABLE t(a INTEGER, b TEXT, c, PRIMARY KEY(a DESC, b, c DESC)) WITHOUT ROWID",
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 599)
INSERT INTO t SELECT i % 5, 'b' || (i % 8), i FROM n`,
      "CREATE TABLE one(k TEXT PRIMARY KEY DESC) WITHOUT ROWID",
      "INSERT INTO one VALUES('a'), ('B'), (''), ('é'), ('zz'), ('z')",
    ],
  },
  {
    name: "without-rowid-nocase",
    breaks: "NOCASE order is not byte order: B, a, C by bytes, a, B, C by key; so with ties in the next column",
    sql: [
      "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID",
      "INSERT INTO t VALUES('a', 1), ('B', 2), ('c', 3), ('D', 4), ('É', 5), ('é', 6), ('_', 7), ('[', 8), ('Z', 9), ('ä', 10), ('', 11), ('@', 12)",
      "CREATE TABLE c(k TEXT COLLATE NOCASE, n INTEGER, v, PRIMARY KEY(k, n)) WITHOUT ROWID",
      "INSERT INTO c VALUES('abc', 2, 1), ('ABC', 1, 2), ('Abc', 3, 3), ('abd', 1, 4), ('ABB', 9, 5), ('aBC', 4, 6)",
      "CREATE TABLE d(k TEXT, v, PRIMARY KEY(k COLLATE NOCASE DESC)) WITHOUT ROWID",
      "INSERT INTO d SELECT k, v FROM t",
      // NOCASE compares up to the first NUL only: a second text that begins with A and NUL would be the same key.
      `INSERT INTO d VALUES(${textOf("41 00 42")}, 20)`,
    ],
  },
  {
    name: "without-rowid-rtrim",
    breaks: "RTRIM keys: 'a' and 'a  ' are one key, and trailing spaces sort nowhere",
    sql: [
      "CREATE TABLE t(k TEXT COLLATE RTRIM, n, PRIMARY KEY(k, n)) WITHOUT ROWID",
      "INSERT INTO t VALUES('a', 1), ('a  ', 2), ('a ', 3), (' a', 1), ('a b', 1), ('a\tb', 1), ('', 1), ('   ', 2), ('a\t', 4)",
    ],
  },
  {
    name: "one-column-twice-in-a-key",
    breaks: "PRIMARY KEY(k COLLATE NOCASE, k) holds a and A: table_info names the column once, paging by it loses A",
    sql: [
      "CREATE TABLE t(k TEXT COLLATE NOCASE, v, PRIMARY KEY(k, k COLLATE BINARY)) WITHOUT ROWID",
      "INSERT INTO t VALUES('a', 1), ('A', 2), ('b', 3), ('B', 4), ('aa', 5), ('AA', 6), ('Aa', 7), ('aA', 8)",
      "CREATE TABLE u(a, b, PRIMARY KEY(a, a, b)) WITHOUT ROWID",
      "INSERT INTO u VALUES(1, 1), (1, 2), (2, 1)",
    ],
  },
  {
    name: "without-rowid-infinity",
    breaks: "infinity as the last key of a page: bound as null, the next page is empty",
    sql: [
      "CREATE TABLE t(k REAL, n INTEGER, PRIMARY KEY(k, n)) WITHOUT ROWID",
      "INSERT INTO t VALUES(-9e999, 1), (-9e999, 2), (-1.7976931348623157e308, 1), (0.0, 1), (5e-324, 1), (1.7976931348623157e308, 1), (9e999, 1), (9e999, 2), (9e999, 3)",
      "CREATE TABLE d(k PRIMARY KEY DESC, n) WITHOUT ROWID",
      "INSERT INTO d VALUES(9e999, 1), (1, 2), (-9e999, 3), ('Inf', 4), (X'00', 5)",
    ],
  },
  {
    name: "without-rowid-odd-text",
    breaks: "NUL and invalid UTF-8 in the key: the bound read through JavaScript is another key",
    sql: [
      "CREATE TABLE t(k TEXT PRIMARY KEY, v) WITHOUT ROWID",
      `INSERT INTO t VALUES('a', 1), (${textOf("61 00")}, 2), (${textOf("61 00 62")}, 3), (${textOf("61 00 63")}, 4), (${textOf("ff")}, 5), (${textOf("fe")}, 6), (${textOf("ed a0 80")}, 7), (${textOf("c3")}, 8), ('\ufffd', 9), (${textOf("ef bf bd 00")}, 10), ('a\nb', 11), ('a\rb', 12), ('it''s', 13), (${textOf("00")}, 14), ('', 15)`,
    ],
  },
  {
    name: "without-rowid-long-keys",
    breaks: "keys of 120 KB do not fit a statement as the bound of the next page",
    sql: [
      "CREATE TABLE t(k TEXT, n, v, PRIMARY KEY(k, n)) WITHOUT ROWID",
      `INSERT INTO t SELECT replace(hex(zeroblob(60000)), '0', 'k') || column1, column1, 'v' FROM (VALUES (1), (2), (3), (10), ('x'))`,
      "INSERT INTO t SELECT k, n || 'b', v FROM t",
      "INSERT INTO t VALUES('short', 1, 'v'), ('k', 1, 'v'), ('z', 1, 'v')",
      "CREATE TABLE b(k BLOB PRIMARY KEY DESC, v) WITHOUT ROWID",
      "INSERT INTO b SELECT CAST(k AS BLOB), n FROM t WHERE typeof(n) <> 'text' OR n = 'x'",
    ],
  },
  {
    name: "without-rowid-beyond-2-53",
    breaks: "keys that differ only beyond 2^53, as integers and next to REALs of the same size",
    sql: [
      "CREATE TABLE t(k INTEGER, n, PRIMARY KEY(k, n)) WITHOUT ROWID",
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49)
INSERT INTO t SELECT 9223372036854775807 - i, -9007199254740993 - i FROM n`,
      "CREATE TABLE m(k PRIMARY KEY) WITHOUT ROWID",
      "INSERT INTO m VALUES(9007199254740991), (9007199254740992), (9007199254740993), (9007199254740994.0), (9007199254740995), (9007199254740996.0), (9223372036854775807), (9223372036854775808.0), (9223372036854774784.0)",
    ],
  },
  {
    name: "without-rowid-huge-tenant",
    breaks:
      "one first key column for nearly all rows: (a, b) > (x, y) written as one OR scans the tenant for each page",
    sql: [
      "CREATE TABLE t(tenant TEXT, at INTEGER, seq INTEGER, v, PRIMARY KEY(tenant, at DESC, seq)) WITHOUT ROWID",
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
INSERT INTO t SELECT CASE WHEN i % 500 THEN 'huge' ELSE 'small' || i END, i / 7, i % 7, 'v' || i FROM n`,
      "CREATE INDEX t_v ON t(v DESC)",
    ],
  },
  {
    name: "without-rowid-only-key",
    breaks: "tables that are nothing but key, and keys written in another order than the columns",
    sql: [
      "CREATE TABLE tag(post INTEGER, tag TEXT, PRIMARY KEY(tag, post)) WITHOUT ROWID",
      "INSERT INTO tag VALUES(1, 'b'), (2, 'a'), (1, 'a'), (3, 'c')",
      "CREATE TABLE g(a, total AS (a || b) STORED, b, PRIMARY KEY(b, a)) WITHOUT ROWID",
      "INSERT INTO g(a, b) VALUES('x', 'y'), ('y', 'x'), ('x', 'x')",
      "CREATE TABLE d(a TEXT DEFAULT 'k', PRIMARY KEY(a)) WITHOUT ROWID",
      "INSERT INTO d DEFAULT VALUES",
    ],
  },
  {
    name: "key-of-a-hundred-columns",
    breaks: "a query that reads a page and its keys names each of them twice: it is over the statement limit",
    sql: [
      `CREATE TABLE t(${HUNDRED.join(", ")}, PRIMARY KEY(${HUNDRED.join(", ")})) WITHOUT ROWID`,
      ...["0", "'x'", "0.5"].map(
        (last) =>
          `INSERT INTO t VALUES(${HUNDRED.map((_, i) => (i === 99 ? last : i === 7 ? "char(0)" : "'k'")).join(", ")})`,
      ),
    ],
  },
  {
    name: "unique-keys-with-collations",
    breaks: "UNIQUE columns with NOCASE, RTRIM and NULL: a reader that pages or joins by them merges rows",
    sql: [
      "CREATE TABLE t(a TEXT UNIQUE COLLATE NOCASE, b TEXT COLLATE RTRIM, UNIQUE(b, a))",
      "INSERT INTO t VALUES('a', 'x'), ('b', 'x  '), (NULL, 'x'), (NULL, NULL), (NULL, NULL)",
    ],
  },
];
