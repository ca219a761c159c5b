import type { SQL } from "drizzle-orm";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import type { Catalog } from "./catalog.ts";
import { unanswered } from "./failure.ts";

const dialect = new SQLiteAsyncDialect();

/** Rows of one statement, by the names it gives its columns. */
export type Rows = readonly Readonly<Record<string, unknown>>[];

/**
 * Runs statements as one transaction: all of them, or none.
 *
 * drizzle's own batch() cannot take a raw statement with parameters (0.45: "Cannot read properties of undefined"), and
 * loses one of two columns of the same name in a join.
 *
 * @throws {PatinaError} `catalog_unavailable`
 */
export async function transaction(catalog: Catalog, statements: readonly SQL[]): Promise<readonly Rows[]> {
  const results = await batch(catalog, statements);
  return results.map((result) => result.results);
}

/**
 * Runs statements as one transaction.
 *
 * @returns how many rows each of them has changed
 */
export async function changesOf(catalog: Catalog, statements: readonly SQL[]): Promise<readonly number[]> {
  const results = await batch(catalog, statements);
  return results.map(({ meta }) => meta.changes);
}

async function batch(catalog: Catalog, statements: readonly SQL[]): Promise<D1Result<Record<string, unknown>>[]> {
  if (statements.length === 0) return [];
  const prepared = statements.map((statement) => {
    const { sql, params } = dialect.sqlToQuery(statement);
    return catalog.$client.prepare(sql).bind(...params);
  });
  try {
    return await catalog.$client.batch<Record<string, unknown>>(prepared);
  } catch (cause) {
    throw unanswered(cause);
  }
}
