import { Buffer } from "node:buffer";
import type { PageRoom, Take } from "./page-room.ts";
import { finishLine, UNFINISHED } from "./row-line.ts";
import { MARK } from "./row-sql.ts";

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

export const LINE_END = Buffer.from(",\n");

const MARKED = SEPARATOR + MARK;

/** Rows of a page in whose place a mark stands. */
export function countMarks(page: string): number {
  let marks = page.startsWith(MARK) ? 1 : 0;
  for (let at = page.indexOf(MARKED); at >= 0; at = page.indexOf(MARKED, at + 1)) marks += 1;
  return marks;
}

/** Says whether a page's text falls into exactly so many rows. */
export function hasRows(page: string, count: number): boolean {
  let found = 1;
  for (let at = page.indexOf("\u007f"); at >= 0; at = page.indexOf("\u007f", at + 1)) found += 1;
  return found === count;
}

/**
 * Turns a page, of which no row is a mark, into a block of bytes. Done as soon as it arrives: V8 clears a large string away
 * at once only if nothing holds it any more when the next one comes.
 */
export function decodePage(page: string, room: PageRoom): RowBlock {
  if (UNFINISHED.test(page)) return blockOf(page.split(SEPARATOR).map(finishLine), room.take);
  const bytes = room.text.encode(page, LINE_END);
  const ends: number[] = [];
  for (let at = bytes.indexOf(DEL); at >= 0; at = bytes.indexOf(DEL, at + 1)) {
    bytes[at] = LINE_FEED;
    ends.push(at + 1);
  }
  ends.push(bytes.length);
  return { bytes, ends };
}

/** Finished lines as a block. */
export function blockOf(lines: readonly string[], take: Take = Buffer.alloc): RowBlock {
  const ends: number[] = [];
  let end = 0;
  for (const line of lines) {
    end += Buffer.byteLength(line) + LINE_END.length;
    ends.push(end);
  }
  const bytes = take(end);
  bytes.write(lines.map((line) => `${line},\n`).join(""));
  return { bytes, ends };
}
