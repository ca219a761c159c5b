import { DatabaseSync } from "node:sqlite";
import { MAX_STATEMENT_BYTES } from "@patina/dump/rows";
import { splitStatements } from "@patina/dump/statements";
import { expect, test } from "vitest";
import { asD1, dumpSource } from "./engines.ts";

/** Rows that are short enough as SQLite writes them and too long once their line breaks and keywords are written out. */

test.each([
  ["line feeds", "\n"],
  ["CR LF", "a\r\n"],
  ["a keyword in a long text", `COMMIT;${"x".repeat(3_000)}`],
  ["letters", "x"],
])(
  "a row of %s, however long, is in statements of at most 90,000 bytes, read in one piece or in pages",
  async (_, unit) => {
    const db = new DatabaseSync(":memory:");
    db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT)");
    const insert = db.prepare("INSERT INTO t(body) VALUES(?)");
    for (const bytes of [1_000, 8_000, 44_000, 60_000, 84_000, 89_900, 95_000]) {
      insert.run(unit.repeat(Math.floor(bytes / unit.length)));
    }
    const whole = await dumpSource(asD1(db), 1e9);
    const paged = await dumpSource(asD1(db), 0);
    expect(paged.body.equals(whole.body)).toBe(true);
    const lengths = splitStatements(whole.sql.toString()).map((sql) => Buffer.byteLength(sql));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(MAX_STATEMENT_BYTES);
    const restored = new DatabaseSync(":memory:");
    restored.exec(whole.sql.toString());
    expect(restored.prepare("SELECT * FROM t").all()).toEqual(db.prepare("SELECT * FROM t").all());
  },
);

test.each([
  ["a blob in a table by rowid", "id INTEGER PRIMARY KEY, v BLOB", "", "zeroblob(1900000)"],
  [
    "a text of quotes in a table without rowids",
    "id INTEGER PRIMARY KEY, v TEXT",
    "WITHOUT ROWID",
    "replace(hex(zeroblob(550000)),'0','''')",
  ],
])(
  "%s, whose literal is longer than D1 lets a value be, is read in one piece and in pages",
  async (_, columns, options, value) => {
    const db = new DatabaseSync(":memory:");
    db.exec(`CREATE TABLE t(${columns})${options}`);
    for (let id = 0; id < 300; id += 1) db.exec(`INSERT INTO t VALUES(${id}, ${id === 200 ? value : "'short'"})`);
    const read = async (snapshotBytes: number) => {
      const source = asD1(db);
      // What D1 documents for a value, and quote() counts as one (developers.cloudflare.com/d1/platform/limits).
      Object.assign(db.limits, { length: 2_000_000 });
      return await dumpSource(source, snapshotBytes);
    };
    const whole = await read(1e9);
    const paged = await read(0);
    expect(whole.summary).toMatchObject({ mode: "snapshot", rows: 300 });
    expect(paged.body.equals(whole.body)).toBe(true);
    expect(paged.summary.tables[0]?.columns).toEqual(whole.summary.tables[0]?.columns);
    const restored = new DatabaseSync(":memory:");
    restored.exec(whole.sql.toString());
    expect(restored.prepare("SELECT * FROM t").all()).toEqual(db.prepare("SELECT * FROM t").all());
  },
);
