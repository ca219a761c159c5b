/** One change to one database, and what compare() has to say about it. compare.test.ts goes through all of them. */
export interface Mutation {
  /** What is changed, as the test's name tells it. */
  readonly change: string;
  /** The database before: the name of a case of the corpus, or statements. */
  readonly of: string | readonly string[];
  /** Statements that change the right database. */
  readonly by: readonly string[];
  /** What the report must contain. */
  readonly says: readonly string[];
  /** True for damage that shows in the right database alone. */
  readonly oneWay?: true;
}

const VALUE = ["CREATE TABLE t(id INTEGER PRIMARY KEY, v)"];

/** A table with one value, changed to another that many a comparison takes for the same. */
function value(change: string, before: string, after: string, says: string): Mutation {
  return {
    change: `the change of ${change}`,
    of: [...VALUE, `INSERT INTO t VALUES(1, ${before})`],
    by: [`UPDATE t SET v = ${after}`],
    says: ['table "t": row rowid = integer 1, column "v": ', says],
  };
}

export const VALUES: readonly Mutation[] = [
  value(
    "an integer beyond 2^53 to the next",
    "9007199254740992",
    "9007199254740993",
    "integer 9007199254740992 became integer 9007199254740993",
  ),
  value(
    "the last of int64 to its neighbour",
    "9223372036854775807",
    "9223372036854775806",
    "became integer 9223372036854775806",
  ),
  value("an integer to the REAL of its value", "1", "1.0", "integer 1 became real 1"),
  value("a REAL to the integer of its value", "1.0", "1", "real 1 became integer 1"),
  value("one bit of a REAL", "0.3", "0.1 + 0.2", "real 0.3 became real 0.30000000000000004"),
  value("the smallest REAL to zero", "5e-324", "0.0", "real 5e-324 became real 0"),
  value("the sign of zero", "-0.0", "0.0", "real -0.0 became real 0"),
  value("zero to minus zero", "0.0", "-0.0", "real 0 became real -0.0"),
  value(
    "infinity to the largest REAL",
    "9e999",
    "1.7976931348623157e308",
    "real Infinity became real 1.7976931348623157e+308",
  ),
  value("infinity to NULL", "-9e999", "NULL", "real -Infinity became NULL"),
  value("NULL to empty text", "NULL", "''", 'NULL became text ""'),
  value("empty text to an empty BLOB", "''", "X''", "text \"\" became blob X''"),
  value("text to the BLOB of its bytes", "'abc'", "X'616263'", "text \"abc\" became blob X'616263'"),
  value("a BLOB to the text of its bytes", "X'616263'", "'abc'", "blob X'616263' became text \"abc\""),
  value("text of digits to a number", "'00123'", "123", 'text "00123" became integer 123'),
  value("a trailing space", "'a '", "'a'", 'text "a " became text "a"'),
  value("capitals", "'A'", "'a'", 'text "A" became text "a"'),
  value("text with a NUL to what stands before it", "'a' || char(0) || 'b'", "'a'", 'text "a\\u0000b" became text "a"'),
  value("what stands behind a NUL", "'a' || char(0) || 'b'", "'a' || char(0) || 'c'", 'became text "a\\u0000c"'),
  value(
    "an invalid byte to U+FFFD",
    "CAST(X'61FF62' AS TEXT)",
    "'a\ufffdb'",
    "text X'61ff62' became text X'61efbfbd62'",
  ),
  value("a lone surrogate to U+FFFD", "CAST(X'EDA080' AS TEXT)", "'\ufffd\ufffd\ufffd'", "text X'eda080' became"),
  value("CR LF to LF", "'a\r\nb'", "'a\nb'", 'text "a\\r\\nb" became text "a\\nb"'),
  value("a literal \\n to a newline", "'a\\nb'", "'a\nb'", 'text "a\\\\nb" became text "a\\nb"'),
  value("a letter to its decomposed form", "'é'", "'e\u0301'", 'text "é" became'),
  value("a byte order mark", "'\ufeffa'", "'a'", 'became text "a"'),
  value("one byte of a BLOB", "X'00FF10'", "X'00FF11'", "blob X'00ff10' became blob X'00ff11'"),
  value(
    "the last byte of a long BLOB",
    "zeroblob(1900000)",
    "zeroblob(1899999)",
    "(1899999 bytes), first difference at byte 1899999",
  ),
  value(
    "one character in the middle of a long text",
    "replace(hex(zeroblob(500000)), '0', 'x')",
    "substr(v, 1, 700000) || 'y' || substr(v, 700002)",
    "first difference at byte 700000",
  ),
];

export const ROWS: readonly Mutation[] = [
  {
    change: "the loss of a row",
    of: "implicit-rowids",
    by: ["DELETE FROM t WHERE rowid = 7"],
    says: ['table "t": row rowid = integer 7 is missing'],
  },
  {
    change: "an additional row",
    of: "one-row",
    by: ["INSERT INTO t VALUES('more')", "INSERT INTO w VALUES(2)"],
    says: [
      'table "t": row rowid = integer 2 was not there before',
      'table "w": row a = integer 2 was not there before',
    ],
  },
  {
    change: "another implicit rowid",
    of: "implicit-rowids",
    by: ["UPDATE k SET rowid = 11 WHERE rowid = 10"],
    says: ['table "k": row rowid = integer 10 is missing', 'table "k": row rowid = integer 11 was not there before'],
  },
  {
    change: "another rowid behind two columns named rowid",
    of: "two-columns-named-rowid",
    by: ["UPDATE a SET _rowid_ = 6 WHERE _rowid_ = 5"],
    says: ["row _rowid_ = integer 5 is missing", "row _rowid_ = integer 6 was not there before"],
  },
  {
    change: "another of several equal rows whose rowid nothing reaches",
    of: "three-columns-named-rowid",
    by: ["DELETE FROM k WHERE oid IS NULL AND rowid = 5", "INSERT INTO k VALUES(NULL, 5, 6)"],
    says: ['table "k": row oid = NULL, rowid = integer 5, _rowid_ = integer 6 is missing'],
  },
  {
    change: "another value in a column named rowid",
    of: "one-column-named-rowid",
    by: ["UPDATE a SET rowid = 'six' WHERE rowid = 'five'"],
    says: ['row _rowid_ = integer 5, column "rowid": text "five" became text "six"'],
  },
  {
    change: "another type of a key",
    of: "real-whole-numbers",
    by: ["UPDATE k SET a = 1 WHERE b = 'real'"],
    says: ["row a = real 1 is missing", "row a = integer 1 was not there before"],
  },
  {
    change: "another case of a NOCASE key",
    of: "without-rowid-nocase",
    by: ["UPDATE t SET k = 'A' WHERE k = 'a'"],
    says: ['table "t": row k = text "a" is missing', 'table "t": row k = text "A" was not there before'],
  },
  {
    change: "another value that generated columns follow",
    of: "generated-columns",
    by: ["UPDATE t SET a = 11 WHERE id = 1"],
    says: [
      'column "a": integer 10 became integer 11',
      'column "twice": integer 20 became integer 22',
      'column "sum": integer 11',
    ],
  },
  {
    change: "another value in the hundredth column",
    of: "hundred-columns",
    by: ["UPDATE typed SET c99 = X'00' WHERE rowid = 20"],
    says: ["table \"typed\": row rowid = integer 20, column \"c99\": blob X'00000014' became blob X'00'"],
  },
  {
    change: "the loss of all rows of a table",
    of: "negative-keys",
    by: ["DELETE FROM t"],
    says: [
      ...Array.from({ length: 20 }, (_, i) => `row rowid = integer ${i - 500} is missing`),
      "... and 484 more of the same table",
    ],
  },
  {
    change: "losses in tables whose names look like internal ones",
    of: "names-like-internal-ones",
    by: ["DELETE FROM acf_fields", "DELETE FROM _cfx", 'DELETE FROM "SQLite-notes"', "DELETE FROM d10_notes"],
    says: ['table "SQLite-notes": row', 'table "acf_fields": row', 'table "_cfx": row', 'table "d10_notes": row'],
  },
  {
    change: "another value in a user's table that SQLite calls a shadow table",
    of: [
      "CREATE TABLE x_content(a)",
      "INSERT INTO x_content VALUES(1)",
      "CREATE VIRTUAL TABLE x USING fts5(a, content='x_content')",
    ],
    by: ["DROP TABLE x", "UPDATE x_content SET a = 2", "CREATE VIRTUAL TABLE x USING fts5(a, content='x_content')"],
    says: ['table "x_content": row rowid = integer 1, column "a": integer 1 became integer 2'],
  },
];
