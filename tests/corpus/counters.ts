import type { Case } from "./case.ts";

/** AUTOINCREMENT: the counters in sqlite_sequence. */
export const COUNTERS: readonly Case[] = [
  {
    name: "autoincrement",
    breaks: "the counter is above max(id) after a delete: lost, old ids are given out again (TigersWay, upstream)",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
      "INSERT INTO t(v) VALUES('a'), ('b'), ('c')",
      "DELETE FROM t WHERE id = 3",
      "CREATE TABLE u(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO u VALUES(-5), (100)",
      "UPDATE u SET id = 50 WHERE id = 100",
      "CREATE TABLE never(id INTEGER PRIMARY KEY AUTOINCREMENT)",
    ],
  },
  {
    name: "autoincrement-emptied",
    breaks: "a table without rows still has its counter",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
      "INSERT INTO t(id, v) VALUES(41, 'x')",
      "DELETE FROM t",
    ],
  },
  {
    name: "autoincrement-dropped",
    breaks: "sqlite_sequence outlives the last AUTOINCREMENT table: DELETE FROM it fails in a database without one",
    sql: [
      "CREATE TABLE gone(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO gone DEFAULT VALUES",
      "DROP TABLE gone",
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES(1)",
    ],
  },
  {
    name: "counters-of-no-table",
    breaks: "counters of tables that do not exist, twice the same table, or spelled in another case",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO t VALUES(3)",
      "INSERT INTO sqlite_sequence VALUES('ghost', 5), ('T', 99), ('it''s; gone', 1)",
      "CREATE TABLE plain(id INTEGER PRIMARY KEY)",
      "INSERT INTO sqlite_sequence VALUES('plain', 12), ('ghost', 6)",
    ],
  },
  {
    name: "ghost-counter-alone",
    breaks: "a counter remains, though no AUTOINCREMENT table does: sqlite_sequence cannot be created by its name",
    sql: [
      "CREATE TABLE gone(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "DROP TABLE gone",
      "INSERT INTO sqlite_sequence VALUES('ghost', 9007199254740993)",
    ],
  },
  {
    name: "huge-counters",
    breaks: "counters beyond 2^53, at the end of int64, negative, and of other types",
    sql: [
      "CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO a VALUES(9007199254740993)",
      "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO b VALUES(9223372036854775807)",
      "CREATE TABLE c(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO c VALUES(1)",
      "UPDATE sqlite_sequence SET seq = 9223372036854775806 WHERE name = 'c'",
      "CREATE TABLE d(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO d VALUES(-10)",
      "CREATE TABLE \"e; 'f'\"(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO \"e; 'f'\" VALUES(4)",
      "CREATE TABLE g(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO g VALUES(4)",
      "UPDATE sqlite_sequence SET seq = '17' WHERE name = 'g'",
      "CREATE TABLE h(id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "INSERT INTO h VALUES(4)",
      "UPDATE sqlite_sequence SET seq = NULL WHERE name = 'h'",
    ],
  },
];
