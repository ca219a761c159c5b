import type { Case } from "./case.ts";

/** D1 takes rows of up to 2,000,000 bytes; the record's own header needs a few of them. */
const MAX = 1_999_900;

/** Deterministic digits in which no two neighbouring stretches are equal, so that a lost or doubled piece shows. */
function digits(bytes: number): string {
  return `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.ceil(bytes / 10)})
SELECT substr(group_concat(printf('%010d', i * 2654435761 % 10000000000), ''), 1, ${bytes}) FROM n)`;
}

/** `count` times a short text. Stays within D1's 2,000,000 bytes for every value on the way. */
function repeat(piece: string, count: number): string {
  return `replace(hex(zeroblob(${Math.ceil(count / 2)})), '0', '${piece}')`;
}

/** INSERT INTO t(x) of `value`, an expression over `a`, once for each length from `first` to `last`. */
function lengths(first: number, last: number, options: { of: string; as: string }): string {
  return `WITH RECURSIVE n(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM n WHERE i < ${last})
INSERT INTO t(x) SELECT ${options.as} FROM n, (SELECT ${options.of} AS a)`;
}

const HUNDRED = Array.from({ length: 100 }, (_, i) => `c${i}`);

export const SIZES: readonly Case[] = [
  {
    name: "long-text",
    breaks: "a row over 100 KB cannot be written as one INSERT: wrangler's export fails on 25 of 25 such rows",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)",
      `INSERT INTO t VALUES(1, ${digits(150_000)})`,
      `INSERT INTO t VALUES(2, ${digits(MAX)})`,
      `INSERT INTO t VALUES(3, 'short')`,
      `INSERT INTO t VALUES(4, ${repeat("it''s\r\n", 20_000)})`,
      `INSERT INTO t VALUES(5, ${repeat("😀", 40_000)})`,
    ],
  },
  {
    name: "long-blob",
    breaks: "hex doubles the bytes: a BLOB over 50 KB does not fit a statement, nor its quote() a value of 2 MB",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)",
      "INSERT INTO t VALUES(1, zeroblob(80000)), (2, zeroblob(2)), (3, zeroblob(1))",
      `INSERT INTO t VALUES(4, unhex(${digits(1_000_000)}))`,
      `UPDATE t SET b = CAST(b || b || b || substr(b, 1, ${MAX - 1_500_000}) AS BLOB) WHERE id = 4`,
      "INSERT INTO t SELECT 5, substr(b, 1, 60001) FROM t WHERE id = 4",
    ],
  },
  {
    name: "long-text-and-blob",
    breaks: "the row of 150 KB text and 80 KB BLOB that no tool but d1-dump restores",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, b BLOB)",
      `INSERT INTO t VALUES(1, ${digits(150_000)}, zeroblob(80000)), (2, 'a', X'00')`,
      `INSERT INTO t VALUES(3, ${digits(900_000)}, CAST(${digits(900_000)} AS BLOB))`,
    ],
  },
  {
    name: "long-invalid-text",
    breaks: "NUL and invalid UTF-8 in text that must be cut into pieces: pieces by characters are lossy",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, n)",
      `INSERT INTO t VALUES(1, CAST(CAST(${digits(100_000)} AS BLOB) || X'00FF' || CAST(${digits(100_001)} AS BLOB) AS TEXT), 'x')`,
      `INSERT INTO t VALUES(2, CAST(zeroblob(120000) AS TEXT), CAST(replace(hex(zeroblob(30000)), '0', X'FF') AS TEXT))`,
      `INSERT INTO t VALUES(3, '', ${repeat("é😀", 30_000)} || char(0) || ${repeat("e", 50_000)})`,
    ],
  },
  {
    name: "rows-around-90000-bytes",
    breaks: "the step from one statement to the staging table, byte by byte: a row lost, doubled or refused there",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x)",
      lengths(89_935, 89_985, { of: repeat("a", 90_000), as: "substr(a, 1, i)" }),
      lengths(44_965, 44_990, { of: repeat("b", 45_000), as: "CAST(substr(a, 1, i) AS BLOB)" }),
      lengths(44_965, 44_990, { of: repeat("''", 45_000), as: "substr(a, 1, i)" }),
    ],
  },
  {
    name: "rows-around-100000-bytes",
    breaks: "D1's own statement limit, byte by byte, and quotes that double in the literal",
    sql: [
      "CREATE TABLE t(x)",
      lengths(99_940, 99_980, { of: repeat("a", 100_100), as: "substr(a, 1, i)" }),
      lengths(99_998, 100_002, { of: repeat("a", 100_100), as: "substr(a, 1, i)" }),
      lengths(49_980, 50_001, { of: repeat("''", 50_100), as: "substr(a, 1, i)" }),
    ],
  },
  {
    name: "cells-around-powers-of-two",
    breaks: "pieces of a long value: the last byte of a piece lost, or a character cut in two, at any likely length",
    sql: [
      "CREATE TABLE t(x)",
      `WITH p(i) AS (VALUES (255), (1023), (4095), (8191), (15999), (16383), (19999), (32767), (39999), (65535), (79999), (131071)), q(j) AS (VALUES (0), (1), (2))
INSERT INTO t SELECT substr(a, 1, i + j) FROM (SELECT ${digits(131_100)} AS a), p, q`,
      "INSERT INTO t SELECT CAST(x AS BLOB) FROM t",
      "INSERT INTO t SELECT replace(substr(x, 1, 50000), '7', '😀') FROM t WHERE typeof(x) = 'text'",
      "INSERT INTO t SELECT CAST(substr(CAST(x AS BLOB), 2) || X'00' AS TEXT) FROM t WHERE typeof(x) = 'text' AND length(x) < 50000",
    ],
  },
  {
    name: "bytes-are-not-characters",
    breaks: "limits counted in characters: 30,000 emoji are 60,000 UTF-16 units and 120,000 bytes",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)",
      `INSERT INTO t(x) VALUES(${repeat("😀", 30_000)}), (${repeat("😀", 22_490)}), (${repeat("é", 44_990)}), (${repeat("日", 29_990)})`,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
INSERT INTO t(x) SELECT substr(a, 1, 1000 + i) FROM n, (SELECT ${repeat("😀", 1_100)} AS a)`,
    ],
  },
  {
    name: "newlines-near-the-limit",
    breaks: "literals that grow while they are escaped: 40,000 newlines, quotes or control characters in one text",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)",
      `INSERT INTO t(x) VALUES(${repeat("\n", 40_000)}), (${repeat("\r\n", 40_000)}), (${repeat("''", 44_000)}), (${repeat("\\n\n", 25_000)}), (${repeat("\x01", 60_000)}), (${repeat("a\r", 40_000)} || char(0))`,
    ],
  },
  {
    name: "big-next-to-small",
    breaks: "pages limited by rows: three rows of 1.9 MB between rows of 20 bytes",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, b BLOB)",
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
INSERT INTO t SELECT i * 10, printf('small row %d', i), NULL FROM n`,
      `INSERT INTO t VALUES(15, ${digits(1_900_000)}, NULL)`,
      "INSERT INTO t SELECT 3005, NULL, CAST(x AS BLOB) FROM t WHERE id = 15",
      "INSERT INTO t SELECT 3006, x, X'00' FROM t WHERE id = 15",
    ],
  },
  {
    name: "hundred-columns-wide",
    breaks: "every cell is small, the row is not: 100 columns of 1 KB, some of 15 KB",
    sql: [
      `CREATE TABLE t(${HUNDRED.join(", ")})`,
      `INSERT INTO t(c0) VALUES('first')`,
      `INSERT INTO t SELECT ${HUNDRED.map((_, i) => `substr(a, ${i * 7 + 1}, 1000)`).join(", ")} FROM (SELECT ${digits(20_000)} AS a)`,
      `INSERT INTO t SELECT ${HUNDRED.map((_, i) => `substr(a, ${i * 7 + 1}, 15000)`).join(", ")} FROM (SELECT ${digits(20_000)} AS a)`,
      `INSERT INTO t SELECT ${HUNDRED.map((_, i) => (i % 2 ? `CAST(substr(a, ${i + 1}, 1000) AS BLOB)` : "NULL")).join(", ")} FROM (SELECT ${digits(20_000)} AS a)`,
      `INSERT INTO t(c99) VALUES('last')`,
    ],
  },
  {
    name: "long-rows-with-constraints",
    breaks: "INSERT of a first piece, then UPDATE: fails CHECK, generated columns, STRICT and NOT NULL, fires triggers",
    sql: [
      "CREATE TABLE doc(id INTEGER PRIMARY KEY, body TEXT NOT NULL CHECK(json_valid(body)), size INTEGER AS (length(body)) STORED, kind TEXT AS (body ->> '$.kind'), UNIQUE(kind))",
      `INSERT INTO doc(body) VALUES(json_object('kind', 'long', 'text', ${digits(250_000)})), ('{"kind":"short"}')`,
      "CREATE TABLE file(name TEXT PRIMARY KEY, data BLOB NOT NULL CHECK(length(data) >= 100000)) STRICT, WITHOUT ROWID",
      "INSERT INTO file VALUES('zeros', zeroblob(120000)), ('more', zeroblob(100000))",
      "CREATE TABLE odd(i INTEGER, n, r REAL, u NUMERIC)",
      `INSERT INTO odd VALUES(zeroblob(70000), zeroblob(70000), 'x' || ${digits(100_000)}, CAST(${digits(60_000)} AS BLOB))`,
      "CREATE TABLE log(at)",
      "CREATE TRIGGER odd_update AFTER UPDATE ON odd BEGIN INSERT INTO log VALUES('updated'); END",
      "CREATE TRIGGER odd_insert AFTER INSERT ON odd BEGIN INSERT INTO log VALUES('inserted'); END",
    ],
  },
  {
    name: "long-rows-without-an-address",
    breaks: "UPDATE ... WHERE rowid cannot reach rows of WITHOUT ROWID tables or behind columns named rowid",
    sql: [
      "CREATE TABLE w(a TEXT, b, c TEXT, PRIMARY KEY(a, b)) WITHOUT ROWID",
      `INSERT INTO w VALUES('k', 1, ${digits(130_000)}), ('k', 2, 'x'), ('k', X'00', ${digits(110_000)})`,
      "CREATE TABLE hidden(rowid, oid, _rowid_)",
      `INSERT INTO hidden VALUES(1, ${digits(130_000)}, 2), (1, 'small', 2), (1, ${digits(130_000)}, 2)`,
      "CREATE TABLE nameless(x)",
      `INSERT INTO nameless(rowid, x) VALUES(-5, ${digits(140_000)}), (9223372036854775807, ${digits(140_001)})`,
    ],
    loses: ["rowids of table hidden, which columns named rowid, oid and _rowid_ hide"],
  },
  {
    name: "staging-name-taken",
    breaks: "long rows go through a staging table: its name must not be one that the database uses",
    sql: [
      ...[
        "_patina_stage",
        "patina_stage",
        "_patina_staging",
        "patina_staging",
        "__patina",
        "stage",
        "staging",
        "s",
        "_stage",
      ].map((table) => `CREATE TABLE ${table}(id INTEGER PRIMARY KEY, v BLOB)`),
      `INSERT INTO _patina_stage VALUES(1, ${digits(120_000)}), (2, X'00')`,
      `INSERT INTO stage VALUES(1, ${digits(120_000)})`,
      "CREATE VIEW _patina AS SELECT * FROM _patina_stage",
    ],
  },
  {
    name: "many-small-rows",
    breaks: "SQLite 3.47 answers out of memory above 10,000 cells of one INSERT: packing by bytes alone",
    sql: [
      "CREATE TABLE one(a)",
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12001) INSERT INTO one SELECT i % 10 FROM n",
      "CREATE TABLE two(a INTEGER PRIMARY KEY, b)",
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5001) INSERT INTO two SELECT i, NULL FROM n",
      `CREATE TABLE fifty(${HUNDRED.slice(0, 50).join(", ")})`,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO fifty SELECT ${HUNDRED.slice(
        0,
        50,
      )
        .map((_, c) => `(i * ${c + 1}) % 10`)
        .join(", ")} FROM n`,
    ],
  },
];
