import { Buffer } from "node:buffer";
import { finishLine, UNFINISHED } from "./row-line.ts";

/** Rows as they stand in the dump: each line ends with a comma and a line feed. */
export interface RowBlock {
  readonly bytes: Uint8Array;
  /** Offset behind each row, its comma and line feed included. */
  readonly ends: readonly number[];
}

/**
 * What stands between two rows of a page: a comma, as in the dump, and DEL. JSON, in which a page travels, need not
 * escape DEL, and text hardly ever holds it; a page in which it occurs more often than rows meet is read in another way.
 */
export const SEPARATOR = ",\u007f";
export const SEPARATOR_SQL = "char(44,127)";
const DEL = 0x7f;
const LINE_FEED = 0x0a;

const LINE_END = Buffer.from(",\n");

/** Says whether a page's text falls into exactly so many rows. */
export function hasRows(page: string, count: number): boolean {
  let found = 1;
  for (let at = page.indexOf("\u007f"); at >= 0; at = page.indexOf("\u007f", at + 1)) found += 1;
  return found === count;
}

/** Turns pages into blocks of bytes. The bytes of a block are the decoder's, and good until the next one is made. */
export class PageDecoder {
  #bytes = new Uint8Array(2 * 1_048_576);
  readonly #encoder = new TextEncoder();

  /** The rows of a page, none of which is a mark. */
  decode(page: string): RowBlock {
    if (UNFINISHED.test(page)) return blockOf(page.split(SEPARATOR).map(finishLine));
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    const most = 3 * page.length + LINE_END.length;
    if (this.#bytes.length < most) this.#bytes = new Uint8Array(most);
    const { written } = this.#encoder.encodeInto(page, this.#bytes);
    this.#bytes.set(LINE_END, written);
    const end = written + LINE_END.length;
    const ends: number[] = [];
    const bytes = this.#bytes.subarray(0, end);
    for (let at = bytes.indexOf(DEL); at >= 0; at = bytes.indexOf(DEL, at + 1)) {
      bytes[at] = LINE_FEED;
      ends.push(at + 1);
    }
    ends.push(end);
    return { bytes, ends };
  }
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
