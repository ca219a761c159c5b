import { Buffer } from "node:buffer";
import { type Cell, literal, quoted, splitKeywords } from "./literal.ts";

/** One row of the dump: its literals in parentheses, without a line break. Digests are made over these lines. */
export function lineOf(cells: readonly Cell[]): string {
  return `(${cells.map(literal).join(",")})`;
}

/** Reads a row whose cells are tagged as in cell-sql.ts. */
export function parseCells(tagged: string): Cell[] {
  return tagged.split(",").map(parseCell);
}

function parseCell(tagged: string): Cell {
  const body = tagged.slice(1);
  switch (tagged[0]) {
    case "n":
      return { type: "null" };
    case "i":
      return { type: "integer", value: body };
    case "r":
      return { type: "real", value: Number(body) };
    case "t":
      return { type: "text", value: Buffer.from(body, "hex") };
    case "b":
      return { type: "blob", value: Buffer.from(body, "hex") };
    default:
      throw new RangeError("Cannot read row: a cell has no tag");
  }
}

/** A quoted literal: '...' with doubled quotes inside. The X'..' of a blob is left alone: it holds no line break. */
const QUOTED = /'[^']*(?:''[^']*)*'/g;

/**
 * A row that SQLite wrote, as it stands in the dump: final, but for texts with line breaks or with a keyword that has to
 * be split. Those literals are written again.
 */
export function finishLine(row: string): string {
  if (!/[\r\n]/.test(row)) return splitKeywords(row);
  return row.replaceAll(QUOTED, (found) => {
    if (!/[\r\n]/.test(found)) return splitKeywords(found);
    return quoted(found.slice(1, -1).replaceAll("''", "'"));
  });
}
