import { createHash, type Hash } from "node:crypto";
import type { RowBlock } from "./row-block.ts";

/** A block ends with the row that gives it this many rows or bytes. Part of the format: other numbers, other digests. */
export const BLOCK_ROWS = 1_000;
export const BLOCK_BYTES = 1_048_576;

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
  #link: Uint8Array = new Uint8Array(32);
  #block: Hash | null = null;
  #blockRows = 0;
  #blockBytes = 0;

  /** Adds rows. */
  add({ bytes, ends }: RowBlock): void {
    let from = 0;
    let to = 0;
    for (const end of ends) {
      this.rows += 1;
      this.#blockRows += 1;
      to = end;
      if (this.#blockRows < BLOCK_ROWS && this.#blockBytes + to - from < BLOCK_BYTES) continue;
      this.#open().update(bytes.subarray(from, to));
      this.#close();
      from = to;
    }
    if (to === from) return;
    this.#open().update(bytes.subarray(from, to));
    this.#blockBytes += to - from;
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
    this.#blockRows = 0;
    this.#blockBytes = 0;
  }
}
