import type { Trouble } from "./guard.ts";
import type { Cell } from "./literal.ts";
import type { RowBlock } from "./row-block.ts";

/** Rows as a reader hands them over, in key order. */
export type Rows =
  /** Finished lines, each of which fits into a statement. Their bytes are good until the next but one page is read. */
  | { readonly kind: "block"; readonly block: RowBlock }
  /** One row cell by cell; its line may be of any length, and its insertion may need care. */
  | { readonly kind: "row"; readonly cells: readonly Cell[]; readonly trouble: Trouble };

/**
 * Longest line that a reader hands over finished. With the column names before it, it must fit into a statement of
 * MAX_STATEMENT_BYTES; rows beyond it come cell by cell.
 */
export function maxLine(headBytes: number): number {
  return MAX_STATEMENT_BYTES - headBytes - 2;
}

/**
 * Bytes of the longest INSERT a dump holds. D1 takes 100,000 (developers.cloudflare.com/d1/platform/limits); the rest is
 * room for what tools put around a statement.
 */
export const MAX_STATEMENT_BYTES = 90_000;

/** Values in one INSERT: above about 20,000 SQLite 3.47 runs out of its limit of 25,000 VDBE operations. */
export const MAX_STATEMENT_CELLS = 5_000;
