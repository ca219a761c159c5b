import type { Case } from "./case.ts";
import { decades, doubleSql, randomDoubles } from "./doubles.ts";
import { insert } from "./quote.ts";

/** The ends of every storage width of SQLite, of JavaScript's safe integers and of int64. */
const INTEGERS = [
  "0",
  "1",
  "-1",
  ...["127", "128", "32767", "32768", "8388607", "8388608", "2147483647", "2147483648", "4294967296"],
  ...["-128", "-129", "-32768", "-32769", "-8388608", "-8388609", "-2147483648", "-2147483649"],
  ...["140737488355327", "140737488355328", "-140737488355328", "-140737488355329"],
  ...["9007199254740991", "9007199254740992", "9007199254740993", "9007199254740995"],
  ...["-9007199254740991", "-9007199254740992", "-9007199254740993", "-9007199254740995"],
  ...["4611686018427387905", "9223372036854775295", "9223372036854775806", "9223372036854775807"],
  ...["-4611686018427387905", "-9223372036854775807", "-9223372036854775808"],
];

/** 17 digits needed, or a shortest form that some engine misreads. */
const AWKWARD = [
  0.1,
  0.2,
  0.30000000000000004,
  1.1,
  2.675,
  3.3000000000000003,
  1 / 3,
  2 / 3,
  4.35,
  1e21,
  1e-7,
  123456789.12345679,
  52.5200066,
  13.404954,
  -33.8688197,
  151.2092955,
  1763596800.123,
  9007199254740994,
  5e-5,
  1.7976931348623155e308,
  6.02214076e23,
  1.0000000000000002,
  0.9999999999999999,
  4503599627370495.5,
];

const EXTREMES = [
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.MIN_VALUE,
  -Number.MIN_VALUE,
  2.2250738585072014e-308, // the smallest normal number
  2.225073858507201e-308, // the largest subnormal number
  9007199254740991 * Number.MIN_VALUE,
  Number.EPSILON,
  1e308,
  -1e-308,
];

function doubleRows(values: readonly number[], first = 1): string {
  return insert(
    "t",
    values.map((value, i) => [String(first + i), doubleSql(value), doubleSql(value)]),
  );
}

function doubleTable(values: readonly number[]): string[] {
  const sql = ["CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, n)"];
  // 400 rows of two literals are about 50 KB of SQL.
  for (let i = 0; i < values.length; i += 400) sql.push(doubleRows(values.slice(i, i + 400), i + 1));
  return sql;
}

export const NUMBERS: readonly Case[] = [
  {
    name: "integer-extremes",
    breaks: "wrangler d1 export and every reader through JSON round integers beyond 2^53 and turn 2^63-1 into a REAL",
    sql: [
      "CREATE TABLE t(i INTEGER, n, b BLOB, s NUMERIC)",
      insert(
        "t",
        INTEGERS.map((i) => [i, i, i, i]),
      ),
      "CREATE TABLE strict_t(i INTEGER, a ANY, n INT) STRICT",
      insert(
        "strict_t",
        INTEGERS.map((i) => [i, i, i]),
      ),
    ],
  },
  {
    name: "integer-keys-beyond-2-53",
    breaks: "paging with the last key as a JS number reads the same row for ever, or skips its neighbours",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)",
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 59)
INSERT INTO t SELECT 9007199254740962 + i, 'above ' || i FROM n UNION ALL SELECT -9007199254740962 - i, 'below ' || i FROM n`,
      insert(
        "t",
        ["-9223372036854775808", "-9223372036854775807", "9223372036854775806", "9223372036854775807"].map((id) => [
          id,
          "'end'",
        ]),
      ),
    ],
  },
  {
    name: "integer-in-every-affinity",
    breaks:
      "dumpers that trust the declared type write integers of TEXT columns as numbers, of REAL columns as integers",
    sql: [
      "CREATE TABLE t(tx TEXT, nu NUMERIC, it INTEGER, re REAL, bl BLOB, no)",
      insert(
        "t",
        ["0", "7", "-7", "9007199254740993", "9223372036854775807"].map((i) => [i, i, i, i, i, i]),
      ),
    ],
  },
  {
    name: "real-extremes",
    breaks: "sqlite3 3.40 loses 5e-324, 3.46 writes DBL_MAX so that it reads as infinity",
    sql: doubleTable(EXTREMES),
  },
  {
    name: "real-infinity",
    breaks: "wrangler writes Infinity, sqlite3 3.53 writes Inf: neither loads; JSON turns it into null",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, n, u NUMERIC NOT NULL DEFAULT 1)",
      "INSERT INTO t VALUES(1, 9e999, 9e999, 9e999), (2, -9e999, -9e999, -9e999), (3, 'Inf', 'Inf', 'Inf'), (4, '1e999', '1e999', '1e999'), (5, 'nan', 'Infinity', '-Infinity')",
      "CREATE TABLE strict_t(a ANY, r REAL) STRICT",
      "INSERT INTO strict_t VALUES(9e999, 9e999), (-9e999, -9e999), ('Inf', NULL)",
    ],
  },
  {
    name: "real-negative-zero",
    breaks: "quote(), .dump and JSON all write -0.0 as 0.0; it lives only in columns without numeric affinity",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, n, b BLOB, x TEXT, r REAL, u NUMERIC)",
      "INSERT INTO t VALUES(1, -0.0, -0.0, -0.0, -0.0, -0.0), (2, 0.0, 0.0, 0.0, 0.0, 0.0), (3, 0, 0, 0, 0, 0)",
      "CREATE TABLE strict_t(a ANY) STRICT",
      "INSERT INTO strict_t VALUES(-0.0), (0.0), (0)",
      "CREATE TABLE k(a PRIMARY KEY) WITHOUT ROWID",
      "INSERT INTO k VALUES(-0.0), (1)",
    ],
  },
  {
    name: "real-whole-numbers",
    breaks: "1.0 written as 1 becomes an INTEGER in columns without REAL affinity (wrangler, everything through JSON)",
    sql: [
      "CREATE TABLE t(n, r REAL, u NUMERIC, b BLOB, x TEXT, i INTEGER)",
      insert(
        "t",
        ["1.0", "-1.0", "100.0", "1e15", "1e16", "1e18", "1e19", "9007199254740992.0", "9223372036854775808.0", "1e300"]
          .concat("2.0", "0.0")
          .map((r) => [r, r, r, r, r, r]),
      ),
      "CREATE TABLE strict_t(a ANY, r REAL) STRICT",
      "INSERT INTO strict_t VALUES(1.0, 1.0), (1, 1), (1e15, 1e15), ('1.0', 2), (X'31', 3)",
      "CREATE TABLE k(a PRIMARY KEY, b) WITHOUT ROWID",
      "INSERT INTO k VALUES(1.0, 'real'), (2, 'integer'), ('1.0', 'text')",
    ],
  },
  {
    name: "real-17-digits",
    breaks: "15 digits (CAST AS TEXT before 3.53, %!.15g of sqldiff) change the value",
    sql: doubleTable(AWKWARD),
  },
  {
    name: "real-every-decade",
    breaks: "decimal literals of 3.47 (older workerd) miss 16 % of all doubles beyond 1e120 and below 1e-84",
    sql: doubleTable(decades()),
  },
  {
    name: "random-doubles",
    breaks:
      ".dump of sqlite3 3.40 changes some random bit patterns; shortest digits, read by it, change GPS values too",
    sql: doubleTable(randomDoubles()),
  },
  {
    name: "real-keys",
    breaks: "paging with a rounded REAL key skips or repeats rows that differ in the 17th digit, or hangs at infinity",
    sql: [
      "CREATE TABLE t(k REAL PRIMARY KEY, v) WITHOUT ROWID",
      insert(
        "t",
        [...new Set([...AWKWARD, ...EXTREMES, 0.1 + Number.EPSILON / 16, 0.1 + Number.EPSILON / 8])].map((value, i) => [
          doubleSql(value),
          String(i),
        ]),
      ),
      "INSERT INTO t VALUES(9e999, 'inf'), (-9e999, '-inf'), (0.0, 'zero')",
      "CREATE TABLE u(k REAL UNIQUE NOT NULL)",
      "INSERT INTO u SELECT k FROM t",
    ],
  },
];
