import { DatabaseSync } from "node:sqlite";
import { D1_LIMITS } from "@patina/dump/d1-limits";
import { expect, test } from "vitest";
import { asD1, dumpSource } from "./engines.ts";

/** Tables of every width, read by queries that D1's limits still allow. */

const TYPES = ["INTEGER", "REAL", "TEXT", "BLOB", "NUMERIC", ""];
const VALUES = ["7", "0.5", "'it''s'", "X'00FF'", "NULL", "char(0)", "-9223372036854775808"];

test.each([
  ["with a key of its own", "", ""],
  ["by rowid", "id INTEGER PRIMARY KEY,", ""],
  ["without rowids", "id TEXT PRIMARY KEY,", " WITHOUT ROWID"],
])("a table %s of 1 to 100 columns is one instant, and the same in pages", async (_, key, options) => {
  const most = D1_LIMITS.column - (key === "" ? 0 : 1);
  const db = new DatabaseSync(":memory:");
  for (let width = 1; width <= most; width += 1) {
    const columns = Array.from({ length: width }, (_, i) => `c${i} ${TYPES[(i + width) % TYPES.length]}`);
    db.exec(`CREATE TABLE t${width}(${key}${columns})${options}`);
    for (let row = 0; row < 3; row += 1) {
      const values = columns.map((_, i) => VALUES[(i + row) % VALUES.length]);
      db.exec(`INSERT INTO t${width} VALUES(${key === "" ? values : [row, ...values]})`);
    }
  }
  const whole = await dumpSource(asD1(db), 1e9);
  const paged = await dumpSource(asD1(db), 0);
  expect(whole.summary).toMatchObject({ mode: "snapshot", rows: 3 * most });
  expect(paged.body.equals(whole.body)).toBe(true);
  expect(paged.summary.tables.map(({ columns }) => columns)).toEqual(
    whole.summary.tables.map(({ columns }) => columns),
  );
  const restored = new DatabaseSync(":memory:");
  restored.exec(whole.sql.toString());
  expect(restored.prepare(`SELECT * FROM t${most}`).all()).toEqual(db.prepare(`SELECT * FROM t${most}`).all());
});

test.each([
  ["REAL", 98, 1],
  ["ANY", 50, 300],
  ["INTEGER", 20, 600],
])(
  "a table without rowids of %s whose key has %i columns with names of %i bytes is one instant, and the same in pages",
  async (type, keys, bytes) => {
    const names = Array.from({ length: 99 }, (_, i) => `c${i}`.padEnd(bytes, "x"));
    const db = new DatabaseSync(":memory:");
    db.exec(
      `CREATE TABLE t(${names.map((name) => `${name} ${type}`)}, PRIMARY KEY(${names.slice(0, keys)})) WITHOUT ROWID`,
    );
    // Of a NUL SQLite writes only what lies before it: this row is read cell by cell.
    for (const last of ["1", "char(0)"])
      db.exec(`INSERT INTO t VALUES(${names.map((_, i) => `${i}/8.0`).with(0, last)})`);
    const whole = await dumpSource(asD1(db), 1e9);
    const paged = await dumpSource(asD1(db), 0);
    expect(whole.summary).toMatchObject({ mode: "snapshot", rows: 2 });
    expect(paged.body.equals(whole.body)).toBe(true);
  },
);
