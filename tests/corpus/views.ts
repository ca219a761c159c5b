import type { Case } from "./case.ts";

export const VIEWS: readonly Case[] = [
  {
    name: "views",
    breaks: "views with column lists, CTEs, unions, semicolons in text; views are lost by TigersWay and upstream",
    sql: [
      "CREATE TABLE t(a INTEGER PRIMARY KEY, b)",
      "INSERT INTO t VALUES(1, 'x'), (2, 'y')",
      "CREATE VIEW plain AS SELECT * FROM t",
      "CREATE VIEW named(\"x y\", z) AS SELECT a, b FROM t WHERE b <> ';'",
      "CREATE VIEW cte AS WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n",
      "CREATE VIEW unions AS SELECT a FROM t UNION SELECT length(b) FROM t UNION ALL VALUES(9)",
      "CREATE VIEW windowed AS SELECT a, row_number() OVER (PARTITION BY b ORDER BY a DESC) AS n FROM t",
      "CREATE VIEW now AS SELECT datetime('now') AS at, random() AS r",
    ],
  },
  {
    name: "views-on-views",
    breaks: "views sorted by name come before the views that they read",
    sql: [
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES(1)",
      "CREATE VIEW c AS SELECT a FROM t",
      "CREATE VIEW b AS SELECT a FROM c",
      "CREATE VIEW a AS SELECT a FROM b JOIN c USING(a)",
    ],
  },
  {
    name: "view-on-later-view",
    breaks: "a view may be older than what it reads; checking each view as it is created fails",
    sql: [
      "CREATE VIEW early AS SELECT * FROM late",
      "CREATE VIEW late AS SELECT * FROM t",
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES(1)",
    ],
  },
  {
    name: "broken-views",
    breaks: "views of dropped tables and columns, circles of views: pragma table_xinfo fails on them",
    sql: [
      "CREATE TABLE gone(a)",
      "CREATE VIEW v AS SELECT a FROM gone",
      "CREATE VIEW w AS SELECT absent, x.nope FROM v AS x",
      "DROP TABLE gone",
      "CREATE VIEW egg AS SELECT * FROM hen",
      "CREATE VIEW hen AS SELECT * FROM egg",
      "CREATE VIEW nofunction AS SELECT no_such_function(1)",
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES(1)",
    ],
  },
  {
    name: "instead-of-triggers",
    breaks: "wrangler writes triggers before views: INSTEAD OF finds no view and the import fails",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a)",
      "INSERT INTO t VALUES(1, 'x')",
      "CREATE VIEW v AS SELECT id, upper(a) AS a FROM t",
      "CREATE TRIGGER v_insert INSTEAD OF INSERT ON v BEGIN INSERT INTO t(a) VALUES(lower(NEW.a)); END",
      "CREATE TRIGGER v_update INSTEAD OF UPDATE OF a ON v WHEN NEW.a <> OLD.a BEGIN UPDATE t SET a = NEW.a WHERE id = OLD.id; SELECT 1; END",
      "CREATE TRIGGER v_delete INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE id = OLD.id; END",
      "INSERT INTO v(a) VALUES('Y')",
    ],
  },
  {
    name: "broken-view-with-trigger",
    breaks: "an INSTEAD OF trigger on a view that can no longer be read",
    sql: [
      "CREATE TABLE gone(a)",
      "CREATE VIEW v AS SELECT a FROM gone",
      "CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN SELECT RAISE(ABORT, 'read only; END'); END",
      "DROP TABLE gone",
    ],
  },
  {
    name: "views-ending-in-a-comment",
    breaks: "SQLite takes white space and one semicolon from the end of a view's comment: each restore takes another",
    sql: [
      "CREATE TABLE t(a)",
      "CREATE VIEW plain AS SELECT a FROM t -- all",
      "CREATE VIEW space AS SELECT a FROM t -- ;",
      "CREATE VIEW semicolon AS SELECT a FROM t -- all;;",
    ],
  },
];
