import { PatinaError } from "@patina/core/error";

/**
 * The one port of this package: a database that runs SQL. An adapter turns D1's binding, a Durable Object or a SQLite
 * file into it.
 */
export interface Source {
  /**
   * Runs the queries in order, all of them against one version of the database. Rows are arrays in column order;
   * columns are named by columns().
   *
   * May be called again after a failure. Throws a PatinaError: `source_unreachable` or `source_overloaded` when another
   * try can help, `result_too_large` when a smaller question can, `source_failed` when not.
   */
  batch(queries: readonly Query[]): Promise<readonly ResultSet[]>;

  /**
   * Where the database stands in its own history, where the engine tells: two equal bookmarks mean that nothing was
   * written between them. Fails as batch() does.
   */
  bookmark?(): Promise<string>;

  /** Every batch sees the same version of the database: it is one read transaction, or nobody else can write. */
  readonly isFrozen?: boolean;
}

/**
 * The columns of a SELECT under the names `c0`, `c1` ... D1's batch() answers with one object a row: two columns of one
 * name would become one, and a column named like a number would move to the front.
 */
export function columns(expressions: readonly string[]): string {
  return expressions.map((expression, i) => `${expression} AS c${i}`).join(",");
}

/** Parameters are bound in order (`?1`, `?2` ...). A D1 binding turns every number into a REAL: integers go as text. */
export interface Query {
  readonly sql: string;
  readonly params?: readonly (string | number)[];
}

export type Value = string | number | null;

export interface ResultSet {
  readonly rows: readonly (readonly Value[])[];
  /** Rows that the database read to answer, as it counts (and bills) them. */
  readonly rowsRead: number;
  /** Size of the database in bytes, where the engine tells. */
  readonly sizeAfter?: number;
}

/** The rows of one statement; null when SQLite refuses it. */
export async function asked(source: Source, sql: string): Promise<ResultSet["rows"] | null> {
  try {
    const [result] = await source.batch([{ sql }]);
    return result?.rows ?? [];
  } catch (error) {
    if (error instanceof PatinaError && error.code === "source_failed") return null;
    throw error;
  }
}

/** A value that must be text; anything else is a fault in the query. */
export function text(value: Value | undefined): string {
  if (typeof value !== "string") throw new TypeError(`Cannot read result: expected text, got ${typeof value}`);
  return value;
}

/** A value that must be a number. */
export function number(value: Value | undefined): number {
  if (typeof value !== "number") throw new TypeError(`Cannot read result: expected a number, got ${typeof value}`);
  return value;
}
