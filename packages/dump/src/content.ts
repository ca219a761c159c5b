import { hasFleetingCheck } from "./guard.ts";
import type { Target } from "./insert-writer.ts";
import { keyBeside, NO_ROW, type Schema, type Table, type VirtualTable } from "./schema.ts";
import { readColumns } from "./table-columns.ts";
import { orderTables } from "./table-order.ts";
import { type VirtualKind, virtualKind } from "./virtual-table.ts";

/** Rows to be carried over: where they are read and where they are inserted. */
export interface Transfer {
  readonly table: Table;
  readonly target: Target;
}

/** A virtual table with the rows that stand for its content. */
export interface VirtualTransfer {
  readonly definition: VirtualTable;
  readonly kind: VirtualKind;
  readonly config: Transfer | null;
  readonly rows: Transfer | null;
}

/** Everything of a database that has rows, in the order in which the dump holds it. */
export interface Content {
  readonly tables: readonly Transfer[];
  readonly cyclic: readonly string[];
  readonly sequences: Transfer | null;
  readonly virtualTables: readonly VirtualTransfer[];
  readonly statistics: Transfer | null;
}

export function contentOf(schema: Schema): Content {
  const { tables, cyclic } = orderTables(schema.tables);
  return {
    tables: tables.map(intoItself),
    cyclic,
    sequences: schema.hasSequences ? intoItself(plainTable("sqlite_sequence", ["name", "seq"])) : null,
    virtualTables: schema.virtualTables.map(virtualTransfer),
    statistics: schema.hasStatistics ? intoItself(plainTable("sqlite_stat1", ["tbl", "idx", "stat"])) : null,
  };
}

/** All transfers, for a reader that wants everything at once. */
export function transfersOf(content: Content): Transfer[] {
  const virtual = content.virtualTables.flatMap(({ config, rows }) => [config, rows]);
  return [...content.tables, content.sequences, ...virtual, content.statistics].filter((transfer) => transfer !== null);
}

function intoItself(table: Table): Transfer {
  const target = { name: table.name, columns: readColumns(table).map(({ name }) => name) };
  return { table, target: hasFleetingCheck(table) ? { ...target, isUnchecked: true } : target };
}

/** A table of SQLite's own: ordered by a rowid that is not carried over. */
function plainTable(name: string, columns: readonly string[]): Table {
  return {
    name,
    sql: "",
    columns: columns.map((column) => ({ name: column, type: "" })),
    generated: [],
    key: { by: "rowid", name: "rowid", place: "unwritten" },
    strict: false,
    parents: [],
    checks: [],
  };
}

function virtualTransfer(definition: VirtualTable): VirtualTransfer {
  const kind = virtualKind(definition);
  const { name, columns, isExcluded } = definition;
  const only = isExcluded === true ? { only: NO_ROW } : {};
  const [first] = columns;
  switch (kind) {
    case "fts5":
      return {
        definition,
        kind,
        config: ftsConfig(name),
        // An FTS5 table has a hidden column of its own name.
        rows: intoItself({
          ...plainTable(name, []),
          columns,
          key: keyBeside([name, ...columns.map((one) => one.name)]),
          ...only,
        }),
      };
    case "fts5-external":
    case "fts5-contentless":
      return { definition, kind, config: ftsConfig(name), rows: null };
    case "rtree":
      return {
        definition,
        kind,
        config: null,
        rows: intoItself({
          ...plainTable(name, []),
          columns,
          key: { by: "rowid", name: first?.name ?? "rowid", place: "column" },
          ...only,
        }),
      };
    case "fts5vocab":
    case "other":
      return { definition, kind, config: null, rows: null };
  }
}

/**
 * Settings of an FTS5 table are made by inserting a command into its column of its own name. The version is the
 * engine's and comes with the table.
 */
function ftsConfig(name: string): Transfer {
  const config: Table = {
    ...plainTable(`${name}_config`, ["k", "v"]),
    key: { by: "key", columns: [{ name: "k", collation: "BINARY", descending: false }] },
    only: "k<>'version'",
  };
  return { table: config, target: { name, columns: [name, "rank"] } };
}
