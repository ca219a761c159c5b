import type { Case } from "./case.ts";

export const TRIGGERS: readonly Case[] = [
  {
    name: "trigger-bodies",
    breaks: "splitters that end a statement at the first semicolon, or a trigger at the first END",
    sql: [
      "CREATE TABLE t(a, b)",
      "CREATE TABLE log(x)",
      `CREATE TRIGGER one AFTER INSERT ON t WHEN NEW.a <> 'END;' BEGIN
  INSERT INTO log VALUES('END;');
  INSERT INTO log VALUES(CASE WHEN NEW.a THEN 'BEGIN' ELSE 'x; END' END);
  -- END;
  /* END; */
  UPDATE t SET b = (SELECT CASE b WHEN 1 THEN ';' END) WHERE rowid = NEW.rowid;
END`,
      "CREATE TRIGGER two BEFORE DELETE ON t FOR EACH ROW BEGIN SELECT CASE WHEN OLD.a IS NULL THEN RAISE(ABORT, 'no; END') END; END",
      'CREATE TRIGGER "three; END" AFTER UPDATE OF a, b ON t BEGIN DELETE FROM log; INSERT INTO log SELECT 1 UNION SELECT 2; END',
      'CREATE TRIGGER "BEGIN" AFTER INSERT ON log BEGIN SELECT "END"; END',
      "INSERT INTO t VALUES(1, 2)",
    ],
  },
  {
    name: "triggers-that-would-fire",
    breaks: "triggers created before the rows change them while they are restored, or refuse them",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, updated)",
      "CREATE TABLE audit(id INTEGER PRIMARY KEY, what)",
      "CREATE TRIGGER t_log AFTER INSERT ON t BEGIN INSERT INTO audit(what) VALUES('insert ' || NEW.id); END",
      "INSERT INTO t VALUES(1, 'a', 'long ago'), (2, 'b', 'long ago')",
      "CREATE TRIGGER t_rewrite AFTER INSERT ON t BEGIN UPDATE t SET a = upper(a), updated = 'now' WHERE id = NEW.id; END",
      "CREATE TRIGGER t_refuse BEFORE INSERT ON t WHEN NEW.id < 100 BEGIN SELECT RAISE(ABORT, 'ids start at 100'); END",
      "CREATE TRIGGER t_ignore BEFORE INSERT ON t WHEN NEW.a = 'b' BEGIN SELECT RAISE(IGNORE); END",
      "CREATE TRIGGER audit_frozen BEFORE DELETE ON audit BEGIN SELECT RAISE(ROLLBACK, 'audit is append-only'); END",
      "CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit BEGIN SELECT RAISE(FAIL, 'audit is append-only'); END",
    ],
  },
  {
    name: "triggers-on-one-table",
    breaks: "triggers of one event run in an order that follows their creation: sorted by name they run otherwise",
    sql: [
      "CREATE TABLE t(a)",
      "CREATE TABLE log(n INTEGER PRIMARY KEY, x)",
      "CREATE TRIGGER z AFTER INSERT ON t BEGIN INSERT INTO log(x) VALUES('z'); END",
      "CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO log(x) VALUES('a'); END",
      "CREATE TRIGGER m AFTER INSERT ON t BEGIN INSERT INTO log(x) VALUES('m'); END",
      "DROP TRIGGER a",
      "CREATE TRIGGER a AFTER INSERT ON t BEGIN INSERT INTO log(x) VALUES('a, later'); END",
      "INSERT INTO t VALUES(1)",
    ],
  },
  {
    name: "broken-triggers",
    breaks: "triggers whose body names tables that are gone: fine until a restore writes to their table",
    sql: [
      "CREATE TABLE t(a)",
      "INSERT INTO t VALUES(1)",
      "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO nowhere VALUES(NEW.a); END",
      "CREATE TRIGGER h AFTER DELETE ON t BEGIN UPDATE t SET absent = 1; END",
    ],
  },
  {
    name: "trigger-names",
    breaks:
      "names with TEMP, quotes and keywords, which pattern matching on CREATE TEMP TRIGGER takes for another kind",
    sql: [
      "CREATE TABLE temp_t(a)",
      "CREATE TRIGGER temp AFTER INSERT ON temp_t BEGIN SELECT 1; END",
      "CREATE TRIGGER 'temporary' AFTER INSERT ON temp_t BEGIN SELECT 1; END",
      'CREATE TRIGGER "CREATE TRIGGER x" AFTER INSERT ON temp_t BEGIN SELECT 1; END',
      'CREATE TRIGGER [a"b] AFTER INSERT ON temp_t BEGIN SELECT 1; END',
      "INSERT INTO temp_t VALUES('CREATE TEMP TRIGGER')",
    ],
  },
  {
    name: "recursive-triggers",
    breaks: "triggers that write to their own table, and two tables that write to each other",
    sql: [
      "CREATE TABLE a(n)",
      "CREATE TABLE b(n)",
      "CREATE TRIGGER ab AFTER INSERT ON a WHEN NEW.n < 5 BEGIN INSERT INTO b VALUES(NEW.n + 1); END",
      "CREATE TRIGGER ba AFTER INSERT ON b WHEN NEW.n < 5 BEGIN INSERT INTO a VALUES(NEW.n + 1); END",
      "INSERT INTO a VALUES(0)",
      "CREATE TRIGGER au AFTER UPDATE ON a BEGIN UPDATE a SET n = n + 1 WHERE n < 0; END",
    ],
  },
];
