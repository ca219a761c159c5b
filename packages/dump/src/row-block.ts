import { Buffer } from "node:buffer";
import { finishLine } from "./row-line.ts";

/** Rows as they stand in the dump: each line ends with a comma and a line feed. */
export interface RowBlock {
  readonly bytes: Uint8Array;
  /** Offset behind each row, its comma and line feed included. */
  readonly ends: readonly number[];
}

/** What stands between two rows of a page: a NUL, because no literal that SQLite quotes can hold one. */
export const SEPARATOR = ",\0";
export const SEPARATOR_SQL = "char(44,0)";

const LINE_END = Buffer.from(",\n");

/** What SQLite's literals may hold that must not stay: such rows are gone through one by one. */
const UNFINISHED = /[\r\n]|BEGIN TRANSACTION|COMMIT;/;

/** The rows of a page's text, none of which is marked. */
export function pageBlock(text: string): RowBlock {
  if (UNFINISHED.test(text)) return blockOf(text.split(SEPARATOR).map(finishLine));
  const bytes = Buffer.from(text + SEPARATOR);
  const ends: number[] = [];
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at + 1)) {
    bytes[at] = 10;
    ends.push(at + 1);
  }
  return { bytes, ends };
}

/** Finished lines as a block. */
export function blockOf(lines: readonly string[]): RowBlock {
  const ends: number[] = [];
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const line of lines) {
    const bytes = Buffer.from(line);
    parts.push(bytes, LINE_END);
    end += bytes.length + LINE_END.length;
    ends.push(end);
  }
  return { bytes: Buffer.concat(parts), ends };
}
