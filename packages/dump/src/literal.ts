import { Buffer } from "node:buffer";
import { tree } from "./tree.ts";

/** One stored value, exactly. Integers are decimal text, because a JS number cannot hold all of int64. */
export type Cell =
  | { readonly type: "null" }
  | { readonly type: "integer"; readonly value: string }
  | { readonly type: "real"; readonly value: number }
  | { readonly type: "text"; readonly value: Uint8Array }
  | { readonly type: "blob"; readonly value: Uint8Array };

/**
 * The SQL literal of a value: a pure function of its bytes, on one line. Rows that SQLite itself turns into literals
 * (row-query.ts) come out the same.
 */
export function literal(cell: Cell): string {
  switch (cell.type) {
    case "null":
      return "NULL";
    case "integer":
      return cell.value;
    case "real":
      return realLiteral(cell.value);
    case "text":
      return textLiteral(cell.value);
    case "blob":
      return `X'${hex(cell.value)}'`;
  }
}

/** Below this an integral REAL, and the numerator of a quotient, has at most 15 digits: every SQLite reads it exactly. */
export const EXACT_INTEGRAL = 1e15;

/** Decimal places that a REAL is written with as a quotient: the first that is enough. */
export const QUOTIENT_PLACES = [3, 6, 9] as const;

const QUOTIENTS = QUOTIENT_PLACES.map((places) => ({ power: 10 ** places, bound: EXACT_INTEGRAL / 10 ** places }));

/**
 * A REAL so that every SQLite since 3.40 reads it exactly. Decimal text is not enough: older engines misread short
 * decimals (one in 4,000 seven-place coordinates on 3.40.1) and everything beyond 1e-80 ... 1e100. So, in this order:
 *
 *     5.0               integral, below 1e15
 *     (12340/1000.0)    a decimal of up to nine places; IEEE division is correctly rounded, so this is the double nearest
 *                       to 12.34 in every engine
 *     0.12345678901234568   17 correct digits; read exactly inside 1e-80 ... 1e100
 *     (3.0*1.1579...e77*...)    an integer times powers of two, for what is outside
 */
export function realLiteral(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "9e999";
  if (value === Number.NEGATIVE_INFINITY) return "-9e999";
  if (Object.is(value, -0)) return "-0.0";
  const size = Math.abs(value);
  if (size < EXACT_INTEGRAL && Number.isInteger(value)) return `${value}.0`;
  for (const { power, bound } of QUOTIENTS) {
    // The same operations in the same order as realCell() in cell-sql.ts.
    const numerator = Math.trunc(value * power + (value < 0 ? -0.5 : 0.5));
    if (size < bound && numerator / power === value) return `(${numerator}/${power}.0)`;
  }
  if (size >= 1e-80 && size <= 1e100) return decimal(value);
  return productOfPowers(value);
}

function decimal(value: number): string {
  const digits = value.toPrecision(17);
  return digits.includes(".") || digits.includes("e") ? digits : `${digits}.0`;
}

/** Powers of two whose literal of 17 digits lies in the range that every engine reads exactly. */
const STEP = 256;
const UP = (2 ** STEP).toPrecision(17);
const DOWN = (2 ** -STEP).toPrecision(17);

/**
 * `(M.0*2^a*2^b...)` with an odd integer M: every factor is exact, and so is every product, because the last one is the
 * value itself and those before it are the value times a power of two. A subnormal is reached in the last step only.
 */
function productOfPowers(value: number): string {
  let mantissa = value;
  let exponent = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    exponent -= 1;
  }
  while (Math.abs(mantissa) >= 2 ** 53) {
    mantissa /= 2;
    exponent += 1;
  }
  const factors = [`${BigInt(mantissa)}.0`];
  for (; exponent > STEP; exponent -= STEP) factors.push(UP);
  for (; exponent < -STEP; exponent += STEP) factors.push(DOWN);
  if (exponent !== 0) factors.push(decimal(2 ** exponent));
  return `(${factors.join("*")})`;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** TEXT from its bytes: quoted where that is exact, as hexadecimal where it holds a NUL or is no valid UTF-8. */
export function textLiteral(bytes: Uint8Array): string {
  const decoded = decode(bytes);
  return decoded === null ? `CAST(X'${hex(bytes)}' AS TEXT)` : quoted(decoded);
}

function decode(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * A text as a quoted literal without raw line breaks: the sqlite3 shell eats the CR of a CR LF inside a string, and
 * tools that work by line must not find `COMMIT;` on a line of its own.
 */
export function quoted(value: string): string {
  const { open, inner, close } = quotation(value);
  return `${open}${splitKeywords(`'${inner(value)}'`)}${close}`;
}

/** What stands around a text's quotes, and what becomes of it, or of any part of it, within. */
function quotation(value: string): { open: string; inner: (part: string) => string; close: string } {
  const breaks = BREAKS.filter(({ character }) => value.includes(character)).map(({ character, code, name }) => {
    return { character, code, mark: unusedMark(value, name) };
  });
  return {
    open: "replace(".repeat(breaks.length),
    inner(part) {
      const marked = breaks.reduce((text, { character, mark }) => text.replaceAll(character, mark), part);
      return marked.replaceAll("'", "''");
    },
    close: breaks.map(({ mark, code }) => `,'${mark}',char(${code}))`).join(""),
  };
}

const BREAKS = [
  { character: "\n", code: 10, name: "\\n" },
  { character: "\r", code: 13, name: "\\r" },
] as const;

/** Bytes, or UTF-16 units, that go into one piece of a literal: V8 clears strings of this size away soon. */
const PIECE = 32_768;

/** The literal of a value of any size, piece by piece, so that memory need not hold it whole. */
export function* literalPieces(cell: Cell): Generator<string> {
  if (cell.type === "blob") {
    yield* hexPieces("X'", cell.value, "'");
    return;
  }
  const decoded = cell.type === "text" ? decode(cell.value) : null;
  if (cell.type === "text" && decoded === null) {
    yield* hexPieces("CAST(X'", cell.value, "' AS TEXT)");
  } else if (decoded === null || KEYWORD.test(decoded)) {
    yield literal(cell);
  } else {
    const { open, inner, close } = quotation(decoded);
    yield `${open}'`;
    for (let at = 0; at < decoded.length; ) {
      // The two halves of a surrogate pair stay together.
      const end = at + PIECE + ((decoded.codePointAt(at + PIECE - 1) ?? 0) > 0xffff ? 1 : 0);
      yield inner(decoded.slice(at, end));
      at = end;
    }
    yield `'${close}`;
  }
}

function* hexPieces(open: string, bytes: Uint8Array, close: string): Generator<string> {
  yield open;
  for (let at = 0; at < bytes.length; at += PIECE) yield hex(bytes.subarray(at, at + PIECE));
  yield close;
}

/** `\n`, else `\1n`, `\2n` ...: the first that does not occur in the text. */
function unusedMark(text: string, name: string): string {
  if (!text.includes(name)) return name;
  for (let i = 1; ; i += 1) {
    const mark = `\\${i}${name.slice(1)}`;
    if (!text.includes(mark)) return mark;
  }
}

/** The two things that D1's import and wrangler's file reader look for. */
export const KEYWORD = /BEGIN TRANSACTION|COMMIT;/;

/** Where they are broken up. */
const SEAMS = /(?<=BEGIN)(?= TRANSACTION)|(?<=COMMIT)(?=;)/;

/**
 * A quoted literal as a concatenation in which those two things do not occur, so that the readers can only ever find the
 * dump's own. A text may hold thousands of them, hence a tree.
 */
export function splitKeywords(quotedText: string): string {
  const pieces = quotedText.slice(1, -1).split(SEAMS);
  return tree(
    pieces.map((piece) => `'${piece}'`),
    "||",
  );
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex").toUpperCase();
}
