import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { easyCell, taggedCell, taggedCellOf } from "./cell-sql.ts";
import { literal, realLiteral } from "./literal.ts";
import { finishLine, lineOf, parseCells } from "./row-line.ts";

const db = new DatabaseSync(":memory:");

const doubles = fc.oneof(
  fc.double({ noNaN: true }),
  fc.float({ noNaN: true }).map(Number),
  fc
    .tuple(fc.integer({ min: -(10 ** 15), max: 10 ** 15 }), fc.integer({ min: 0, max: 15 }))
    .map(([n, e]) => n / 10 ** e),
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    0.1,
    5e-324,
    -5e-324,
    2.2250738585072014e-308,
    1.7976931348623157e308,
    Infinity,
    -Infinity,
  ),
  fc.constantFrom(1e15, 999999999999999, 1e15 - 0.125, 1e-150, 9.99e-151, 1e22),
);

const TAGGED = [
  ["any column", taggedCell("?1")],
  ["a column of REALs", taggedCellOf("?1", { name: "c", type: "REAL" })],
] as const;

test.each(TAGGED)("the tagged cell of %s carries every double exactly", (_, sql) => {
  const read = db.prepare(`SELECT ${sql} AS cell`);
  fc.assert(
    fc.property(doubles, (value) => {
      const [cell] = parseCells(String(read.get(value)?.["cell"]));
      expect(cell).toEqual({ type: "real", value });
      expect(Object.is(cell?.type === "real" && cell.value, value)).toBe(true);
    }),
    { numRuns: 20_000 },
  );
});

test.each(TAGGED)("the tagged cell of %s is exact over every exponent, both signs", (_, sql) => {
  const read = db.prepare(`SELECT ${sql} AS cell`);
  for (let exponent = -1074; exponent <= 1023; exponent += 1) {
    for (const mantissa of [1, -1, -1.5, 1.9999999999999998, -1.9999999999999998, 1.0000000000000002, Math.PI / 2]) {
      const value = mantissa * 2 ** exponent;
      const [cell] = parseCells(String(read.get(value)?.["cell"]));
      expect(cell, `${mantissa} * 2^${exponent}`).toEqual({ type: "real", value });
    }
  }
});

const column = { name: "c", type: "", strict: false };

test("easyCell() writes of a REAL what literal() writes, or leaves it to literal()", () => {
  const read = db.prepare(`SELECT ${easyCell("?1", column)} AS cell`);
  fc.assert(
    fc.property(doubles, (value) => {
      const cell = read.get(value)?.["cell"];
      if (cell !== null) expect(cell).toBe(realLiteral(value));
    }),
    { numRuns: 20_000 },
  );
  const easy = [0, -0, 1.5, 12.34, -51.5073219, 1e-9, 1_700_000_000.123];
  expect(easy.map((value) => read.get(value)?.["cell"])).toEqual(easy.map(realLiteral));
});

const parts = fc.constantFrom(
  "a",
  "é",
  "\uFFFD",
  "'",
  "\\n",
  "\n",
  "\r",
  "COMMIT;",
  "BEGIN TRANSACTION",
  "\0",
  ",",
  "🙂",
  "X'",
);

test.each(["", "TEXT", "INTEGER", "BLOB", "REAL"])(
  "easyCell() of a text in a column of type '%s' is literal()'s, but with a NUL",
  (type) => {
    const read = db.prepare(`SELECT ${easyCell("?1", { ...column, type })} AS cell`);
    fc.assert(
      fc.property(fc.array(parts), (texts) => {
        const value = texts.join("");
        const cell = read.get(value)?.["cell"];
        if (value.includes("\0")) expect(cell).toBeNull();
        else expect(finishLine(`(${String(cell)})`)).toBe(lineOf([{ type: "text", value: Buffer.from(value) }]));
      }),
    );
  },
);

test.each(["", "TEXT", "INTEGER", "BLOB", "REAL"])(
  "easyCell() of other values in a column of type '%s' is literal()'s",
  (type) => {
    const easy = easyCell("v", { ...column, type });
    for (const sql of ["NULL", "9223372036854775807", "-9223372036854775807-1", "0", "X''", "X'00FF27'"]) {
      const row = db
        .prepare(`SELECT ''||${easy} AS easy, ${taggedCell("v")} AS tagged FROM (SELECT ${sql} AS v)`)
        .get();
      const [cell] = parseCells(String(row?.["tagged"]));
      expect(String(row?.["easy"]), sql).toBe(cell === undefined ? "" : literal(cell));
    }
  },
);

test("easyCell() knows what a STRICT column can hold", () => {
  for (const type of ["INT", "INTEGER", "BLOB"])
    expect(easyCell("c", { ...column, type, strict: true })).toBe("quote(c)");
  expect(easyCell("c", { ...column, type: "ANY", strict: true })).toContain("typeof");
});
