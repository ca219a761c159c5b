import type { Case } from "./case.ts";

/** Databases as applications have them, in which several hard things meet. */
export const WHOLE: readonly Case[] = [
  {
    name: "little-shop",
    breaks:
      "migrations, AUTOINCREMENT, foreign keys out of order, JSON, FTS5 with triggers, views and statistics at once",
    sql: [
      "CREATE TABLE d1_migrations(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
      "INSERT INTO d1_migrations(name, applied_at) VALUES('0000_init.sql', '2026-01-01 00:00:00'), ('0001_shop.sql', '2026-03-01 10:00:00')",
      "CREATE TABLE `order_line` (\n\t`order_id` integer NOT NULL,\n\t`product_id` text NOT NULL,\n\t`amount` integer DEFAULT 1 NOT NULL,\n\t`price` real NOT NULL,\n\tPRIMARY KEY(`order_id`, `product_id`),\n\tFOREIGN KEY (`order_id`) REFERENCES `order`(`id`) ON UPDATE no action ON DELETE cascade,\n\tFOREIGN KEY (`product_id`) REFERENCES `product`(`id`) ON UPDATE no action ON DELETE no action\n)",
      "CREATE TABLE `order` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`customer` text NOT NULL,\n\t`placed_at` integer DEFAULT (unixepoch()) NOT NULL,\n\t`note` text\n)",
      "CREATE TABLE product(id TEXT PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, attributes TEXT CHECK(json_valid(attributes)), colour TEXT AS (attributes ->> '$.colour'), photo BLOB) STRICT, WITHOUT ROWID",
      `INSERT INTO product(id, name, attributes, photo) VALUES('p-1', 'Kettle', '{"colour":"red",\n "notes":"line\\nbreak"}', X'FFD8FFE0'), ('p-2', 'Lämp 😀', '{}', NULL)`,
      "INSERT INTO `order` VALUES(1, 'Zoë O''Brien', 1763596800, NULL), (2, 'C:\\new\\customer', 1763596801, 'first\r\nsecond')",
      "INSERT INTO order_line VALUES(1, 'p-1', 2, 19.99), (1, 'p-2', 1, 0.1), (2, 'p-2', 3, 100.0)",
      "DELETE FROM `order` WHERE id = 2",
      "CREATE INDEX order_customer ON `order`(customer COLLATE NOCASE, placed_at DESC)",
      "CREATE VIEW revenue AS SELECT product_id, sum(amount * price) AS total FROM order_line GROUP BY product_id",
      "CREATE TABLE doc(id INTEGER PRIMARY KEY, body TEXT)",
      "CREATE VIRTUAL TABLE doc_fts USING fts5(body, content='doc', content_rowid='id', tokenize='porter')",
      "CREATE TRIGGER doc_ai AFTER INSERT ON doc BEGIN INSERT INTO doc_fts(rowid, body) VALUES(NEW.id, NEW.body); END",
      "INSERT INTO doc VALUES(1, 'How to return a kettle'), (2, 'Shipping; prices; END')",
      "CREATE TRIGGER order_stamp AFTER UPDATE ON `order` BEGIN UPDATE `order` SET placed_at = unixepoch() WHERE id = NEW.id; END",
      "ANALYZE",
    ],
  },
  {
    name: "hard-rows-among-plain-ones",
    breaks: "hard cells in one row among 500 plain ones: the exact path and the fast one must write the same page",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, r REAL, b BLOB, n)",
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO t SELECT i, 'plain ' || i, i / 4.0, CASE WHEN i % 10 = 0 THEN unhex(printf('%04X', i)) END, CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i * 1.0 WHEN 2 THEN '' || i END FROM n`,
      "UPDATE t SET x = 'a' || char(0) || 'b' WHERE id = 100",
      "UPDATE t SET x = CAST(X'61FF62' AS TEXT) WHERE id = 101",
      "UPDATE t SET x = 'a' || char(13, 10) || 'b\\n' WHERE id IN (1, 102, 500)",
      "UPDATE t SET r = 0.1, n = -0.0 WHERE id = 103",
      "UPDATE t SET r = 9e999, n = 5e-324 WHERE id = 104",
      "UPDATE t SET n = replace(hex(zeroblob(50000)), '00', 'long') WHERE id = 105",
      "UPDATE t SET n = 'BEGIN TRANSACTION;' || char(10) || 'COMMIT;' WHERE id = 106",
    ],
  },
  {
    name: "drop-order",
    breaks: "restoring over a copy of itself: what is dropped first fires triggers, cascades or fails on its children",
    sql: [
      "CREATE TABLE parent(id INTEGER PRIMARY KEY)",
      "CREATE TABLE child(id INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES parent(id) ON DELETE RESTRICT)",
      "CREATE TABLE gone(id INTEGER PRIMARY KEY, c INTEGER REFERENCES child(id) ON DELETE CASCADE)",
      "INSERT INTO parent VALUES(1)",
      "INSERT INTO child VALUES(1, 1)",
      "INSERT INTO gone VALUES(1, 1)",
      "CREATE VIEW v AS SELECT * FROM parent JOIN child USING(id)",
      "CREATE TRIGGER g BEFORE DELETE ON parent BEGIN SELECT RAISE(ABORT, 'never'); END",
      "CREATE VIRTUAL TABLE f USING fts5(id, content='v', content_rowid='id')",
      "INSERT INTO f(f) VALUES('rebuild')",
    ],
  },
];
