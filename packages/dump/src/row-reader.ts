import { PatinaError } from "@patina/core/error";
import { type Trouble, troubleQueries } from "./guard.ts";
import { longCells } from "./long-row.ts";
import { cellPiece, cellSizes, TAGGED_BYTES, taggedPage } from "./page-query.ts";
import type { Take } from "./page-room.ts";
import { type Range, rangeAt } from "./range.ts";
import type { Rows } from "./rows.ts";
import type { Table } from "./schema.ts";
import { type Query, type ResultSet, type Source, text } from "./source.ts";
import { taggedRows } from "./tagged-rows.ts";

/** How often a long row may change under its reader. */
const MAX_ATTEMPTS = 5;

/**
 * Reads one row by its key, whatever its size and whatever is wrong with it. Null when it is gone meanwhile: the fence
 * will say that there was a write.
 */
export async function readRow(
  source: Source,
  { table, key, take }: { table: Table; key: readonly string[]; take: Take },
): Promise<Extract<Rows, { kind: "row" }> | null> {
  const range = rangeAt(table, key);
  const page = await source.batch(taggedPage(table, { range, limit: 1, maxRow: TAGGED_BYTES, guarded: false }));
  const [row] = taggedRows(page, { guarded: false, take });
  if (row === undefined) return null;
  const cells = row.cells ?? (await readLongRow(source, { table, range, take }));
  return cells === null ? null : { kind: "row", cells, trouble: await troubleOf(source, { table, range }) };
}

/** A row too large for one text. Sizes and pieces are read in one batch, so that they belong to one version of it. */
async function readLongRow(source: Source, { table, range, take }: { table: Table; range: Range; take: Take }) {
  const ask = cellSizes(table, range);
  let sizes = described(await source.batch(ask));
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (sizes === null) return null;
    const long = longCells(sizes, take);
    const pieces = long.pieces.map((piece) => cellPiece(table, { ...piece, range }));
    const results = await source.batch([...ask, ...pieces]);
    const again = described(results.slice(0, ask.length));
    if (again?.join() === sizes.join()) {
      return long.assemble(results.slice(ask.length).map((piece) => text(piece.rows[0]?.[0])));
    }
    sizes = again;
  }
  throw new PatinaError("source_overloaded", `Cannot read table "${table.name}": a long row changes too often`);
}

/** The one row that cellSizes() describes, its groups together; null when there is none. */
export function described(results: readonly ResultSet[]): string[] | null {
  if (results.some(({ rows }) => rows.length === 0)) return null;
  return results.flatMap(({ rows }) => (rows[0] ?? []).map(text));
}

/** Which part of the table's guard a row does not pass. */
async function troubleOf(source: Source, { table, range }: { table: Table; range: Range }): Promise<Trouble> {
  const queries = troubleQueries(table, range);
  if (!(await passes(source, queries.generated))) return "generated";
  return (await passes(source, queries.check)) ? null : "check";
}

async function passes(source: Source, query: Query | null): Promise<boolean> {
  if (query === null) return true;
  try {
    const [result] = await source.batch([query]);
    return result?.rows[0]?.[0] !== 0;
  } catch (error) {
    if (error instanceof PatinaError && error.code === "source_failed") return false;
    throw error;
  }
}
