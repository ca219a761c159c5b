import type { Cell } from "./literal.ts";
import type { Take } from "./page-room.ts";
import { parseCells } from "./row-line.ts";
import { MARK } from "./row-sql.ts";
import type { Rows } from "./rows.ts";
import { type ResultSet, text } from "./source.ts";

/** A row as taggedPage() gives it. */
export interface TaggedRow {
  /** The row's cells, or null where some group of them is a mark. */
  readonly cells: readonly Cell[] | null;
  /** The row's key; null for a table whose rows have none. */
  readonly key: readonly string[] | null;
  readonly passesGuard: boolean;
}

/** Puts the answers to taggedPage()'s queries together. */
export function taggedRows(
  results: readonly ResultSet[],
  { guarded, take }: { guarded: boolean; take?: Take },
): TaggedRow[] {
  const groups = guarded ? results.slice(0, -1) : results;
  const guard = guarded ? results.at(-1) : undefined;
  return (groups[0]?.rows ?? []).map(([, key], i) => {
    const parts = groups.map((group) => text(group.rows[i]?.[0]));
    return {
      cells: parts.includes(MARK) ? null : parts.flatMap((part) => parseCells(part, take)),
      key: typeof key === "string" ? key.split(",") : null,
      passesGuard: guard === undefined || Number(guard.rows[i]?.[0]) === 1,
    };
  });
}

/** A row of cells as readers hand it over. Of the guard's parts only a CHECK can be false; the others fail. */
export function wholeRow(cells: readonly Cell[], passesGuard: boolean): Extract<Rows, { kind: "row" }> {
  return { kind: "row", cells, trouble: passesGuard ? null : "check" };
}
