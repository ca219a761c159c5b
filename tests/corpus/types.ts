import type { Case } from "./case.ts";
import { insert, text } from "./quote.ts";

/** Text that a reader may take for a value of another type. */
const NUMERIC_LOOKING = [
  ...["00123", "1e5", " 1", "1 ", "+1", "-0", "0x10", "1.0", "1.", ".5", "1_000", "9223372036854775808", "1e999"],
  ...["inf", "nan", "NULL", "null", "true", "undefined", "9e999", "X'41'", "x'00'", "''", "CAST(X'41' AS TEXT)"],
];

const ALL_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0")).join("");

export const TYPES: readonly Case[] = [
  {
    name: "blob-all-bytes",
    breaks: "tools that test for Uint8Array dump every BLOB as text: D1 hands BLOBs out as arrays of numbers",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB)",
      `INSERT INTO t VALUES(1, X'${ALL_BYTES}'), (2, X'00'), (3, X'FF'), (4, X'0000000000000000'), (5, X'27'), (6, X'${"27".repeat(300)}')`,
      `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 255)
INSERT INTO t SELECT 100 + i, unhex(printf('%02X', i)) FROM n`,
    ],
  },
  {
    name: "empty-and-null",
    breaks: "empty BLOB, empty text and NULL fall together in CSV, JSON and hex()",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b BLOB, c TEXT)",
      "INSERT INTO t VALUES(1, X'', X'', X''), (2, '', '', ''), (3, NULL, NULL, NULL), (4, zeroblob(0), 'NULL', 'null')",
    ],
  },
  {
    name: "blob-in-text-column",
    breaks: "quoting by declared type writes a BLOB of a TEXT column as text, and X'ff' as invalid text",
    sql: [
      "CREATE TABLE t(x TEXT, i INTEGER, r REAL, n NUMERIC)",
      "INSERT INTO t VALUES(X'68656C6C6F', X'31', X'312E30', X'30'), (X'FF00', X'', X'00', X'FF'), ('hello', 1, 1.0, 0)",
    ],
  },
  {
    name: "text-in-blob-column",
    breaks: "quoting by declared type writes the text of a BLOB column as X'..'",
    sql: [
      "CREATE TABLE t(b BLOB, i INTEGER, r REAL)",
      "INSERT INTO t VALUES('hello', 'one', 'two'), ('', '', ''), ('00ff', 'x1', '1.5.1'), (X'68656C6C6F', 1, 1.5)",
    ],
  },
  {
    name: "numeric-looking-text",
    breaks: "text that looks like a number, a literal or NULL loses its type on the way through CSV, JSON or bind()",
    sql: [
      "CREATE TABLE t(n, x TEXT, b BLOB, u NUMERIC, i INTEGER, r REAL)",
      insert(
        "t",
        NUMERIC_LOOKING.map((value) => Array.from({ length: 6 }, () => text(value))),
      ),
      "CREATE TABLE strict_t(a ANY, x TEXT) STRICT",
      insert(
        "strict_t",
        NUMERIC_LOOKING.map((value) => [text(value), text(value)]),
      ),
    ],
  },
  {
    name: "strict-any",
    breaks: "ANY keeps every type only in STRICT tables; in an ordinary table the same word means NUMERIC",
    sql: [
      "CREATE TABLE strict_t(id INTEGER PRIMARY KEY, a ANY, i INT, r REAL, x TEXT, b BLOB) STRICT",
      "INSERT INTO strict_t VALUES(1, 1, 1, 1, '1', X'31'), (2, 1.0, 2, 2.5, '00123', X''), (3, '00123', NULL, NULL, NULL, NULL), (4, X'00', -1, -1e300, '', X'00'), (5, NULL, 0, 0, '1.0', X'FF')",
      "CREATE TABLE loose_t(a ANY)",
      "INSERT INTO loose_t VALUES(1), (1.0), ('00123'), (X'00'), (NULL), ('1.5')",
    ],
  },
  {
    name: "odd-declared-types",
    breaks:
      "affinity follows substrings: FLOATING POINT is INTEGER, STRING is NUMERIC; a mapped type changes the value",
    sql: [
      'CREATE TABLE t(a "FLOATING POINT", b CHARINT, c STRING, d VARCHAR(255), e DECIMAL(10,5), f JSON, g BOOLEAN, h DATETIME, i "", j UNSIGNED BIG INT, k DOUBLE PRECISION, l NATIVE CHARACTER(70), m BLOBTEXT, n XYZ, o GENERATED, p ALWAYS)',
      insert("t", [
        Array.from({ length: 16 }, () => "'5'"),
        Array.from({ length: 16 }, () => "5.0"),
        Array.from({ length: 16 }, () => "'5.5'"),
        Array.from({ length: 16 }, () => "X'35'"),
        Array.from({ length: 16 }, () => "'2026-11-20'"),
        Array.from({ length: 16 }, () => "true"),
      ]),
    ],
  },
  {
    name: "first-row-null",
    breaks: "column types guessed from the first row: d1-dump restores a column whose first value is NULL as text",
    sql: [
      "CREATE TABLE t(a, b, c)",
      "INSERT INTO t VALUES(NULL, NULL, NULL), (1, 1.0, X'01'), ('1', '1.0', 'x'), (1.0, 1, 2)",
    ],
  },
  {
    name: "json-boolean-datetime",
    breaks: "declared types of ORMs: ON/OFF, JSON and dates converted into JS values and back",
    sql: [
      "CREATE TABLE t(id TEXT PRIMARY KEY, ok BOOLEAN, at DATETIME, day DATE, doc JSON, amount DECIMAL(10,2), ms TIMESTAMP)",
      `INSERT INTO t VALUES('a', true, '2026-11-20 03:00:00', '2026-11-20', '{"a":[1,2.0,"x\\n"]}', 10.50, 1763600400000), ('b', 0, 1763600400, 20261120, '[]', '10.50', '1763600400000'), ('c', 'true', 2461000.5, NULL, 'null', 1e2, CURRENT_DATE IS NULL)`,
    ],
  },
  {
    name: "jsonb",
    breaks: "JSONB is a BLOB whose bytes tools print as text",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, doc BLOB CHECK(json_valid(doc, 8)))",
      `INSERT INTO t VALUES(1, jsonb('{"a":[1,2,{"b":null}],"c":"d\\u0000e"}')), (2, jsonb('[]')), (3, jsonb('"x"'))`,
      "CREATE INDEX t_a ON t(doc ->> '$.a[0]')",
    ],
  },
];
