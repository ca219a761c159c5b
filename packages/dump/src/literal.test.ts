import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { D1_LIMITS } from "./d1-limits.ts";
import { type Cell, hex, literal, literalPieces, realLiteral } from "./literal.ts";
import { finishLine } from "./row-line.ts";

const db = new DatabaseSync(":memory:", { limits: D1_LIMITS });

/** What SQLite makes of a literal: type and exact content. */
function evaluate(sql: string): { type: unknown; value: unknown } {
  const statement = db.prepare(
    `SELECT typeof(v) AS type, CASE typeof(v) WHEN 'real' THEN v WHEN 'null' THEN NULL WHEN 'integer' THEN CAST(v AS TEXT)
     ELSE hex(CAST(v AS BLOB)) END AS value FROM (SELECT ${sql} AS v)`,
  );
  const row = statement.get();
  return { type: row?.["type"], value: row?.["value"] };
}

function expected(cell: Cell): { type: string; value: unknown } {
  if (cell.type === "null") return { type: "null", value: null };
  return { type: cell.type, value: cell.type === "text" || cell.type === "blob" ? hex(cell.value) : cell.value };
}

function utf8(text: string): Cell {
  return { type: "text", value: new TextEncoder().encode(text) };
}

const anyDouble = fc.double({ noNaN: true });
const cells: fc.Arbitrary<Cell> = fc.oneof(
  fc.constant<Cell>({ type: "null" }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map<Cell>((n) => ({ type: "integer", value: String(n) })),
  anyDouble.map<Cell>((value) => ({ type: "real", value })),
  fc
    .tuple(fc.integer({ min: -(10 ** 15), max: 10 ** 15 }), fc.integer({ min: 0, max: 12 }))
    .map<Cell>(([n, places]) => ({ type: "real", value: n / 10 ** places })),
  fc.string({ unit: "binary", maxLength: 40 }).map(utf8),
  fc
    .array(
      fc.constantFrom(
        "\n",
        "\r",
        "\\n",
        "\\r",
        "\\1n",
        "'",
        "''",
        ";",
        "--",
        "COMMIT;",
        "BEGIN TRANSACTION",
        "a",
        "\0",
        "é",
      ),
    )
    .map((parts) => utf8(parts.join(""))),
  fc.uint8Array({ maxLength: 40 }).map<Cell>((value) => ({ type: "text", value })),
  fc.uint8Array({ maxLength: 40 }).map<Cell>((value) => ({ type: "blob", value })),
);

test("literal() of any value is read back by SQLite as that value, bit for bit", () => {
  fc.assert(
    fc.property(cells, (cell) => {
      const read = evaluate(literal(cell));
      const want = expected(cell);
      expect(read.type).toBe(want.type);
      expect(Object.is(read.value, want.value), literal(cell)).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

test("literal() never holds a line break, BEGIN TRANSACTION or COMMIT;", () => {
  fc.assert(
    fc.property(cells, (cell) => {
      expect(literal(cell)).not.toMatch(/[\r\n]|BEGIN TRANSACTION|COMMIT;/);
    }),
    { numRuns: 5_000 },
  );
});

test("literal() takes a mark for line breaks that the text does not hold", () => {
  expect(literal(utf8("C:\\new\nline"))).toBe("replace('C:\\new\\1nline','\\1n',char(10))");
  expect(literal(utf8("a\r\nb"))).toBe("replace(replace('a\\r\\nb','\\n',char(10)),'\\r',char(13))");
});

test("literal() of a text with any number of keywords is within D1's expression depth, and SQLite's row comes out the same", () => {
  for (const count of [1, 2, 3, 98, 99, 100, 101, 1_000, 5_000]) {
    for (const unit of ["COMMIT;", "BEGIN TRANSACTION", "it's COMMIT;BEGIN TRANSACTION\n"]) {
      const value = unit.repeat(Math.min(count, Math.floor(60_000 / unit.length)));
      const sql = literal(utf8(value));
      expect(evaluate(sql).value, `${count} x ${unit}`).toBe(hex(Buffer.from(value)));
      expect(finishLine(`(1,'${value.replaceAll("'", "''")}',X'00')`)).toBe(`(1,${sql},X'00')`);
    }
  }
  expect(literal(utf8("a COMMIT; b"))).toBe("('a COMMIT'||'; b')");
});

test("literalPieces() of any value, however long, are literal() in pieces of bounded size", () => {
  const long = fc
    .tuple(
      fc.array(fc.constantFrom("a", "'", "\n", "\r", "\\n", "\\1r", "é", "😀", "\0"), { maxLength: 6 }),
      fc.nat(40_000),
    )
    .map(([units, count]) => utf8(units.join("").repeat(Math.ceil(count / (units.length + 1)))));
  fc.assert(
    fc.property(fc.oneof(cells, long), (cell) => {
      const pieces = [...literalPieces(cell)];
      expect(pieces.join("") === literal(cell)).toBe(true);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(200_000);
      // Each is encoded by itself.
      expect(Buffer.concat(pieces.map((piece) => Buffer.from(piece))).equals(Buffer.from(literal(cell)))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("realLiteral() writes integral values short, infinities and the negative zero", () => {
  expect([1, -5, 0, -0, 1e14, Infinity, -Infinity].map(realLiteral)).toEqual([
    "1.0",
    "-5.0",
    "0.0",
    "-0.0",
    "100000000000000.0",
    "9e999",
    "-9e999",
  ]);
});

test("realLiteral() writes a decimal of up to nine places as a quotient, which no engine can misread", () => {
  expect([12.34, -0.5, 51.5073219, 1e-9].map(realLiteral)).toEqual([
    "(12340/1000.0)",
    "(-500/1000.0)",
    "(51507321900/1000000000.0)",
    "(1/1000000000.0)",
  ]);
  expect(realLiteral(0.1 + 0.2)).toBe("0.30000000000000004");
});

test("realLiteral() is exact over every exponent a double has", () => {
  const compare = db.prepare("SELECT ? AS v");
  for (let exponent = -1074; exponent <= 1023; exponent += 1) {
    for (const mantissa of [1, 1.5, 1.9999999999999998, Math.PI / 2]) {
      const value = mantissa * 2 ** exponent;
      const read = db.prepare(`SELECT ${realLiteral(value)} AS v`).get();
      expect(read?.["v"], `${mantissa} * 2^${exponent}`).toBe(compare.get(value)?.["v"]);
    }
  }
});
