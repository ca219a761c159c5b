import { Buffer } from "node:buffer";
import { type Cell, literal, literalPieces, quoted, splitKeywords } from "./literal.ts";
import type { Take } from "./page-room.ts";

/** One row of the dump: its literals in parentheses, without a line break. Digests are made over these lines. */
export function lineOf(cells: readonly Cell[]): string {
  return `(${cells.map(literal).join(",")})`;
}

/** The line of a row of any size, piece by piece. */
export function* linePieces(cells: readonly Cell[]): Generator<string> {
  yield "(";
  for (const [i, cell] of cells.entries()) {
    if (i > 0) yield ",";
    yield* literalPieces(cell);
  }
  yield ")";
}

/** Reads cells that are tagged as in cell-sql.ts. */
export function parseCells(tagged: string, take: Take = Buffer.alloc): Cell[] {
  return tagged.split(",").map((cell) => parseCell(cell, take));
}

function parseCell(tagged: string, take: Take): Cell {
  const body = tagged.slice(1);
  switch (tagged[0]) {
    case "n":
      return { type: "null" };
    case "i":
      return { type: "integer", value: body };
    case "r":
      return { type: "real", value: parseReal(body) };
    case "t":
      return { type: "text", value: bytesOf(body, take) };
    case "b":
      return { type: "blob", value: bytesOf(body, take) };
    default:
      throw new RangeError("Cannot read row: a cell has no tag");
  }
}

function bytesOf(hexadecimal: string, take: Take): Uint8Array {
  const bytes = take(hexadecimal.length >> 1);
  bytes.write(hexadecimal, "hex");
  return bytes;
}

/** Reads a REAL as taggedReal() writes it. */
export function parseReal(text: string): number {
  const at = text.indexOf("p");
  if (at < 0) return WORDS[text] ?? Number.NaN;
  const exponent = Number(text.slice(at + 1));
  // In two steps, each exact: 2^-1126 alone is no double.
  const half = Math.trunc(exponent / 2);
  return Number(text.slice(0, at)) * powerOfTwo(half) * powerOfTwo(exponent - half);
}

/** From a table: a REAL in a page is no place for pow(). */
function powerOfTwo(exponent: number): number {
  return POWERS[exponent + LARGEST_POWER] ?? Number.NaN;
}

const LARGEST_POWER = 600;
const POWERS = Array.from({ length: 2 * LARGEST_POWER + 1 }, (_, i) => 2 ** (i - LARGEST_POWER));

const WORDS: Readonly<Record<string, number>> = {
  "0.0": 0,
  "-0.0": -0,
  inf: Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
};

/** What the literals that SQLite writes may hold and the dump must not. */
export const UNFINISHED = /[\r\n]|BEGIN TRANSACTION|COMMIT;/;

/** A quoted literal: '...' with doubled quotes inside. The X'..' of a blob comes out as it is. */
const QUOTED = /'[^']*(?:''[^']*)*'/g;

/**
 * A row that SQLite wrote, as it stands in the dump: final, but for texts with line breaks or with a keyword that has to
 * be split. Those literals are written again.
 */
export function finishLine(row: string): string {
  if (!UNFINISHED.test(row)) return row;
  return row.replaceAll(QUOTED, (found) =>
    /[\r\n]/.test(found) ? quoted(found.slice(1, -1).replaceAll("''", "'")) : splitKeywords(found),
  );
}
