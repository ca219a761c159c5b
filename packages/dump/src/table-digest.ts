import { createHash, type Hash } from "node:crypto";
import type { RowBlock } from "./row-block.ts";

/** Rows of one link of the chain. Part of the dump format: another number gives other digests. */
export const BLOCK_ROWS = 1_000;

/**
 * The digest of a table's rows: a chain of SHA-256, so that it can be continued in another invocation from the 32 bytes
 * of its last link.
 *
 *     link 0 = 32 zero bytes
 *     link n = SHA-256(link n-1 || lines of the n-th block)
 *
 * A block is 1,000 rows, the last one fewer; a line is the row's literals in parentheses followed by a comma and a line
 * feed, whatever the dump has there. A table without rows has link 0.
 */
export class TableDigest {
  rows = 0;
  #link: Uint8Array = new Uint8Array(32);
  #block: Hash | null = null;

  /** Adds rows. */
  add({ bytes, ends }: RowBlock): void {
    let from = 0;
    for (let row = 0; row < ends.length; ) {
      const room = BLOCK_ROWS - (this.rows % BLOCK_ROWS);
      const last = Math.min(row + room, ends.length);
      const to = ends[last - 1] ?? from;
      this.#open().update(bytes.subarray(from, to));
      this.rows += last - row;
      if (this.rows % BLOCK_ROWS === 0) this.#close();
      from = to;
      row = last;
    }
  }

  /** The digest of the rows so far, in lower-case hexadecimal. Nothing may be added afterwards. */
  end(): string {
    this.#close();
    return Buffer.from(this.#link).toString("hex");
  }

  #open(): Hash {
    this.#block ??= createHash("sha256").update(this.#link);
    return this.#block;
  }

  #close(): void {
    if (this.#block === null) return;
    this.#link = this.#block.digest();
    this.#block = null;
  }
}
