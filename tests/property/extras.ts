import fc from "fast-check";
import { quoted } from "./names.ts";
import { mark, type Step } from "./rows.ts";
import { expressions, type MadeTable, rarely } from "./tables.ts";
import { NULL, type Value, values } from "./values.ts";

/** What a database has besides tables. Each recipe is turned into statements over the tables that there are. */

const place = fc.record({ table: fc.nat(), column: fc.nat(), other: fc.nat() });
type Place = typeof place extends fc.Arbitrary<infer T> ? T : never;

/** The table and two of its columns, in quotes, that a recipe means. */
function chosen(tables: readonly MadeTable[], at: Place) {
  const table = tables[at.table % tables.length];
  const columns = table?.columns.map(({ name }) => quoted(name)) ?? [];
  const column = (n: number) => columns[n % Math.max(1, columns.length)] ?? "NULL";
  return { table, name: quoted(table?.name ?? ""), a: column(at.column), b: column(at.other) };
}

export const indexRecipes = fc.record({
  at: place,
  unique: rarely(),
  expression: fc.option(expressions, { freq: 3 }),
  collation: fc.constantFrom("", " COLLATE NOCASE", " COLLATE RTRIM"),
  descending: fc.boolean(),
  partial: fc.option(fc.constantFrom("IS NOT NULL", "> 3", "<> 'x; y'"), { freq: 3 }),
});
type IndexRecipe = typeof indexRecipes extends fc.Arbitrary<infer T> ? T : never;

export function indexStep(name: string, recipe: IndexRecipe, tables: readonly MadeTable[]): Step {
  const { name: table, a, b } = chosen(tables, recipe.at);
  const parts = [`${a}${recipe.collation}${recipe.descending ? " DESC" : ""}`];
  if (recipe.expression !== null) parts.push(`(${recipe.expression(b)})`);
  const where = recipe.partial === null ? "" : ` WHERE ${b} ${recipe.partial}`;
  return {
    sql: `CREATE ${recipe.unique ? "UNIQUE " : ""}INDEX ${quoted(name)} ON ${table}(${parts.join(",")})${where}`,
  };
}

export const viewRecipes = fc.record({ at: place, kind: fc.nat({ max: 3 }), early: fc.boolean() });
type ViewRecipe = typeof viewRecipes extends fc.Arbitrary<infer T> ? T : never;

/** A view over a table, over an earlier view, or over nothing that exists. */
export function viewStep(
  name: string,
  recipe: ViewRecipe,
  all: { tables: readonly MadeTable[]; views: readonly string[] },
): Step {
  const { name: table, a, b } = chosen(all.tables, recipe.at);
  const earlier = quoted(all.views[recipe.at.other % Math.max(1, all.views.length)] ?? "nowhere");
  const head = `CREATE VIEW ${quoted(name)}`;
  switch (recipe.kind) {
    case 0:
      return { sql: `${head} AS SELECT ${a} AS x, ${b} AS y FROM ${table} WHERE typeof(${a})='text' -- ;` };
    case 1:
      return { sql: `${head}("a;b", y) AS SELECT count(*), typeof(${b}) FROM ${table} GROUP BY 2` };
    case 2:
      return { sql: `${head} AS SELECT * FROM ${earlier}` };
    default:
      return { sql: `${head} AS SELECT x FROM "not there yet"` };
  }
}

export const triggerRecipes = fc.record({ at: place, kind: fc.nat({ max: 4 }), target: fc.nat() });
type TriggerRecipe = typeof triggerRecipes extends fc.Arbitrary<infer T> ? T : never;

/** A trigger that would change, refuse or lose rows, did it fire while a dump is restored. */
export function triggerStep(
  name: string,
  recipe: TriggerRecipe,
  all: { tables: readonly MadeTable[]; views: readonly string[] },
): Step {
  const { name: table, a } = chosen(all.tables, recipe.at);
  const { name: target } = chosen(all.tables, { ...recipe.at, table: recipe.target });
  const view = quoted(all.views[recipe.target % Math.max(1, all.views.length)] ?? "nowhere");
  const head = `CREATE TRIGGER ${quoted(name)}`;
  switch (recipe.kind) {
    case 0:
      return { sql: `${head} AFTER INSERT ON ${table} BEGIN DELETE FROM ${target}; SELECT 'END;'; END` };
    case 1:
      return { sql: `${head} BEFORE INSERT ON ${table} WHEN new.${a} IS NOT NULL BEGIN SELECT RAISE(IGNORE); end` };
    case 2:
      return { sql: `${head} BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'never; END'); END -- x` };
    case 3:
      return {
        sql: `${head} AFTER UPDATE OF ${a} ON ${table} BEGIN UPDATE ${table} SET ${a} = CASE WHEN 1 THEN 2 END; END`,
      };
    default:
      return { sql: `${head} INSTEAD OF INSERT ON ${view} BEGIN DELETE FROM ${target}; END` };
  }
}

export const changeRecipes = fc.record({ at: place, kind: fc.nat({ max: 9 }), value: values, to: fc.nat({ max: 99 }) });
type ChangeRecipe = typeof changeRecipes extends fc.Arbitrary<infer T> ? T : never;

/** Something that happens to a table once it has rows. */
export function changeStep(recipe: ChangeRecipe, tables: readonly MadeTable[]): Step {
  const { name, a, b } = chosen(tables, recipe.at);
  const added = quoted(`added ${recipe.to}`);
  switch (recipe.kind) {
    case 0:
      return { sql: `DELETE FROM ${name} WHERE typeof(${a})='integer'` };
    case 1:
      return { sql: `UPDATE OR IGNORE ${name} SET ${a} = ${mark(recipe.value)}`, values: [recipe.value] };
    case 2:
      return { sql: `ALTER TABLE ${name} ADD COLUMN ${added} REAL DEFAULT 2` };
    case 3:
      return { sql: `ALTER TABLE ${name} ADD COLUMN ${added} ANY AS (abs(${a})) VIRTUAL` };
    case 4:
      return { sql: `ALTER TABLE ${name} RENAME COLUMN ${b} TO ${added}` };
    case 5:
      return { sql: `ALTER TABLE ${name} RENAME TO ${quoted(`renamed ${recipe.to}`)}` };
    case 6:
      return { sql: `ALTER TABLE ${name} DROP COLUMN ${b}` };
    case 7:
      return { sql: `DROP TABLE ${name}` };
    case 8:
      return { sql: "ANALYZE" };
    default:
      return { sql: `DELETE FROM ${name}` };
  }
}

/** No REAL: the words of a search index are its text, which is each engine's own. */
const indexed = values.map((value): Value => (value.kind === "real" ? NULL : value));

export const virtualRecipes = fc.record({
  at: place,
  kind: fc.nat({ max: 2 }),
  tokenize: fc.constantFrom("", ", tokenize='porter ascii'", ", prefix='2 3'", ", detail=none", ", columnsize=0"),
  rows: fc.array(fc.tuple(indexed, indexed), { maxLength: 4 }),
});
type VirtualRecipe = typeof virtualRecipes extends fc.Arbitrary<infer T> ? T : never;

/** A search index with text of its own or over a table, or an R*Tree; with its rows. */
export function virtualSteps(name: string, recipe: VirtualRecipe, tables: readonly MadeTable[]): Step[] {
  const { name: table, a } = chosen(tables, recipe.at);
  const head = `CREATE VIRTUAL TABLE ${quoted(name)} USING`;
  const columns = `body, "b c" UNINDEXED`;
  switch (recipe.kind) {
    case 0:
      return [
        { sql: `${head} fts5(${columns}${recipe.tokenize})` },
        ...recipe.rows.map((row) => ({
          sql: `INSERT INTO ${quoted(name)} VALUES(${row.map(mark).join(",")})`,
          values: row,
        })),
        { sql: `INSERT INTO ${quoted(name)}(${quoted(name)}, rank) VALUES('automerge', 3)` },
        { sql: `DELETE FROM ${quoted(name)} WHERE rowid = 2` },
      ];
    case 1:
      return [
        {
          sql: `${head} fts5(${a}, content='${table.slice(1, -1).replaceAll('""', '"').replaceAll("'", "''")}'${recipe.tokenize})`,
        },
        { sql: `INSERT INTO ${quoted(name)}(${quoted(name)}) VALUES('rebuild')` },
      ];
    default:
      return [
        { sql: `${head} rtree(id, x0, x1, +note)` },
        { sql: `INSERT INTO ${quoted(name)} VALUES(1, -1.5, 2.25, 'it''s'), (-9, 0.1, 7e10, NULL)` },
      ];
  }
}
