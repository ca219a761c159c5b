import type { DatabaseSync } from "node:sqlite";
import { quoteName } from "@patina/dump/name";

/** How the rows of one table differ. A row is known by its key. */
export interface RowDiff {
  readonly table: string;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Some of the rows, as SQL literals. */
  readonly rows: readonly ChangedRow[];
  /** Without differences in columns, rows whose digests differ must differ somehow. */
  readonly hasSameColumns: boolean;
}

export interface ChangedRow {
  readonly change: "added" | "removed" | "changed";
  /** The key's columns and the literals of their values. */
  readonly key: Readonly<Record<string, string>>;
  /** Columns that differ, with their literals: null where the row does not exist. */
  readonly before: Readonly<Record<string, string>> | null;
  readonly after: Readonly<Record<string, string>> | null;
}

/** Names under which the two databases are attached. */
const OLD = "old_backup";
const NEW = "new_backup";

/** Opens two databases side by side, in a connection that holds nothing else. */
export function attach(db: DatabaseSync, { before, after }: { before: string; after: string }): void {
  db.prepare(`ATTACH ? AS ${OLD}`).run(before);
  db.prepare(`ATTACH ? AS ${NEW}`).run(after);
}

/**
 * Compares the rows of a table that both databases have, by every byte and type of the columns that both have.
 *
 * @param limit how many rows of each kind of change are told
 * @returns null when rows have nothing to be known by: their table hides the rowid, or it has other key columns now
 */
export function diffRows(db: DatabaseSync, { table, limit }: { table: string; limit: number }): RowDiff | null {
  const old = columnsOf(db, { database: OLD, table });
  const now = columnsOf(db, { database: NEW, table });
  const key = keyOf(old);
  const hasSameColumns = JSON.stringify(old) === JSON.stringify(now);
  if (key === null || JSON.stringify(key) !== JSON.stringify(keyOf(now))) return null;
  const names = now.map(({ name }) => name).filter((name) => !key.includes(name));
  const shared = names.filter((name) => old.some((column) => column.name === name));
  const sides = { old: `${OLD}.${quoteName(table)}`, now: `${NEW}.${quoteName(table)}` };
  const onKey = key.map((name) => `o.${quoteName(name)} IS n.${quoteName(name)}`).join(" AND ");
  const isOther = shared.map((name) => differs(quoteName(name))).join(" OR ") || "0";
  const only = (one: "o" | "n", [here, there]: [string, string]) =>
    `FROM ${here} AS ${one} WHERE NOT EXISTS (SELECT 1 FROM ${there} AS ${one === "o" ? "n" : "o"} WHERE ${onKey})`;
  const parts = {
    added: only("n", [sides.now, sides.old]),
    removed: only("o", [sides.old, sides.now]),
    changed: `FROM ${sides.old} AS o JOIN ${sides.now} AS n ON ${onKey} WHERE ${isOther}`,
  };
  const count = (from: string) => Number(db.prepare(`SELECT count(*) AS rows ${from}`).get()?.["rows"]);
  const literals = (side: "o" | "n", columns: readonly string[], from: string) => {
    if (columns.length === 0)
      return db
        .prepare(`SELECT 1 ${from} LIMIT ${limit}`)
        .all()
        .map(() => ({}));
    const list = columns.map((name, i) => `quote(${side}.${quoteName(name)}) AS c${i}`).join(",");
    const rows = db.prepare(`SELECT ${list} ${from} LIMIT ${limit}`).all();
    return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, String(row[`c${i}`])])));
  };
  const oldNames = old.map(({ name }) => name).filter((name) => !key.includes(name));
  return {
    table,
    hasSameColumns,
    added: count(parts.added),
    removed: count(parts.removed),
    changed: count(parts.changed),
    rows: [
      ...pair(literals("n", key, parts.added), literals("n", names, parts.added)).map(([id, after]) => ({
        change: "added" as const,
        key: id,
        before: null,
        after,
      })),
      ...pair(literals("o", key, parts.removed), literals("o", oldNames, parts.removed)).map(([id, before]) => ({
        change: "removed" as const,
        key: id,
        before,
        after: null,
      })),
      ...changedRows(literals("o", key, parts.changed), {
        before: literals("o", shared, parts.changed),
        after: literals("n", shared, parts.changed),
      }),
    ],
  };
}

type Literals = Readonly<Record<string, string>>;

function pair(keys: readonly Literals[], values: readonly Literals[]): (readonly [Literals, Literals])[] {
  return keys.map((key, i) => [key, values[i] ?? {}] as const);
}

/** Of a changed row only the columns that differ. */
function changedRows(keys: readonly Literals[], sides: { before: Literals[]; after: Literals[] }): ChangedRow[] {
  return keys.map((key, i) => {
    const before = sides.before[i] ?? {};
    const after = sides.after[i] ?? {};
    const differing = Object.keys(after).filter((name) => before[name] !== after[name]);
    const only = (literals: Literals) => Object.fromEntries(differing.map((name) => [name, literals[name] ?? "NULL"]));
    return { change: "changed", key, before: only(before), after: only(after) };
  });
}

/** Whether a column's values differ in type or in any byte: a collation would call other texts equal. */
function differs(name: string): string {
  return `(typeof(o.${name})<>typeof(n.${name}) OR CAST(o.${name} AS BLOB) IS NOT CAST(n.${name} AS BLOB) OR quote(o.${name})<>quote(n.${name}))`;
}

interface Column {
  readonly name: string;
  /** Place in the primary key from 1 on; 0 when it is not in it. */
  readonly pk: number;
}

function columnsOf(db: DatabaseSync, { database, table }: { database: string; table: string }): Column[] {
  return db
    .prepare(`PRAGMA ${database}.table_xinfo(${quoteName(table)})`)
    .all()
    .filter((row) => row["hidden"] === 0)
    .map((row) => ({ name: String(row["name"]), pk: Number(row["pk"]) }));
}

/** The columns that a row is known by: those of the primary key, else the rowid under a name that no column hides. */
function keyOf(columns: readonly Column[]): string[] | null {
  const key = columns.filter(({ pk }) => pk > 0).sort((one, other) => one.pk - other.pk);
  if (key.length > 0) return key.map(({ name }) => name);
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const rowid = ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
  return rowid === undefined ? null : [rowid];
}
