import { StatementSplitter } from "./statements.ts";

/** A database that a dump is restored into. */
export interface RestoreTarget {
  /** Runs statements in order as one transaction: all of them, or none. */
  transaction(statements: readonly string[]): Promise<void>;
}

export interface RestoreOptions {
  /** Characters of SQL in one transaction, at least; Infinity restores everything or nothing. */
  readonly transactionSize: number;
}

/** Statements that a target's own transactions stand for. */
const TRANSACTION = /^(?:BEGIN TRANSACTION|COMMIT|PRAGMA foreign_keys=(?:ON|OFF))$/;

const DEFER = "PRAGMA defer_foreign_keys=ON";
const CHECKED = "PRAGMA ignore_check_constraints=OFF";

/**
 * Restores a dump, piece by piece as its text arrives, so that memory holds one transaction. In several transactions,
 * a foreign key may only point at what was inserted before or with it; the dump's warnings name tables for which that is
 * not so.
 *
 * @returns the number of statements
 */
export async function restore(
  target: RestoreTarget,
  text: AsyncIterable<string> | Iterable<string>,
  { transactionSize }: RestoreOptions,
): Promise<number> {
  const splitter = new StatementSplitter();
  let open: string[] = [];
  let size = 0;
  let count = 0;
  const flush = async () => {
    if (open.length > 0) await target.transaction([DEFER, ...open]);
    open = [];
    size = 0;
  };
  const take = async (statements: readonly string[]) => {
    for (const statement of statements) {
      if (TRANSACTION.test(statement)) continue;
      open.push(statement);
      size += statement.length;
      count += 1;
      if (size >= transactionSize) await flush();
    }
  };
  try {
    for await (const piece of text) await take(splitter.push(piece));
    await take(splitter.end());
    await flush();
  } catch (error) {
    // The pragma outlives a transaction that fails, and would leave a live database without its CHECK constraints.
    await target.transaction([CHECKED]);
    throw error;
  }
  return count;
}
