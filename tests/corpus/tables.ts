import type { Case } from "./case.ts";

/** Tables by what stands in their CREATE statement. */
export const TABLES: readonly Case[] = [
  {
    name: "strict",
    breaks: "STRICT refuses what an ordinary table would convert: a BLOB written as text, a number written with quotes",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, i INT NOT NULL, r REAL, x TEXT, b BLOB, a ANY) STRICT",
      "INSERT INTO t VALUES(1, 5, 5, 'x', X'00', X'00'), (2, -1, NULL, NULL, NULL, 'x'), (3, 9223372036854775807, 0.1, '', X'', 1.0)",
      "CREATE TABLE w(k TEXT, v ANY, PRIMARY KEY(k, v)) STRICT, WITHOUT ROWID",
      "INSERT INTO w VALUES('a', 1), ('a', 2.0), ('a', '2'), ('a', X'02')",
    ],
  },
  {
    name: "check-and-default",
    breaks: "CHECK and DEFAULT expressions that are parsed and rebuilt instead of copied",
    sql: [
      `CREATE TABLE t(
  id INTEGER PRIMARY KEY,
  a TEXT NOT NULL DEFAULT 'it''s; -- not a comment' CHECK(length(a) < 100 AND a <> ';'),
  b INTEGER DEFAULT -1 CHECK(b BETWEEN -10 AND 10),
  c DEFAULT (datetime('now', '-1 day')),
  d DEFAULT CURRENT_TIMESTAMP,
  e BLOB DEFAULT X'00FF',
  f REAL DEFAULT +1.50e1,
  g DEFAULT (1 + 2 * (3)),
  h DEFAULT NULL,
  i DEFAULT TRUE,
  j TEXT DEFAULT "double quoted",
  k DEFAULT (CASE WHEN 1 THEN 'x' ELSE ';' END),
  CONSTRAINT "named; check" CHECK(a <> b OR b IS NULL),
  CHECK(e IS NULL OR typeof(e) = 'blob')
)`,
      "INSERT INTO t(id, c, d) VALUES(1, 'then', 'then'), (2, NULL, NULL)",
      "INSERT INTO t VALUES(3, 'x', NULL, 1, 2, NULL, 4, 5, 6, 7, 8, 9)",
    ],
  },
  {
    name: "not-null-and-conflict-clauses",
    breaks: "ON CONFLICT clauses act during the restore: REPLACE and IGNORE lose rows if a dump writes one twice",
    sql: [
      "CREATE TABLE t(a INTEGER PRIMARY KEY ON CONFLICT REPLACE, b TEXT NOT NULL ON CONFLICT IGNORE, c UNIQUE ON CONFLICT REPLACE, d NOT NULL ON CONFLICT REPLACE DEFAULT 'd', UNIQUE(b, d) ON CONFLICT ROLLBACK, CHECK(a <> 0))",
      "INSERT INTO t VALUES(1, 'a', 1, NULL), (2, 'b', 1, 'x'), (3, NULL, 3, 'y'), (4, 'd', NULL, 'z'), (5, 'e', NULL, NULL)",
    ],
  },
  {
    name: "collations",
    breaks: "COLLATE on columns, keys and constraints, which a rebuilt CREATE statement forgets",
    sql: [
      "CREATE TABLE t(a TEXT COLLATE NOCASE, b TEXT COLLATE RTRIM NOT NULL, c COLLATE BINARY, CHECK(a = 'X' COLLATE BINARY OR a <> 'X' COLLATE BINARY))",
      "INSERT INTO t VALUES('X', 'a ', 'c'), ('x', 'a', 'C'), (NULL, '', NULL)",
      "CREATE INDEX t_a ON t(a COLLATE BINARY, b COLLATE NOCASE DESC)",
    ],
  },
  {
    name: "comments-in-create",
    breaks: "TigersWay's dump of a CREATE with a comment does not import: lines are joined, the rest is comment",
    sql: [
      `-- the users
CREATE /* odd */ TABLE -- here
 users (  id   INTEGER
   PRIMARY KEY, -- the key; 'quoted' "too"
	name TEXT /* a; b */ NOT NULL,
  -- last one
  age INT -- no comma, a ' quote
)`,
      "INSERT INTO users VALUES(1, 'a -- b', 2)",
      "CREATE TABLE spaced   (   a INT   PRIMARY KEY   ,b TEXT\n\n\n,\tc ANY )   WITHOUT   ROWID   ,   STRICT",
      "INSERT INTO spaced VALUES(1, 'x', NULL)",
    ],
  },
  {
    name: "comment-at-the-end",
    breaks:
      "SQL stored with a trailing -- comment swallows the semicolon that a dump puts behind it (dbdump, wrangler)",
    sql: [
      "CREATE TABLE t(a, b) -- the table",
      "INSERT INTO t VALUES(1, 2)",
      "CREATE VIEW v AS SELECT a FROM t -- the view",
      "CREATE INDEX t_a ON t(a) -- the index; really",
      "CREATE INDEX t_b ON t(b) WHERE b > 0 -- with a newline\n",
      "CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT 1; END -- the trigger",
      "CREATE VIEW v2 AS SELECT '-- no comment' AS x",
    ],
  },
  {
    name: "comment-never-closed",
    breaks: "SQLite takes /* without an end: all that follows the statement in a dump is comment",
    sql: [
      "CREATE TABLE t(a) /* open",
      "INSERT INTO t VALUES(1)",
      "CREATE VIEW v AS SELECT a FROM t /* open",
      "CREATE INDEX t_a ON t(a) /* open; -- and",
    ],
    loses: ["the exact text of view v and index t_a: a script has to close the comment"],
  },
  {
    name: "crlf-in-create",
    breaks: "migrations written on Windows: the sqlite3 shell drops the CR of CR LF when it reads a script",
    sql: [
      "CREATE TABLE t(\r\n  a TEXT, -- first\r\n  b TEXT\r\n)",
      "INSERT INTO t VALUES('a\r\nb', 'c')",
      "CREATE VIEW v AS\r\n  SELECT a\r\n  FROM t",
    ],
    loses: ["through the sqlite3 shell, the CR of CR LF in CREATE statements; other readers keep it"],
  },
  {
    name: "crlf-in-default",
    breaks: "the same inside a literal of the schema, where it changes what the next INSERT stores",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT DEFAULT 'x\r\ny', b AS (a || '\r\n'), CHECK(a <> '\r'))",
      "INSERT INTO t DEFAULT VALUES",
      "INSERT INTO t(a) VALUES('z')",
      "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a = a || '\r\n;' WHERE id = NEW.id; END",
    ],
    loses: ["through the sqlite3 shell, the CR of CR LF in CREATE statements; other readers keep it"],
  },
  {
    name: "transaction-words-in-create",
    breaks: "BEGIN TRANSACTION and COMMIT; in the schema, on lines of their own: grep and wrangler remove them",
    sql: [
      "CREATE TABLE t(a, -- notes:\nBEGIN_ TEXT DEFAULT '\nCOMMIT;\n', /*\nBEGIN TRANSACTION;\nCOMMIT;\n*/ b)",
      "INSERT INTO t(a, b) VALUES(1, 2)",
      "CREATE VIEW v AS SELECT '\nBEGIN TRANSACTION;\n' AS x",
    ],
    loses: ["through wrangler d1 execute --file, the first BEGIN TRANSACTION and COMMIT in CREATE statements"],
  },
  {
    name: "double-quoted-strings",
    breaks: 'sqlite3 3.41 and newer refuse CHECK(a <> "x") unless lines 1 and 2 mark the file as a dump',
    sql: [
      'CREATE TABLE t(a CHECK(a <> "x"), b DEFAULT "y", c AS (a || "z"))',
      "INSERT INTO t(a) VALUES('a'), (NULL)",
      'CREATE INDEX t_a ON t(a) WHERE a <> "never"',
      'CREATE VIEW v AS SELECT "text" AS x, a FROM t WHERE a = "a"',
      'CREATE TRIGGER g AFTER DELETE ON t BEGIN INSERT INTO t(a) VALUES("gone"); END',
    ],
  },
  {
    name: "create-table-as-select",
    breaks: "CTAS stores a CREATE of its own making, with odd types (INT, NUM) and quoted names",
    sql: [
      "CREATE TABLE src(a INTEGER, b VARCHAR(10), c DECIMAL, d)",
      "INSERT INTO src VALUES(1, 'x', 1.5, X'00'), (2, NULL, 3, 1.0)",
      'CREATE TABLE copy AS SELECT a, b, c, d, a + 1 AS "a + 1", \'x\' AS "it\'s", 1.0 FROM src',
      'CREATE TABLE "empty copy" AS SELECT * FROM src WHERE 0',
    ],
  },
  {
    name: "stored-name-forms",
    breaks: "names quoted in four ways, with main. and IF NOT EXISTS, of which SQLite stores only part",
    sql: [
      'CREATE TABLE IF NOT EXISTS main."a"([b] INT, `c` INT, \'d\' INT, "e" INT)',
      "CREATE TABLE 'f'(g)",
      "CREATE TABLE [h i](j)",
      "CREATE TABLE `k`(l)",
      "INSERT INTO a VALUES(1, 2, 3, 4)",
      "INSERT INTO f VALUES(1)",
      "INSERT INTO [h i] VALUES(2)",
      "INSERT INTO k VALUES(3)",
      "CREATE UNIQUE  INDEX  IF NOT EXISTS  main.[x y]  ON  a ( [b] , `c` )",
      "CREATE VIEW IF NOT EXISTS main.'v' AS SELECT * FROM [h i]",
      "CREATE TRIGGER IF NOT EXISTS main.`g` AFTER INSERT ON a BEGIN SELECT 1; END",
    ],
  },
  {
    name: "check-violations",
    breaks: "rows that violate a CHECK (switched off, then on again) are refused by every restore without the pragma",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER CHECK(a > 0), CONSTRAINT sane CHECK(a <> 13))",
      "INSERT INTO t VALUES(1, 5)",
      "PRAGMA ignore_check_constraints=ON",
      "INSERT INTO t VALUES(2, -5), (3, 13), (4, 'text')",
      "CREATE TABLE w(k TEXT PRIMARY KEY CHECK(k = upper(k))) WITHOUT ROWID",
      "INSERT INTO w VALUES('A'), ('b')",
      "CREATE TABLE long(x TEXT CHECK(length(x) < 10))",
      "INSERT INTO long VALUES(hex(zeroblob(70000))), ('x')",
      "PRAGMA ignore_check_constraints=OFF",
    ],
  },
  {
    name: "check-that-fails",
    breaks: "a CHECK that fails instead of saying no: asking which rows violate it, and pragma quick_check, fail too",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, doc TEXT CHECK(json_extract(doc, '$.x') > 0))",
      `INSERT INTO t VALUES(1, '{"x":1}')`,
      "PRAGMA ignore_check_constraints=ON",
      "INSERT INTO t VALUES(2, 'not json'), (3, '{\"x\":0}')",
      "PRAGMA ignore_check_constraints=OFF",
    ],
  },
  {
    name: "check-of-the-moment",
    breaks: "CHECK(expires > CURRENT_TIMESTAMP) was true when the row came in, and no longer is when it is restored",
    sql: [
      "CREATE TABLE visits(n INTEGER PRIMARY KEY)",
      "CREATE TABLE sessions(expires TEXT CHECK(expires > CURRENT_TIMESTAMP), seen INTEGER CHECK(total_changes() < 900))",
      "INSERT INTO sessions VALUES('2999-01-01', 1), (NULL, 2)",
      "INSERT INTO sessions VALUES('2999-01-01', zeroblob(70000))",
      "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 1000) INSERT INTO visits SELECT n FROM i",
    ],
  },
  {
    name: "lines-that-end-a-statement",
    breaks: "a line of nothing but / or GO is a semicolon to the sqlite3 shell",
    sql: [
      "CREATE TABLE t(a DEFAULT (8\n/\n2), b)",
      "INSERT INTO t VALUES(10, 2)",
      "CREATE VIEW v AS SELECT a AS\n  go  \nFROM t",
      "CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT 4\n/\n2; END",
    ],
    shell: "it ends the definitions of t and v in their middle",
  },
  {
    name: "check-violated-through-like",
    breaks: "no CHECK was ever switched off: LIKE itself was case-sensitive when the row came in",
    sql: [
      "CREATE TABLE t(a CHECK(a NOT LIKE 'x%'))",
      "PRAGMA case_sensitive_like=ON",
      "INSERT INTO t VALUES('Xa'), ('b')",
      "PRAGMA case_sensitive_like=OFF",
    ],
  },
  {
    name: "create-statements-near-the-limit",
    breaks: "DDL of nearly 100,000 bytes cannot be split: IF NOT EXISTS or a comment added to it is too much",
    sql: [
      `CREATE TABLE t(a TEXT DEFAULT '${"d".repeat(99_800)}', b)`,
      "INSERT INTO t VALUES('short', 1)",
      "INSERT INTO t(b) VALUES(2)",
      `CREATE VIEW v AS SELECT '${"v".repeat(99_750)}' AS x, b FROM t`,
      `CREATE TRIGGER g AFTER DELETE ON t BEGIN SELECT '${"g".repeat(99_750)}'; END`,
    ],
  },
  {
    name: "d1-migrations",
    breaks: "NOT LIKE 'd1_%' drops the migration state, and with it d10_notes and d1x_notes",
    sql: [
      "CREATE TABLE d1_migrations(\n\t\tid         INTEGER PRIMARY KEY AUTOINCREMENT,\n\t\tname       TEXT UNIQUE,\n\t\tapplied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL\n)",
      "INSERT INTO d1_migrations VALUES(1, '0001_init.sql', '2026-01-01 00:00:00'), (2, '0002_users.sql', '2026-02-01 00:00:00')",
      "CREATE TABLE d10_notes(a)",
      "INSERT INTO d10_notes VALUES(1)",
      "CREATE TABLE d1x_notes(a)",
      "INSERT INTO d1x_notes VALUES(2)",
      "CREATE TABLE d1_kv(k TEXT PRIMARY KEY, v) WITHOUT ROWID",
      "INSERT INTO d1_kv VALUES('a', 1)",
    ],
  },
];
