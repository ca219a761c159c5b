import { PatinaError } from "@patina/core/error";
import type { Cell } from "./literal.ts";
import { longCells } from "./long-row.ts";
import {
  type Cursor,
  cellPiece,
  cellSizes,
  easyPage,
  MARK,
  type Range,
  rangeAt,
  rangesAfter,
  TAGGED_BYTES,
  taggedPage,
} from "./page-query.ts";
import { blockOf, pageBlock, SEPARATOR } from "./row-block.ts";
import { finishLine, parseCells } from "./row-line.ts";
import type { Rows } from "./rows.ts";
import type { Table } from "./schema.ts";
import { number, type ResultSet, type Source, text } from "./source.ts";

/** Bytes of row text that a page aims at: large enough that a page is one cheap query, small enough to hold several. */
const PAGE_BYTES = 800_000;

/** Rows of a page before anything is known of their size. */
const FIRST_LIMIT = 100;
const MAX_LIMIT = 20_000;

/** A row this many times the average is not joined into a page, so that a page cannot be much larger than planned. */
const LARGE_FACTOR = 4;
const MIN_LARGE = 4_096;

/** Share of marks above which a page is read again tagged: a mark costs a second read of its row. */
const MAX_MARKED = 0.03;
const FEW_MARKS = 3;

export interface ReadOptions {
  /** Longest line that may be handed over finished, in bytes. */
  readonly maxLine: number;
  /** Read what follows this row; null reads from the start. */
  readonly after: Cursor;
}

/** A page of rows and the key of its last row, from which reading can go on. */
export interface Page {
  readonly rows: readonly Rows[];
  readonly cursor: Cursor;
}

/**
 * Reads a table of any size page by page, in key order, each row once. Each page is one version of the table; all of
 * them together are only if nothing wrote meanwhile.
 */
export async function* readPages(source: Source, { table, ...options }: ReadOptions & { table: Table }) {
  const reader = new PagedReader(source, { table, ...options });
  for (let page = await reader.next(); page !== null; page = await reader.next()) yield page;
}

class PagedReader {
  readonly #source: Source;
  readonly #table: Table;
  readonly #maxLine: number;
  #ranges: Range[];
  #position: number;
  #limit = FIRST_LIMIT;
  #average = 256;
  /** Pages that are read tagged before easy ones are tried again, and how many it will be the next time. */
  #taggedPages = 0;
  #nextTaggedPages = 1;

  constructor(source: Source, { table, maxLine, after }: ReadOptions & { table: Table }) {
    this.#source = source;
    this.#table = table;
    this.#maxLine = maxLine;
    this.#ranges = rangesAfter(table, after);
    this.#position = after === null || table.key.by !== "hidden" ? 0 : Number(after[0]);
  }

  async next(): Promise<Page | null> {
    for (let range = this.#ranges[0]; range !== undefined; range = this.#ranges[0]) {
      const page = this.#taggedPages > 0 ? await this.#taggedPage(range) : await this.#easyPage(range);
      if (page !== null) return page;
      this.#ranges.shift();
    }
    return null;
  }

  async #easyPage(range: Range): Promise<Page | null> {
    const limit = this.#limit;
    const maxRow = Math.min(this.#maxLine, Math.max(MIN_LARGE, LARGE_FACTOR * this.#average));
    const result = await this.#query(easyPage(this.#table, { range, limit, maxRow }));
    const [count, joined, last] = result.rows[0] ?? [];
    const seen = number(count);
    if (seen === 0) return null;
    const page = text(joined);
    const marks = countMarks(page);
    // U+FFFD may be the user's own or stand for bytes that are no UTF-8: hexadecimal tells.
    if (page.includes("\uFFFD") || marks > Math.max(FEW_MARKS, seen * MAX_MARKED)) {
      this.#taggedPages = this.#nextTaggedPages;
      this.#nextTaggedPages *= 2;
      return await this.#taggedPage(range);
    }
    this.#nextTaggedPages = 1;
    const rows = marks > 0 ? await this.#markedRows(page) : [{ kind: "block", block: pageBlock(page) } as const];
    this.#learn({ bytes: page.length, rows: seen });
    const key = this.#table.key.by === "hidden" ? null : text(last).split(",");
    return { rows, cursor: this.#advance({ seen, limit, key }) };
  }

  /** Rows in order, those that are only marked read one by one. */
  async #markedRows(page: string): Promise<Rows[]> {
    const rows: Rows[] = [];
    let lines: string[] = [];
    for (const [index, row] of page.split(SEPARATOR).entries()) {
      if (!row.startsWith(MARK)) {
        lines.push(finishLine(row));
        continue;
      }
      if (lines.length > 0) rows.push({ kind: "block", block: blockOf(lines) });
      lines = [];
      const key = this.#table.key.by === "hidden" ? [String(this.#position + index)] : row.slice(1).split(",");
      const cells = await this.#row(key);
      if (cells !== null) rows.push({ kind: "row", cells });
    }
    if (lines.length > 0) rows.push({ kind: "block", block: blockOf(lines) });
    return rows;
  }

  async #taggedPage(range: Range): Promise<Page | null> {
    const limit = Math.max(1, Math.min(this.#limit, Math.floor(PAGE_BYTES / (2 * this.#average))));
    const maxRow = Math.min(TAGGED_BYTES, Math.max(MIN_LARGE, LARGE_FACTOR * this.#average));
    const result = await this.#query(taggedPage(this.#table, { range, limit, maxRow }));
    this.#taggedPages -= 1;
    if (result.rows.length === 0) return null;
    const rows: Rows[] = [];
    let bytes = 0;
    let key: string[] | null = null;
    for (const [index, [row, rowKey]] of result.rows.entries()) {
      key = this.#table.key.by === "hidden" ? [String(this.#position + index)] : text(rowKey).split(",");
      const tagged = text(row);
      const cells = tagged === MARK ? await this.#row(key) : parseCells(tagged);
      if (cells === null) continue;
      rows.push({ kind: "row", cells });
      bytes += tagged === MARK ? sizeOf(cells) : tagged.length / 2;
    }
    this.#learn({ bytes, rows: result.rows.length });
    return { rows, cursor: this.#advance({ seen: result.rows.length, limit, key }) };
  }

  /** One row by its key, whatever its size. Null when it is gone meanwhile: the fence will say that there was a write. */
  async #row(key: readonly string[]): Promise<Cell[] | null> {
    const range = rangeAt(this.#table, key);
    const whole = await this.#query(taggedPage(this.#table, { range, limit: 1, maxRow: TAGGED_BYTES }));
    const [row] = whole.rows;
    if (row === undefined) return null;
    return row[0] === MARK ? await this.#longRow(range) : parseCells(text(row[0]));
  }

  /** A row too large for one text. Sizes and pieces are read in one batch, so that they belong to one version of it. */
  async #longRow(range: Range): Promise<Cell[] | null> {
    let sizes = await this.#query(cellSizes(this.#table, range));
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const [row] = sizes.rows;
      if (row === undefined) return null;
      const long = longCells(row.map(text));
      const queries = long.pieces.map((piece) => cellPiece(this.#table, { ...piece, range }));
      const [again, ...pieces] = await this.#source.batch([cellSizes(this.#table, range), ...queries]);
      if (again === undefined) break;
      if (again.rows[0]?.join() === row.join()) return long.assemble(pieces.map((piece) => text(piece.rows[0]?.[0])));
      sizes = again;
    }
    throw new PatinaError("source_overloaded", `Cannot read table "${this.#table.name}": a long row changes too often`);
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
    this.#limit = Math.max(1, Math.min(MAX_LIMIT, 4 * this.#limit, Math.floor(PAGE_BYTES / this.#average)));
  }

  async #query(query: Parameters<Source["batch"]>[0][number]): Promise<ResultSet> {
    const [result] = await this.#source.batch([query]);
    if (result === undefined) throw new RangeError("Cannot read page: the database gave no result");
    return result;
  }
}

function countMarks(page: string): number {
  let marks = page.startsWith(MARK) ? 1 : 0;
  for (let at = page.indexOf(MARKED); at >= 0; at = page.indexOf(MARKED, at + 1)) marks += 1;
  return marks;
}

const MARKED = SEPARATOR + MARK;

function sizeOf(cells: readonly Cell[]): number {
  let bytes = 0;
  for (const cell of cells) bytes += cell.type === "text" || cell.type === "blob" ? cell.value.length : 8;
  return bytes;
}
