import type { Case } from "./case.ts";

/** Tables that ALTER TABLE has changed: the stored SQL is edited text, and old rows are shorter than the table. */
export const ALTERATIONS: readonly Case[] = [
  {
    name: "columns-added",
    breaks: "rows stored before ADD COLUMN hold no value: the default has to come out, of any type",
    sql: [
      "CREATE TABLE t(a, b -- last\n)",
      "INSERT INTO t VALUES(1, 2), (3, 4)",
      "ALTER TABLE t ADD COLUMN c TEXT NOT NULL DEFAULT 'x''y'",
      "ALTER TABLE t ADD d REAL DEFAULT 1",
      "ALTER TABLE t ADD COLUMN e DEFAULT 9223372036854775807",
      "ALTER TABLE t ADD COLUMN f BLOB DEFAULT X'00'",
      "ALTER TABLE t ADD COLUMN g DEFAULT 1.0",
      "ALTER TABLE t ADD COLUMN h AS (a + d)",
      "INSERT INTO t(a) VALUES(5)",
      "ALTER TABLE t ADD COLUMN i",
    ],
  },
  {
    name: "columns-renamed",
    breaks: "RENAME COLUMN rewrites indexes, views and triggers too; a remembered old name reads as a string in D1",
    sql: [
      "CREATE TABLE t(a INTEGER PRIMARY KEY, b, CHECK(b <> 'b'))",
      "INSERT INTO t VALUES(1, 'one')",
      "CREATE INDEX t_b ON t(b)",
      "CREATE VIEW v AS SELECT a, b FROM t WHERE b > 0",
      "CREATE TRIGGER g AFTER UPDATE OF b ON t BEGIN UPDATE t SET b = OLD.b WHERE a = NEW.a; END",
      'ALTER TABLE t RENAME COLUMN b TO "new name"',
      "ALTER TABLE t RENAME a TO key",
    ],
  },
  {
    name: "columns-dropped",
    breaks: "DROP COLUMN leaves odd spacing in the stored SQL, and rows are rewritten in place",
    sql: [
      "CREATE TABLE t(a, b TEXT DEFAULT 'x', /* c */ c, d)",
      "INSERT INTO t VALUES(1, 2, 3, 4), (5, 6, 7, 8)",
      "ALTER TABLE t DROP COLUMN b",
      "ALTER TABLE t DROP COLUMN d",
    ],
  },
  {
    name: "tables-renamed",
    breaks: 'a renamed table is stored as "new" whatever it was; AUTOINCREMENT counters and foreign keys follow it',
    sql: [
      "CREATE TABLE old(id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
      "INSERT INTO old(v) VALUES('a'), ('b')",
      "CREATE TABLE child(id INTEGER PRIMARY KEY, o REFERENCES old(id))",
      "INSERT INTO child VALUES(1, 2)",
      "CREATE INDEX old_v ON old(v)",
      "CREATE TRIGGER old_g AFTER DELETE ON old BEGIN DELETE FROM child WHERE o = OLD.id; END",
      "CREATE VIEW old_v2 AS SELECT * FROM old",
      'ALTER TABLE old RENAME TO "the new"',
    ],
  },
  {
    name: "tables-renamed-the-old-way",
    breaks: "legacy_alter_table leaves views and triggers that name tables which are gone",
    sql: [
      "CREATE TABLE a(id INTEGER PRIMARY KEY, v)",
      "INSERT INTO a VALUES(1, 'x')",
      "CREATE TABLE b(v)",
      "CREATE VIEW va AS SELECT * FROM a",
      "CREATE TRIGGER gb AFTER INSERT ON b BEGIN INSERT INTO a(v) VALUES(NEW.v); END",
      "PRAGMA legacy_alter_table=ON",
      "ALTER TABLE a RENAME TO a2",
      "PRAGMA legacy_alter_table=OFF",
    ],
  },
  {
    name: "table-rebuilt",
    breaks: "the twelve-step migration of drizzle and prisma: __new_t, copy, drop, rename; rowids of the copy",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT)",
      "INSERT INTO t(a) VALUES('x'), ('y'), ('z')",
      "DELETE FROM t WHERE id = 2",
      "CREATE TABLE `__new_t` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`a` text NOT NULL,\n\t`b` integer DEFAULT 0\n)",
      "INSERT INTO `__new_t`(`id`, `a`) SELECT `id`, `a` FROM `t`",
      "DROP TABLE `t`",
      "ALTER TABLE `__new_t` RENAME TO `t`",
      "CREATE UNIQUE INDEX `t_a_unique` ON `t` (`a`)",
    ],
  },
];
