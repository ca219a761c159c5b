import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Makes a SQLite file out of statements; its path. */
export function makeDatabase(path: string, statements: readonly string[]): string {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path, { enableDoubleQuotedStringLiterals: true });
  for (const sql of statements) db.exec(sql);
  db.close();
  return path;
}

export const SHOP = [
  "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
  "CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, customer INTEGER NOT NULL REFERENCES customers(id), total REAL)",
  "CREATE INDEX orders_by_customer ON orders(customer)",
  "CREATE TABLE audit (what TEXT)",
  "CREATE TRIGGER orders_audit AFTER INSERT ON orders BEGIN INSERT INTO audit VALUES('order ' || new.id); END",
  "CREATE VIEW totals AS SELECT customer, sum(total) AS total FROM orders GROUP BY customer",
  "INSERT INTO customers VALUES (1, 'Ada'), (2, 'Grace'), (3, 'it''s\nme')",
  "INSERT INTO orders(customer, total) VALUES (1, 9.99), (1, 0.1), (2, 1e300)",
];

/** A database of about so many megabytes, in rows of about a kilobyte that hardly compress. */
export function large(megabytes: number): readonly string[] {
  return [
    "CREATE TABLE big (id INTEGER PRIMARY KEY, v BLOB)",
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ${megabytes * 1_000})
     INSERT INTO big SELECT i, randomblob(1000) FROM n`,
  ];
}
