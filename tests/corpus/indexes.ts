import type { Case } from "./case.ts";

export const INDEXES: readonly Case[] = [
  {
    name: "indexes",
    breaks: "partial, unique, expression, DESC and COLLATE indexes: lost by TigersWay and upstream",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c)",
      "INSERT INTO t VALUES(1, 'x', 1, NULL), (2, 'X', 2, NULL), (3, NULL, 3, '{\"k\":1}'), (4, NULL, NULL, NULL)",
      "CREATE INDEX t_plain ON t(a)",
      "CREATE UNIQUE INDEX t_unique ON t(a, b)",
      "CREATE INDEX t_partial ON t(b) WHERE a IS NOT NULL AND b > 0",
      "CREATE UNIQUE INDEX t_partial_unique ON t(b) WHERE a = ';'",
      "CREATE INDEX t_expression ON t(lower(a), b + 1, c ->> '$.k')",
      "CREATE INDEX t_desc ON t(b DESC, a COLLATE NOCASE ASC, c COLLATE RTRIM DESC)",
      'CREATE INDEX "odd; name" ON t("a")',
      "CREATE INDEX t_key ON t(id, a)",
    ],
  },
  {
    name: "unique-index-over-null",
    breaks: "many NULLs in a UNIQUE index are legal, and so are values that differ only in type",
    sql: [
      "CREATE TABLE t(a, b)",
      "INSERT INTO t VALUES(NULL, 1), (NULL, 1), (1, NULL), (1, NULL), ('1', 1), (X'31', 1), (1, 1)",
      "CREATE UNIQUE INDEX t_ab ON t(a, b)",
      "CREATE UNIQUE INDEX t_ba ON t(b DESC, a) WHERE a IS NOT NULL",
    ],
  },
  {
    name: "index-order",
    breaks: "indexes restored in another order resolve conflicts differently and change the planner's choice",
    sql: [
      "CREATE TABLE t(a UNIQUE, b, c, UNIQUE(b, c), UNIQUE(c))",
      "INSERT INTO t VALUES(1, 2, 3)",
      "CREATE INDEX z ON t(b)",
      "CREATE INDEX a ON t(b)",
      "CREATE INDEX m ON t(b)",
      "DROP INDEX a",
      "CREATE INDEX a ON t(c)",
    ],
  },
  {
    name: "index-on-generated",
    breaks: "indexes over generated columns and over expressions that would fail on rows not yet complete",
    sql: [
      "CREATE TABLE t(doc TEXT, n AS (json_extract(doc, '$.n')))",
      `INSERT INTO t(doc) VALUES('{"n":1}'), ('{"n":"x"}'), (NULL)`,
      "CREATE INDEX t_n ON t(n) WHERE n IS NOT NULL",
      "CREATE UNIQUE INDEX t_x ON t(json_extract(doc, '$.n'), typeof(doc))",
    ],
  },
];
