import fc from "fast-check";

/** A value as it is to be stored. TEXT is given as bytes, which need not be UTF-8. */
export type Value =
  | { readonly kind: "null" }
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "real"; readonly value: number }
  | { readonly kind: "text" | "blob"; readonly bytes: Uint8Array };

const integers: fc.Arbitrary<Value> = fc
  .oneof(
    fc.bigInt({ min: -9n, max: 99n }),
    fc.constantFrom(2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n), 1n - 2n ** 63n),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  )
  .map((value) => ({ kind: "integer", value }));

const EDGES = [
  0,
  -0,
  1,
  -1.5,
  0.1,
  0.1 + 0.2,
  1e15,
  999999999999999,
  2 ** 53,
  2 ** 63,
  -(2 ** 63),
  1e100,
  1e-80,
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

const reals: fc.Arbitrary<Value> = fc
  .oneof(
    fc.constantFrom(...EDGES),
    // A price, a coordinate, a measurement: integers over powers of ten.
    fc
      .tuple(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), fc.nat({ max: 12 }))
      .map(([n, places]) => n / 10 ** places),
    fc
      .bigInt({ min: 0n, max: 2n ** 64n - 1n })
      .map((bits) => new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0)
      .filter((value) => !Number.isNaN(value)),
  )
  .map((value) => ({ kind: "real", value }));

/** What texts are put together from: whatever a reader of SQL, of lines or of JSON might take for its own. */
const PIECES = [
  "a",
  "Z",
  " ",
  "'",
  "''",
  '"',
  "\\",
  "\\n",
  "\\r",
  "\\1n",
  "\n",
  "\r",
  "\r\n",
  "\t",
  "\0",
  "\u0001",
  "\u007f",
  ",\u007f",
  "\u0085",
  "\u2028",
  "\ufeff",
  "\ufffd",
  "é",
  "e\u0301",
  "😀",
  "数据",
  ";",
  ";\n",
  "--",
  "/*",
  "*/",
  "BEGIN TRANSACTION",
  "BEGIN TRANSACTION;",
  "COMMIT;",
  "COMMIT",
  "END;",
  "NULL",
  "X'00'",
  "?",
  "?i1",
  "),\n(",
  "replace('",
  "12",
  "-7",
  "1.5",
  "1e3",
  "0x10",
  "{}",
  '{"a":[1,null]}',
];

const encoder = new TextEncoder();
const utf8 = (text: string) => encoder.encode(text);

/** Bytes that are no UTF-8: overlong forms, surrogates, cut-off and stray bytes. */
const BROKEN = ["80", "ff", "c3", "c080", "e080", "eda080", "edbfbf", "f4908080", "f09f98", "61ff62", "00ff"].map(
  (hex) => Uint8Array.from(Buffer.from(hex, "hex")),
);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

const pieces = fc.array(fc.constantFrom(...PIECES.map(utf8)), { maxLength: 8 }).map(concat);

/** Sizes around the limits that the dump works with: a statement, a page, a value. */
const long = fc
  .tuple(
    fc.constantFrom(1_000, 5_000, 44_900, 45_100, 89_900, 90_100, 150_000, 1_000_000),
    fc.constantFrom("x", "'", "é", "\n", "😀", "\0", "a\r\nb"),
  )
  .map(([size, piece]) => utf8(piece.repeat(Math.ceil(size / utf8(piece).length))));

const texts: fc.Arbitrary<Value> = fc
  .oneof(
    { weight: 6, arbitrary: pieces },
    { weight: 3, arbitrary: fc.string({ maxLength: 20 }).map(utf8) },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 12 }).map(utf8) },
    { weight: 2, arbitrary: fc.tuple(pieces, fc.constantFrom(...BROKEN), pieces).map(concat) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }) },
  )
  .map((bytes) => ({ kind: "text", bytes }));

const blobs: fc.Arbitrary<Value> = fc
  .oneof({ weight: 3, arbitrary: fc.uint8Array({ maxLength: 24 }) }, { weight: 1, arbitrary: pieces })
  .map((bytes) => ({ kind: "blob", bytes }));

const longValues: fc.Arbitrary<Value> = fc
  .tuple(fc.constantFrom("text" as const, "blob" as const), long)
  .map(([kind, bytes]) => ({ kind, bytes }));

export const NULL: Value = { kind: "null" };

/** Values of every class that SQLite has. */
export const values: fc.Arbitrary<Value> = fc.oneof(
  { weight: 30, arbitrary: fc.constant<Value>(NULL) },
  { weight: 60, arbitrary: integers },
  { weight: 60, arbitrary: texts },
  { weight: 50, arbitrary: reals },
  { weight: 30, arbitrary: blobs },
  { weight: 1, arbitrary: longValues },
);

/** The value that a STRICT column of a type can hold which comes nearest to this one. */
export function fitted(value: Value, type: string): Value {
  if (value.kind === "null") return value;
  switch (type) {
    case "INT":
    case "INTEGER":
      return value.kind === "integer" ? value : { kind: "integer", value: BigInt(sizeOf(value)) };
    case "REAL":
      return value.kind === "real" ? value : { kind: "real", value: sizeOf(value) / 8 };
    case "TEXT":
    case "BLOB": {
      const bytes = "bytes" in value ? value.bytes : utf8(String(value.value));
      return { kind: type === "TEXT" ? "text" : "blob", bytes };
    }
    default:
      return value;
  }
}

function sizeOf(value: Value): number {
  if ("bytes" in value) return value.bytes.length;
  return value.kind === "null" || !Number.isFinite(Number(value.value)) ? 0 : Math.round(Number(value.value) % 1e6);
}

/** Deterministic further values, so that a table of hundreds of rows costs the generator nothing. */
export function furtherValue(n: number, pool: readonly Value[]): Value {
  const taken = pool[n % Math.max(1, pool.length)];
  switch ((n * 7 + (n >> 3)) % 6) {
    case 0:
      return { kind: "integer", value: BigInt(n) };
    case 1:
      return { kind: "text", bytes: utf8(`${n % 2 === 0 ? "Key" : "key"} ${n}`) };
    case 2:
      return { kind: "real", value: n / 4 };
    case 3:
      return { kind: "blob", bytes: Uint8Array.of(n & 255, n >> 8) };
    default:
      return taken ?? NULL;
  }
}
