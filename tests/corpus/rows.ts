import type { Case } from "./case.ts";

const HUNDRED = Array.from({ length: 100 }, (_, i) => `c${i}`);

/** Tables by the number and shape of their rows. */
export const ROWS: readonly Case[] = [
  {
    name: "empty-database",
    breaks: "a dump of nothing must still be a dump that ends, not an empty or missing file",
    sql: [],
  },
  {
    name: "empty-table",
    breaks: "a table without rows is left out, or yields INSERT ... VALUES with nothing behind it",
    sql: ["CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)", "CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID"],
  },
  {
    name: "one-row",
    breaks: "off by one at the first or the last row",
    sql: [
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES('only')",
      "CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID",
      "INSERT INTO w VALUES(1)",
    ],
  },
  {
    name: "all-null-rows",
    breaks: "rows of nothing but NULL vanish in tools that skip empty lines",
    sql: [
      "CREATE TABLE t(a, b TEXT, c BLOB)",
      "INSERT INTO t VALUES(NULL, NULL, NULL), (NULL, NULL, NULL), (NULL, NULL, NULL)",
    ],
  },
  {
    name: "equal-rows",
    breaks: "INSERT OR IGNORE, SELECT DISTINCT or matching rows by their values loses copies",
    sql: ["CREATE TABLE t(a, b)", "INSERT INTO t VALUES(1, 'x'), (1, 'x'), (1, 'x'), (1, 'y'), (1.0, 'x'), ('1', 'x')"],
  },
  {
    name: "default-values-only",
    breaks: "restoring with DEFAULT VALUES, or leaving out columns that hold NULL, applies the defaults again",
    sql: [
      "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT DEFAULT 'filled', c DEFAULT 7, d REAL DEFAULT 1)",
      "INSERT INTO t DEFAULT VALUES",
      "INSERT INTO t DEFAULT VALUES",
      "INSERT INTO t VALUES(9, NULL, NULL, NULL)",
      "CREATE TABLE lonely(id INTEGER PRIMARY KEY)",
      "INSERT INTO lonely DEFAULT VALUES",
      "INSERT INTO lonely VALUES(-4)",
    ],
  },
  {
    name: "hundred-columns",
    breaks:
      "D1 returns 100 columns at most: SELECT rowid with 100 columns fails, so does a VALUES list of 101 in two rows",
    sql: [
      `CREATE TABLE t(${HUNDRED.join(", ")})`,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
INSERT INTO t SELECT ${HUNDRED.map((_, c) => (c % 4 === 3 ? "NULL" : `i * ${c}`)).join(", ")} FROM n`,
      "UPDATE t SET rowid = rowid * 3 + 1000",
      `CREATE TABLE typed(${HUNDRED.map((c, i) => `${c} ${["INTEGER", "TEXT", "REAL", "BLOB"][i % 4]}`).join(", ")})`,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
INSERT INTO typed SELECT ${HUNDRED.map((_, c) => ["i", "'t' || i", "i / 8.0", "unhex(printf('%08X', i))"][c % 4]).join(", ")} FROM n`,
    ],
  },
  {
    name: "hundred-columns-with-keys",
    breaks: "the same with an INTEGER PRIMARY KEY, a composite key at the end, and generated columns among them",
    sql: [
      `CREATE TABLE t(id INTEGER PRIMARY KEY, ${HUNDRED.slice(0, 99).join(", ")})`,
      "INSERT INTO t(id, c0, c98) VALUES(-1, 'a', 'b'), (9007199254740993, 'c', X'00')",
      `CREATE TABLE w(${HUNDRED.join(", ")}, PRIMARY KEY(c99, c50 DESC)) WITHOUT ROWID`,
      "INSERT INTO w(c99, c50, c0) VALUES(1, 2, 'a'), (1, 1, 'b'), (0, 'x', 'c')",
      `CREATE TABLE g(${HUNDRED.slice(0, 60).join(", ")}, ${HUNDRED.slice(60)
        .map((c, i) => `${c} AS (c${i} || '!')`)
        .join(", ")})`,
      "INSERT INTO g(c0, c59) VALUES('x', 'y'), (NULL, 1)",
    ],
  },
  {
    name: "ninety-eight-columns",
    breaks: "queries that add two columns of their own just fit here and fail on the next table",
    sql: [
      `CREATE TABLE t(${HUNDRED.slice(0, 98).join(", ")})`,
      `INSERT INTO t VALUES(${HUNDRED.slice(0, 98)
        .map((_, c) => String(c))
        .join(", ")})`,
      `CREATE TABLE u(${HUNDRED.slice(0, 99).join(", ")})`,
      `INSERT INTO u VALUES(${HUNDRED.slice(0, 99)
        .map((_, c) => `'${c}'`)
        .join(", ")})`,
    ],
  },
  {
    name: "many-tables",
    breaks: "a query per table and page costs more than D1's 1,000 queries, or 50, of one invocation",
    sql: Array.from({ length: 150 }, (_, i) => [
      `CREATE TABLE table_${i}(id INTEGER PRIMARY KEY, v TEXT)`,
      `INSERT INTO table_${i} VALUES(${i}, 'row of table ${i}'), (${i + 1}, NULL)`,
    ]).flat(),
  },
  {
    name: "deleted-and-reinserted",
    breaks: "rows come back in another order than they were inserted; free pages hold rows that no longer exist",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)",
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, printf('%0200d', i) FROM n",
      "DELETE FROM t WHERE id % 3 <> 0",
      "INSERT INTO t VALUES(1, 'again'), (2000, 'again'), (1999, 'again')",
      "UPDATE t SET id = -id WHERE id % 2 = 0",
    ],
  },
];
