/**
 * What D1's SQLite refuses beyond, in the names of Node's `DatabaseSync` and of `sqlite3_limit()`: a database opened with
 * these limits refuses the queries that D1 refuses (developers.cloudflare.com/d1/platform/limits, and workerd's
 * `setupSecurity()`).
 */
export const D1_LIMITS = {
  /** Columns of a table, of a result, and aggregates of a query. */
  column: 100,
  /** Bytes of a statement. */
  sqlLength: 100_000,
  exprDepth: 100,
  compoundSelect: 5,
  vdbeOp: 25_000,
  functionArg: 32,
  attach: 0,
  likePatternLength: 50,
  /** Parameters of a query. */
  variableNumber: 100,
  triggerDepth: 10,
} as const;
