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
