import { PatinaError } from "@patina/core/error";
import type { Sums } from "./fingerprint.ts";
import { MAX_COUNTED_ROWS } from "./fingerprint-sql.ts";
import { guardOf } from "./guard.ts";
import { countedPage, joinedPage } from "./joined-page.ts";
import { easyPage, lastKey, TAGGED_BYTES } from "./page-query.ts";
import type { PageRoom, PageRooms } from "./page-room.ts";
import { type Cursor, type Range, rangesAfter } from "./range.ts";
import { blockOf, countMarks, decodePage, hasRows, SEPARATOR } from "./row-block.ts";
import { finishLine } from "./row-line.ts";
import { readRow } from "./row-reader.ts";
import { MARK } from "./row-sql.ts";
import type { Rows } from "./rows.ts";
import type { Table } from "./schema.ts";
import { number, type Source, text, type Value } from "./source.ts";
import { wholeRow } from "./tagged-rows.ts";

/**
 * Bytes of row text that a page aims at. Measured on 65 MB: twice as large is no faster; half takes 1.2 times as long and
 * a quarter 1.3 times, for 2 and 3.5 times the queries (an invocation has 1,000, or 50), while V8 leaves as much garbage
 * behind before it clears up.
 */
const PAGE_BYTES = 800_000;

/** Rows of a page before anything is known of their size. */
const FIRST_LIMIT = 100;

/** A row this many times the average is not joined into a page, so that a page cannot be much larger than planned. */
const LARGE_FACTOR = 4;
const MIN_LARGE = 4_096;

/** Share of marks above which a page is read again tagged: a mark costs a second read of its row. */
const MAX_MARKED = 0.03;
const FEW_MARKS = 3;

/**
 * Rows of one page that may be read one by one, and their bytes; behind them the page ends. Each costs queries, of which
 * an invocation has a thousand, and each may be 2 MB large.
 */
export const MAX_SINGLE_ROWS = 20;
const MAX_SINGLE_BYTES = 1_000_000;

/** A page of rows and the key of its last row, from which reading can go on. */
export interface Page {
  readonly rows: readonly Rows[];
  readonly cursor: Cursor;
  /** What was counted of the rows. One that is read again by itself may have changed since: the fence tells. */
  readonly sums: Sums;
}

export interface ReaderOptions {
  readonly table: Table;
  /** Longest line that may be handed over finished, in bytes. */
  readonly maxLine: number;
  /** Read what follows this row; null reads from the start. */
  readonly after: Cursor;
  readonly rooms: PageRooms;
  /** Rows of a page that are read one by one, at most: each takes some five queries, a row of 2 MB three times that. */
  readonly singleRows: number;
}

/**
 * Reads a table of any size page by page, in key order, each row once. Each page is one version of the table; all of
 * them together are only if nothing wrote meanwhile.
 */
export class PagedReader {
  readonly #source: Source;
  readonly #table: Table;
  readonly #maxLine: number;
  readonly #rooms: PageRooms;
  readonly #singleRows: number;
  #room: PageRoom;
  #ranges: Range[];
  #ahead: Promise<Page | null> | null = null;
  #position: number;
  #limit = FIRST_LIMIT;
  #average = 256;
  /** Pages that are read tagged before easy ones are tried again, and how many it will be the next time. */
  #taggedPages = 0;
  #nextTaggedPages = 1;

  constructor(source: Source, { table, maxLine, after, rooms, singleRows }: ReaderOptions) {
    this.#source = source;
    this.#table = table;
    this.#maxLine = maxLine;
    this.#rooms = rooms;
    this.#singleRows = singleRows;
    this.#room = rooms.next();
    this.#ranges = rangesAfter(table, after);
    this.#position = after === null || table.key.by !== "hidden" ? 0 : Number(after[0]);
  }

  /**
   * The next rows, or null when there are no more. While they are used, those behind them are read, unless queries are so
   * few that those of a page which is not wanted any more would count.
   */
  async next(): Promise<Page | null> {
    const page = await (this.#ahead ?? this.#fetch());
    this.#ahead = page === null || this.#singleRows === 1 ? null : this.#fetch();
    // A failure is the next call's; until then nobody waits for it.
    this.#ahead?.catch(() => undefined);
    // A query leaves with a turn of the event loop: without one, D1 would only hear of it when this page is used up. Two
    // pages of rows that are read cell by cell would be too much in memory at once.
    if (this.#ahead !== null && isBlock(page)) await new Promise((resolve) => setTimeout(resolve, 0));
    return page;
  }

  async #fetch(): Promise<Page | null> {
    this.#room = this.#rooms.next();
    for (let range = this.#ranges[0]; range !== undefined; range = this.#ranges[0]) {
      const page = await this.#read(range);
      if (page !== null) return page;
      this.#ranges.shift();
    }
    return null;
  }

  async #read(range: Range): Promise<Page | null> {
    try {
      return this.#taggedPages > 0 ? await this.#taggedPage(range) : await this.#easyPage(range);
    } catch (error) {
      if (!(error instanceof PatinaError)) throw error;
      const isTooMuch = error.code === "result_too_large" || error.code === "source_overloaded";
      if (isTooMuch && this.#limit > 1) return await this.#smaller(range);
      // One row whose literals are too long for a value: hexadecimal comes in pieces.
      if (error.code === "result_too_large" && this.#taggedPages === 0) {
        this.#taggedPages = 1;
        return await this.#read(range);
      }
      // Evaluating a guard may fail on a row: narrow it down to that one.
      if (error.code !== "source_failed" || guardOf(this.#table) === null) throw error;
      return this.#limit > 1 ? await this.#smaller(range) : await this.#unguardedRow(range);
    }
  }

  async #smaller(range: Range): Promise<Page | null> {
    this.#limit = Math.max(1, this.#limit >> 3);
    return await this.#read(range);
  }

  async #easyPage(range: Range): Promise<Page | null> {
    const limit = this.#limit;
    const maxRow = Math.min(this.#maxLine, Math.max(MIN_LARGE, LARGE_FACTOR * this.#average));
    const asked = easyPage(this.#table, { range, limit, maxRow, maxLine: this.#maxLine });
    if (asked === null) return await this.#taggedPage(range);
    const [result] = await this.#source.batch([asked.query]);
    const [count, joined, last, counted] = result?.rows[0] ?? [];
    const seen = number(count);
    if (seen === 0) return null;
    const page = text(joined);
    const marks = countMarks(page);
    // U+FFFD may be the user's own or stand for bytes that are no UTF-8: hexadecimal tells.
    if (page.includes("\uFFFD") || !hasRows(page, seen) || marks > Math.max(FEW_MARKS, seen * MAX_MARKED)) {
      this.#taggedPages = this.#nextTaggedPages;
      this.#nextTaggedPages *= 4;
      return await this.#taggedPage(range);
    }
    this.#nextTaggedPages = 1;
    this.#learn({ bytes: page.length, rows: seen });
    const sums = { rows: seen, columns: asked.sums.read([text(counted)]) };
    if (marks > 0) return await this.#markedPage(page, { range, limit, last, sums });
    const key = this.#table.key.by === "hidden" ? null : lastKey(text(last));
    return {
      rows: [{ kind: "block", block: decodePage(page, this.#room) }],
      cursor: this.#advance({ seen, limit, key }),
      sums,
    };
  }

  /** Rows in order, those that are only marked read one by one: up to a page's end, or to where enough of them are. */
  async #markedPage(
    page: string,
    { range, limit, last, sums }: { range: Range; limit: number; last: Value | undefined; sums: Sums },
  ): Promise<Page> {
    const rows: Rows[] = [];
    const singles = new Singles(this.#singleRows);
    let lines: string[] = [];
    for (const [index, row] of page.split(SEPARATOR).entries()) {
      if (!row.startsWith(MARK)) {
        lines.push(finishLine(row));
        continue;
      }
      if (lines.length > 0) rows.push({ kind: "block", block: blockOf(lines, this.#room.take) });
      lines = [];
      const key = this.#keyAt(index, row.slice(1));
      const found = await this.#row(key);
      if (found !== null) rows.push(found);
      if (singles.add(found)) return await this.#shortPage(rows, { range, seen: index + 1, key });
    }
    if (lines.length > 0) rows.push({ kind: "block", block: blockOf(lines, this.#room.take) });
    const key = this.#table.key.by === "hidden" ? null : lastKey(text(last));
    return { rows, cursor: this.#advance({ seen: sums.rows, limit, key }), sums };
  }

  /** A page that ends before its last row: what was counted of all of it does not hold, so its rows are counted again. */
  async #shortPage(
    rows: readonly Rows[],
    { range, seen, key }: { range: Range; seen: number; key: readonly string[] },
  ): Promise<Page> {
    const asked = countedPage(this.#table, { range, limit: seen });
    const sums = asked.read(await this.#source.batch(asked.queries));
    return { rows, cursor: this.#advance({ seen, limit: 0, key }), sums };
  }

  async #taggedPage(range: Range): Promise<Page | null> {
    const limit = Math.max(1, Math.min(this.#limit, Math.floor(PAGE_BYTES / (2 * this.#average))));
    const maxRow = Math.min(TAGGED_BYTES, Math.max(MIN_LARGE, LARGE_FACTOR * this.#average));
    const guarded = guardOf(this.#table) !== null;
    const asked = joinedPage(this.#table, { range, limit, maxRow, guarded });
    const { rows: found, sums } = asked.read(await this.#source.batch(asked.queries), this.#room.take);
    if (found.length === 0) return null;
    const rows: Rows[] = [];
    const singles = new Singles(this.#singleRows);
    let bytes = 0;
    let seen = 0;
    let isEnough = false;
    let key: readonly string[] = [];
    for (const row of found) {
      key = row.key ?? [String(this.#position + seen)];
      const whole = row.cells === null ? await this.#row(key) : wholeRow(row.cells, row.passesGuard);
      seen += 1;
      isEnough = row.cells === null && singles.add(whole);
      if (whole !== null) {
        rows.push(whole);
        bytes += sizeOf(whole);
      }
      if (isEnough) break;
    }
    this.#learn({ bytes, rows: seen });
    this.#taggedPages = Math.max(0, this.#taggedPages - 1);
    // The next page is easy again, for a try: if it fails, it must not have been large.
    if (this.#taggedPages === 0) this.#limit = Math.min(this.#limit, FIRST_LIMIT);
    if (isEnough) return await this.#shortPage(rows, { range, seen, key });
    return { rows, cursor: this.#advance({ seen, limit, key }), sums };
  }

  /** One row whose guard cannot be evaluated. */
  async #unguardedRow(range: Range): Promise<Page | null> {
    const asked = joinedPage(this.#table, { range, limit: 1, maxRow: 0, guarded: false });
    const { rows, sums } = asked.read(await this.#source.batch(asked.queries), this.#room.take);
    const [row] = rows;
    if (row === undefined) return null;
    const key = row.key ?? [String(this.#position)];
    const found = await this.#row(key);
    this.#limit = FIRST_LIMIT;
    return { rows: found === null ? [] : [found], cursor: this.#advance({ seen: 1, limit: 1, key }), sums };
  }

  async #row(key: readonly string[]) {
    return await readRow(this.#source, { table: this.#table, key, take: this.#room.take });
  }

  #keyAt(index: number, tagged: string): string[] {
    return this.#table.key.by === "hidden" ? [String(this.#position + index)] : tagged.split(",");
  }

  #advance({ seen, limit, key }: { seen: number; limit: number; key: readonly string[] | null }): Cursor {
    this.#position += seen;
    const cursor = this.#table.key.by === "hidden" ? [String(this.#position)] : key;
    // A page that is not full was the last of its range; the ranges behind it still follow.
    this.#ranges = seen < limit ? this.#ranges.slice(1) : rangesAfter(this.#table, cursor);
    return cursor;
  }

  #learn({ bytes, rows }: { bytes: number; rows: number }): void {
    this.#average = Math.max(16, Math.ceil(bytes / rows));
    this.#limit = Math.max(1, Math.min(MAX_COUNTED_ROWS, 4 * this.#limit, Math.floor(PAGE_BYTES / this.#average)));
  }
}

function isBlock(page: Page | null): boolean {
  return page?.rows.length === 1 && page.rows[0]?.kind === "block";
}

type SingleRow = Extract<Rows, { kind: "row" }>;

/** Counts the rows of a page that are read one by one. */
class Singles {
  readonly #most: number;
  #rows = 0;
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether it is enough with this one. */
  add(row: SingleRow | null): boolean {
    this.#rows += 1;
    this.#bytes += row === null ? 0 : sizeOf(row);
    return this.#rows >= this.#most || this.#bytes >= MAX_SINGLE_BYTES;
  }
}

function sizeOf({ cells }: SingleRow): number {
  let bytes = 0;
  for (const cell of cells) bytes += cell.type === "text" || cell.type === "blob" ? cell.value.length : 8;
  return bytes;
}
