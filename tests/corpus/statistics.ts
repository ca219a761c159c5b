import type { Case } from "./case.ts";

/** ANALYZE: the table sqlite_stat1. */
export const STATISTICS: readonly Case[] = [
  {
    name: "analyze",
    breaks: "sqlite_stat1 is lost, or written before the indexes that it speaks of",
    sql: [
      "CREATE TABLE t(a, b)",
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i % 7, i FROM n",
      "CREATE INDEX t_a ON t(a)",
      "CREATE INDEX t_ab ON t(a, b) WHERE b > 5",
      "CREATE TABLE plain(x)",
      "INSERT INTO plain VALUES(1), (2)",
      "CREATE TABLE w(k TEXT PRIMARY KEY) WITHOUT ROWID",
      "INSERT INTO w VALUES('a')",
      "ANALYZE",
    ],
  },
  {
    name: "stale-statistics",
    breaks: "ANALYZE run again at the restore gives other numbers than the source had, and other plans",
    sql: [
      "CREATE TABLE t(a, b)",
      "CREATE INDEX t_a ON t(a)",
      "INSERT INTO t VALUES(1, 2)",
      "ANALYZE",
      "INSERT INTO t VALUES(3, 4), (5, 6), (7, 8)",
      "UPDATE sqlite_stat1 SET stat = '1000000 10 unordered sz=20' WHERE idx = 't_a'",
      "CREATE INDEX t_b ON t(b)",
    ],
  },
  {
    name: "statistics-of-nothing",
    breaks: "statistics of indexes and tables that are gone, of NULL, with quotes; ANALYZE sqlite_schema makes its own",
    sql: [
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES(1)",
      "ANALYZE",
      "INSERT INTO sqlite_stat1 VALUES('t', 'dropped', '5 1'), ('gone', NULL, '7'), ('it''s', 'a;b', '1 1'), ('t', NULL, NULL), (NULL, NULL, NULL), ('t', 'dropped', '6 1')",
    ],
  },
  {
    name: "statistics-emptied",
    breaks: "sqlite_stat1 exists and is empty",
    sql: ["CREATE TABLE t(a)", "INSERT INTO t VALUES(1)", "ANALYZE", "DELETE FROM sqlite_stat1"],
  },
];
