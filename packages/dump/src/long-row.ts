import { Buffer } from "node:buffer";
import type { Cell } from "./literal.ts";
import type { Take } from "./page-room.ts";
import { parseCells } from "./row-line.ts";

/** Bytes of one piece of a cell; as hexadecimal it stays below D1's 2,000,000 bytes a value. */
const PIECE_BYTES = 400_000;

export interface Piece {
  readonly column: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface LongCells {
  /** What has to be read, in the order in which assemble() wants it. */
  readonly pieces: readonly Piece[];
  /** The row from its pieces, each as hexadecimal. */
  readonly assemble: (pieces: readonly string[]) => Cell[];
}

/** Plans the reading of a row from the types and sizes that cellSizes() gives: texts and blobs in pieces. */
export function longCells(described: readonly string[], take: Take = Buffer.alloc): LongCells {
  const pieces = described.flatMap((cell, column) => {
    if (!isLong(cell)) return [];
    const count = Math.ceil(Number(cell.slice(1)) / PIECE_BYTES);
    return Array.from({ length: count }, (_, i) => ({ column, offset: i * PIECE_BYTES, bytes: PIECE_BYTES }));
  });
  return {
    pieces,
    assemble(read) {
      const content = described.map((cell) => take(isLong(cell) ? Number(cell.slice(1)) : 0));
      for (const [i, { column, offset }] of pieces.entries()) content[column]?.write(read[i] ?? "", offset, "hex");
      return described.map((cell, column): Cell => {
        if (!isLong(cell)) return parseCells(cell)[0] ?? { type: "null" };
        return { type: cell.startsWith("t") ? "text" : "blob", value: content[column] ?? take(0) };
      });
    },
  };
}

function isLong(described: string): boolean {
  return described.startsWith("t") || described.startsWith("b");
}
