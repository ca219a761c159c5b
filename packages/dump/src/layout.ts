import type { Content, Transfer } from "./content.ts";
import { closing } from "./definition-text.ts";
import { isEponymous, quoteName, same } from "./name.ts";
import type { Definition, Index, Schema, VirtualTable } from "./schema.ts";
import { unusedName } from "./stage.ts";
import { isContentMissing } from "./warnings.ts";

/** One piece of a dump's body. */
export type Step =
  /** Statements, with their semicolons and line feeds. */
  | { readonly kind: "statements"; readonly statements: readonly string[] }
  /** Rows, of a table that the manifest lists or of one that only the restore needs. */
  | { readonly kind: "rows"; readonly transfer: Transfer; readonly isListed: boolean }
  /** An index over another table's or view's content, to be made again. */
  | { readonly kind: "rebuild"; readonly table: VirtualTable }
  /** The end of the body. */
  | { readonly kind: "end" }
  /** A second reading of a listed table, of which nothing is written. */
  | { readonly kind: "compare"; readonly transfer: Transfer };

/** What a dump's body consists of, in order. The same schema gives the same steps. */
export function layoutOf(schema: Schema, { content, isCertain }: { content: Content; isCertain: boolean }): Step[] {
  const listed = [...content.tables, ...content.virtualTables.flatMap(({ rows }) => (rows === null ? [] : [rows]))];
  const early = parentIndexes(schema);
  return [
    statements([
      "PRAGMA defer_foreign_keys=ON",
      ...drops(schema, content),
      ...content.tables.map(({ table }) => definition(table)),
      // A foreign key points at the columns of a unique index: without it no row goes into the child.
      ...early.map(definition),
    ]),
    ...content.tables.map((transfer): Step => ({ kind: "rows", transfer, isListed: true })),
    ...(content.sequences === null ? [] : sequences(schema, content.sequences)),
    ...content.virtualTables.flatMap(virtualTable),
    statements([
      ...schema.indexes.filter((index) => !early.includes(index)).map(definition),
      ...schema.views.map(definition),
    ]),
    ...rebuilds(schema, content),
    statements(schema.triggers.map(definition)),
    ...(content.statistics === null ? [] : statistics(content.statistics)),
    { kind: "end" },
    ...(isCertain ? listed.map((transfer): Step => ({ kind: "compare", transfer })) : []),
  ];
}

function statements(list: readonly string[]): Step {
  return { kind: "statements", statements: list.map((sql) => `${sql};\n`) };
}

/** A definition as it is stored. One that ends in a comment must not swallow its semicolon. */
function definition({ sql }: Definition): string {
  return `${sql}${closing(sql)}`;
}

/** Makes room in a database that has these tables already: what depends on another goes first. */
function drops(schema: Schema, content: Content): string[] {
  const views = schema.views.map(({ name }) => name);
  const virtual = content.virtualTables.map((table) => table.definition.name).reverse();
  const tables = content.tables.map(({ target }) => target.name).reverse();
  return [
    ...views.filter((name) => !isEponymous(name)).map((name) => `DROP VIEW IF EXISTS ${quoteName(name)}`),
    ...[...virtual, ...tables]
      .filter((name) => !isEponymous(name))
      .map((name) => `DROP TABLE IF EXISTS ${quoteName(name)}`),
  ];
}

/**
 * The indexes that foreign keys need, with those before them on the same table: indexes resolve conflicts in the order
 * of their creation. All others come after the rows, which makes a restore several times faster.
 */
function parentIndexes({ indexes }: Schema): Index[] {
  const lastKeys = new Map(indexes.flatMap(({ isKey, table }, i) => (isKey ? [[table, i] as const] : [])));
  return indexes.filter(({ table }, i) => i <= (lastKeys.get(table) ?? -1));
}

/** The counters of AUTOINCREMENT, of dropped tables too. */
function sequences(schema: Schema, transfer: Transfer): Step[] {
  // sqlite_sequence exists once a table has had AUTOINCREMENT; those of the source may all be gone.
  const helper = quoteName(unusedName(schema, "patina_sequence"));
  return [
    statements([
      `CREATE TABLE IF NOT EXISTS ${helper}(id INTEGER PRIMARY KEY AUTOINCREMENT)`,
      `DROP TABLE ${helper}`,
      'DELETE FROM "sqlite_sequence"',
    ]),
    { kind: "rows", transfer, isListed: false },
  ];
}

function virtualTable({ definition: table, config, rows }: Content["virtualTables"][number]): Step[] {
  return [
    statements([definition(table)]),
    ...(config === null ? [] : [{ kind: "rows", transfer: config, isListed: false } as const]),
    ...(rows === null ? [] : [{ kind: "rows", transfer: rows, isListed: true } as const]),
  ];
}

/** The content, which may be a view, has to be there. */
function rebuilds(schema: Schema, content: Content): Step[] {
  return content.virtualTables.flatMap(({ definition: table, kind }): Step[] => {
    return kind !== "fts5-external" || isContentMissing(schema, table) ? [] : [{ kind: "rebuild", table }];
  });
}

function statistics(transfer: Transfer): Step[] {
  return [
    statements(['ANALYZE "sqlite_schema"', 'DELETE FROM "sqlite_stat1"']),
    { kind: "rows", transfer, isListed: false },
  ];
}

/** Whether rows of a table refer to rows of the same table. */
export function refersToItself(schema: Schema, table: string): boolean {
  const { parents = [] } = schema.tables.find(({ name }) => name === table) ?? {};
  return parents.some((parent) => same(parent, table));
}
