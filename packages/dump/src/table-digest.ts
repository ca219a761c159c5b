import { createHash, type Hash } from "node:crypto";
import type { RowBlock } from "./row-block.ts";

/** A block ends with the row that gives it this many rows or bytes. Part of the format: other numbers, other digests. */
export const BLOCK_ROWS = 1_000;
export const BLOCK_BYTES = 1_048_576;

/** A digest that is not finished: the last link, and the lines since. */
export interface DigestState {
  readonly rows: number;
  readonly link: string;
  readonly blockRows: number;
  readonly block: Uint8Array;
}

/**
 * The digest of a table's rows: a chain of SHA-256, so that it can be continued in another invocation from the 32 bytes
 * of its last link.
 *
 *     link 0 = 32 zero bytes
 *     link n = SHA-256(link n-1 || lines of the n-th block)
 *
 * A line is the row's literals in parentheses followed by a comma and a line feed, whatever the dump has there. A block
 * ends with the row that gives it 1,000 rows or 1 MiB of lines; the last one is shorter. A table without rows has link 0.
 */
export class TableDigest {
  rows = 0;
  #link: Uint8Array;
  /** Lines of the open block, and their rows. */
  #block = new Uint8Array(0);
  #blockBytes = 0;
  #blockRows = 0;

  constructor(state: DigestState | null = null) {
    this.#link = state === null ? new Uint8Array(32) : Buffer.from(state.link, "hex");
    if (state === null) return;
    this.rows = state.rows;
    this.#blockRows = state.blockRows;
    this.#keep(state.block);
  }

  /** What a digest needs to go on in another invocation. Its bytes are good until rows are added. */
  get state(): DigestState {
    return {
      rows: this.rows,
      link: Buffer.from(this.#link).toString("hex"),
      blockRows: this.#blockRows,
      block: this.#block.subarray(0, this.#blockBytes),
    };
  }

  /** Adds rows. */
  add({ bytes, ends }: RowBlock): void {
    let from = 0;
    let to = 0;
    for (const end of ends) {
      this.rows += 1;
      this.#blockRows += 1;
      to = end;
      if (this.#blockRows < BLOCK_ROWS && this.#blockBytes + to - from < BLOCK_BYTES) continue;
      this.#close(bytes.subarray(from, to));
      from = to;
    }
    if (to > from) this.#keep(bytes.subarray(from, to));
  }

  /** Adds one row whose line comes in pieces. */
  addLong(pieces: Iterable<Uint8Array>): void {
    let hash: Hash | null = null;
    for (const piece of pieces) {
      if (hash === null && this.#blockBytes + piece.length < BLOCK_BYTES) {
        this.#keep(piece);
        continue;
      }
      // The block ends with this row, so its hash is begun and ended without leaving this method.
      hash ??= createHash("sha256").update(this.#link).update(this.#block.subarray(0, this.#blockBytes));
      hash.update(piece);
    }
    this.rows += 1;
    this.#blockRows += 1;
    if (hash !== null) this.#end(hash);
    else if (this.#blockRows >= BLOCK_ROWS) this.#close(NOTHING);
  }

  /** The digest of the rows so far, in lower-case hexadecimal. Nothing may be added afterwards. */
  end(): string {
    if (this.#blockBytes > 0) this.#close(NOTHING);
    return Buffer.from(this.#link).toString("hex");
  }

  /** The open block is kept as it is, because a hash that has begun cannot be stored. */
  #keep(bytes: Uint8Array): void {
    const size = this.#blockBytes + bytes.length;
    if (size > this.#block.length) {
      const larger = new Uint8Array(Math.max(size, 2 * this.#block.length));
      larger.set(this.#block.subarray(0, this.#blockBytes));
      this.#block = larger;
    }
    this.#block.set(bytes, this.#blockBytes);
    this.#blockBytes = size;
  }

  #close(last: Uint8Array): void {
    const block = this.#block.subarray(0, this.#blockBytes);
    this.#end(createHash("sha256").update(this.#link).update(block).update(last));
  }

  #end(hash: Hash): void {
    this.#link = hash.digest();
    this.#blockBytes = 0;
    this.#blockRows = 0;
  }
}

const NOTHING = new Uint8Array(0);
