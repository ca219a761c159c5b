import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import {
  changeRecipes,
  changeStep,
  indexRecipes,
  indexStep,
  triggerRecipes,
  triggerStep,
  viewRecipes,
  viewStep,
  virtualRecipes,
  virtualSteps,
} from "./extras.ts";
import { distinctNames, quoted } from "./names.ts";
import { inserts, type Step } from "./rows.ts";
import { makeTable, parentOf, rarely, tableRecipes } from "./tables.ts";
import type { Value } from "./values.ts";

const recipe = fc.record({
  names: distinctNames({ minLength: 16, maxLength: 16 }),
  tables: fc.array(tableRecipes, { minLength: 1, maxLength: 4 }),
  indexes: fc.array(indexRecipes, { maxLength: 3 }),
  views: fc.array(viewRecipes, { maxLength: 3 }),
  triggers: fc.array(triggerRecipes, { maxLength: 3 }),
  virtual: fc.array(virtualRecipes, { maxLength: 1 }),
  changes: fc.array(changeRecipes, { maxLength: 3 }),
  /** Whether rows that violate a CHECK get in. */
  unchecked: rarely(),
});

/** The statements that make a random database. SQLite may refuse some of them. */
export const databases: fc.Arbitrary<readonly Step[]> = recipe.map((source) => {
  const names = source.names[Symbol.iterator]();
  const next = () => names.next().value ?? "";
  const planned = source.tables.map((table) => ({ table, parent: parentOf(next(), table) }));
  const parents = planned.map(({ parent }) => parent);
  const tables = planned.map(({ table, parent }) => ({ recipe: table, made: makeTable(parent.name, table, parents) }));
  const all = tables.map(({ made }) => made);
  const rows = tables.flatMap((table) => inserts(table.made, table.recipe));
  const views: string[] = [];
  const viewSteps = source.views.map((view) => {
    const name = next();
    const step = viewStep(name, view, { tables: all, views });
    views.push(name);
    return { early: view.early, step };
  });
  const virtual = source.virtual.flatMap((table) => virtualSteps(next(), table, all));
  return [
    ...all.map(({ create }) => ({ sql: create })),
    ...source.indexes.map((index) => indexStep(next(), index, all)),
    ...viewSteps.filter(({ early }) => early).map(({ step }) => step),
    ...rows,
    ...source.changes.map((change) => changeStep(change, all)),
    { sql: `PRAGMA ignore_check_constraints=${source.unchecked ? "ON" : "OFF"}` },
    // Once more, because a row may refer to one of a later table.
    ...rows.slice(0, 40),
    { sql: "PRAGMA ignore_check_constraints=OFF" },
    ...viewSteps.filter(({ early }) => !early).map(({ step }) => step),
    ...virtual,
    ...source.triggers.map((trigger) => triggerStep(next(), trigger, { tables: all, views })),
  ];
});

/** Makes the database in memory. Refused statements are left out: what remains is what SQLite calls legal. */
export function makeDatabase(steps: readonly Step[]): DatabaseSync {
  const database = new DatabaseSync(":memory:", {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  });
  for (const { sql, values = [] } of steps) {
    try {
      database.prepare(sql).run(...values.map(bound));
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }
  removeOrphans(database);
  return database;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR";
}

function bound(value: Value) {
  switch (value.kind) {
    case "null":
      return null;
    case "integer":
    case "real":
      return value.value;
    case "text":
    case "blob":
      return value.bytes;
  }
}

/** Deletes rows that violate a foreign key, which D1 would not have let in. */
function removeOrphans(database: DatabaseSync): void {
  for (let round = 0; round < 20; round += 1) {
    const found = violations(database);
    if (found.length === 0) return;
    for (const { table, rowid } of found) {
      // Without a rowid, or with one that a column hides, a row cannot be named: then all have to go.
      const only = rowid === null || round > 5 ? "" : `WHERE rowid = ${rowid}`;
      database.exec(`DELETE FROM main.${quoted(table)} ${only}`);
    }
  }
}

function violations(database: DatabaseSync): { table: string; rowid: unknown }[] {
  try {
    const check = database.prepare("PRAGMA foreign_key_check");
    check.setReadBigInts(true);
    return check.all().map((row) => ({ table: String(row["table"]), rowid: row["rowid"] }));
  } catch {
    // A key over columns that are not unique cannot be checked; the dump has a warning for it.
    return [];
  }
}
