import fc from "fast-check";
import { distinctNames, quoted } from "./names.ts";
import { values } from "./values.ts";

const TYPES = [
  "",
  "INTEGER",
  "TEXT",
  "REAL",
  "BLOB",
  "NUMERIC",
  "ANY",
  "INT",
  "VARCHAR(10)",
  "CHARINT",
  "DOUBLE PRECISION",
  "DATETIME",
  "BOOLEAN",
  "STRING",
];
const STRICT_TYPES = ["ANY", "INTEGER", "TEXT", "REAL", "BLOB", "INT"];
const COLLATIONS = ["BINARY", "NOCASE", "RTRIM"];

/** Expressions that every SQLite computes alike: none turns a REAL into text, or text with many digits into a REAL. */
const EXPRESSIONS = [
  (c: string) => `typeof(${c})`,
  (c: string) => `${c} IS NULL`,
  (c: string) => `iif(typeof(${c})='text',lower(${c}),-1)`,
  (c: string) => `CASE WHEN typeof(${c})='real' THEN NULL ELSE ${c} END`,
  (c: string) => `(${c}) COLLATE NOCASE = 'key 4'`,
  (c: string) => `/* ) */ iif(${c} > 5, ')', "dqs") -- ,\n`,
];

/** An expression over a column that is given in quotes. */
export const expressions = fc.constantFrom(...EXPRESSIONS);

const CHECKS = [
  (c: string) => `CHECK(typeof(${c})<>'blob')`,
  (c: string) => `CONSTRAINT "a check" CHECK (${c} IS NULL OR typeof(${c})<>'integer' OR ${c} < 4000000000)`,
  (c: string) => `CHECK(${c} <> 'key '')')`,
  (c: string) => `CHECK(/* ( */ ${c} IS NOT "nothing")`,
  // Neither true nor false: NULL lets a row pass.
  (c: string) => `CHECK(NULL AND ${c})`,
];

const DEFAULTS = ["NULL", "7", "-1.5", "'it''s'", "X'00ff'", "(1+1)", "CURRENT_TIMESTAMP", "true", "('a'||char(10))"];

const column = fc.record({
  type: fc.nat({ max: TYPES.length - 1 }),
  notNull: rarely(),
  unique: rarely(),
  fallback: fc.option(fc.constantFrom(...DEFAULTS), { freq: 4 }),
  collation: fc.option(fc.constantFrom(...COLLATIONS), { freq: 4 }),
  check: fc.option(fc.constantFrom(...CHECKS), { freq: 8 }),
});

/** True once in a while. */
export function rarely(): fc.Arbitrary<boolean> {
  return fc.nat({ max: 7 }).map((n) => n === 7);
}

const keyPart = fc.record({
  place: fc.nat(),
  collation: fc.option(fc.constantFrom(...COLLATIONS), { freq: 3 }),
  descending: fc.boolean(),
});

const key = fc.oneof(
  fc.constant({ kind: "none" } as const),
  fc.record({ kind: fc.constant("rowid" as const), counted: fc.boolean() }),
  fc.record({
    kind: fc.constant("single" as const),
    type: fc.constantFrom("INT PRIMARY KEY", "TEXT PRIMARY KEY", "INTEGER PRIMARY KEY DESC", "PRIMARY KEY"),
  }),
  fc.record({
    kind: fc.constantFrom("composite" as const, "without rowid" as const, "without rowid" as const),
    parts: fc.array(keyPart, { minLength: 1, maxLength: 4 }),
  }),
);

const ACTIONS = [
  "",
  " ON DELETE CASCADE",
  " ON DELETE SET NULL ON UPDATE CASCADE",
  " DEFERRABLE INITIALLY DEFERRED",
  " ON DELETE RESTRICT",
];

/** What a table is made from. `place` numbers are taken modulo what there is to choose from. */
const recipe = fc.record({
  columnNames: distinctNames({ minLength: 6, maxLength: 6 }),
  columns: fc.array(column, { minLength: 1, maxLength: 6 }),
  /** Columns beyond those, up to D1's hundred. */
  more: fc.oneof({ weight: 40, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 90 }) }),
  key,
  strict: rarely(),
  generated: fc.array(fc.record({ stored: fc.boolean(), expression: expressions, place: fc.nat() }), { maxLength: 2 }),
  parents: fc.array(fc.record({ place: fc.nat(), action: fc.constantFrom(...ACTIONS) }), { maxLength: 2 }),
  tail: fc.constantFrom("", "", "", "\n", " -- the end", "/* ; */"),
  spacing: fc.constantFrom(" ", "  /* ( */ ", " --\n"),
  rows: fc.array(fc.array(values, { minLength: 6, maxLength: 6 }), { maxLength: 8 }),
  /** Rows beyond those: more than one page has. */
  furtherRows: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 400 }) }),
  rowids: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { freq: 3 }),
});

export const tableRecipes: fc.Arbitrary<TableRecipe> = recipe;

export type TableRecipe = typeof recipe extends fc.Arbitrary<infer T> ? T : never;

/** A table that was made, as the statements after it need to know it. */
export interface MadeTable {
  readonly name: string;
  /** Ordinary columns. */
  readonly columns: readonly MadeColumn[];
  /** Columns that a foreign key may point at. */
  readonly keyColumns: readonly string[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly withoutRowid: boolean;
  /** A name under which the rowid can be written beside the columns, if there is one. */
  readonly rowid: string | null;
  readonly strict: boolean;
  readonly create: string;
}

interface ForeignKey {
  readonly columns: readonly string[];
  readonly parent: string;
  readonly referenced: readonly string[];
  readonly action: string;
}

interface MadeColumn {
  readonly name: string;
  readonly type: string;
}

/** Writes the CREATE TABLE of a recipe. Foreign keys may point at any table of `all`, this one and later ones too. */
export function makeTable(name: string, source: TableRecipe, parents: readonly ParentTable[]): MadeTable {
  const columns = columnsOf(source);
  const definitions = columns.map((made, i) => definition(made, source.columns[i]));
  const { keyColumns, constraint } = applyKey(source, { columns, definitions });
  for (const [i, { stored, expression, place }] of source.generated.entries()) {
    const over = columns[place % columns.length] ?? { name: "", type: "" };
    const type = source.strict ? "ANY" : "";
    const kind = stored ? "STORED" : "VIRTUAL";
    definitions.push(`"generated ${i}" ${type} GENERATED ALWAYS AS (${expression(quoted(over.name))}) ${kind}`);
  }
  const foreignKeys = source.parents.flatMap<ForeignKey>(({ place, action }, i) => {
    const parent = parents[place % Math.max(1, parents.length)];
    if (parent === undefined || parent.keyColumns.length === 0) return [];
    const own = parent.keyColumns.map((_, part) => `fk ${i} ${part}`);
    return [{ columns: own, parent: parent.name, referenced: parent.keyColumns, action }];
  });
  const constraints = constraint === null ? [] : [constraint];
  for (const { columns: own, parent, referenced, action } of foreignKeys) {
    for (const one of own) definitions.push(`${quoted(one)}${source.strict ? " ANY" : ""}`);
    const list = (names: readonly string[]) => names.map(quoted).join(",");
    constraints.push(`FOREIGN KEY(${list(own)}) REFERENCES ${quoted(parent)}(${list(referenced)})${action}`);
  }
  const options = [source.key.kind === "without rowid" ? "WITHOUT ROWID" : "", source.strict ? "STRICT" : ""];
  const clause = options.filter((option) => option !== "").join(",");
  const body = [...definitions, ...constraints].join(", ");
  const taken = new Set([...columns.map((made) => made.name.toLowerCase())]);
  const withoutRowid = source.key.kind === "without rowid";
  const isAlias = source.key.kind === "rowid";
  return {
    name,
    columns,
    keyColumns,
    foreignKeys,
    withoutRowid,
    rowid: withoutRowid || isAlias ? null : (["rowid", "oid", "_rowid_"].find((one) => !taken.has(one)) ?? null),
    strict: source.strict,
    create: `CREATE TABLE${source.spacing}${quoted(name)}${source.spacing}(${body})${clause}${source.tail}`,
  };
}

/** What a foreign key needs to know of the table that it points at, which may not be made yet. */
export interface ParentTable {
  readonly name: string;
  readonly keyColumns: readonly string[];
}

/** The key that a recipe gives its table. */
export function parentOf(name: string, source: TableRecipe): ParentTable {
  return { name, keyColumns: applyKey(source, { columns: columnsOf(source), definitions: [] }).keyColumns };
}

function columnsOf({ columnNames, columns, more, strict }: TableRecipe): MadeColumn[] {
  const types = strict ? STRICT_TYPES : TYPES;
  const made = columns.map(({ type }, i) => ({ name: columnNames[i] ?? "", type: types[type % types.length] ?? "" }));
  const count = Math.max(0, more - made.length);
  const further = Array.from({ length: count }, (_, i) => ({ name: `more ${i}`, type: types[i % types.length] ?? "" }));
  return [...made, ...further];
}

function definition({ name, type }: MadeColumn, recipeOf: TableRecipe["columns"][number] | undefined): string {
  const parts = [quoted(name), type];
  if (recipeOf !== undefined) {
    if (recipeOf.notNull) parts.push("NOT NULL ON CONFLICT IGNORE");
    if (recipeOf.unique) parts.push("UNIQUE");
    if (recipeOf.fallback !== null) parts.push(`DEFAULT ${recipeOf.fallback}`);
    if (recipeOf.collation !== null) parts.push(`COLLATE ${recipeOf.collation}`);
    if (recipeOf.check !== null) parts.push(recipeOf.check(quoted(name)));
  }
  return parts.filter((part) => part !== "").join(" ");
}

/** Puts the key into the definitions, or gives it as a constraint of its own. */
function applyKey(source: TableRecipe, table: { columns: MadeColumn[]; definitions: string[] }) {
  const [first] = table.columns;
  const name = first?.name ?? "";
  switch (source.key.kind) {
    case "none":
      return { keyColumns: [], constraint: null };
    case "rowid":
      table.columns[0] = { name, type: "INTEGER" };
      table.definitions[0] = `${quoted(name)} INTEGER PRIMARY KEY${source.key.counted ? " AUTOINCREMENT" : ""}`;
      return { keyColumns: [name], constraint: null };
    case "single": {
      const [type = ""] = source.key.type.split(" PRIMARY");
      const declared = source.key.type === "PRIMARY KEY" ? "" : type;
      table.columns[0] = { name, type: source.strict && declared === "" ? "ANY" : declared };
      const prefix = source.strict && declared === "" ? "ANY " : "";
      table.definitions[0] = `${quoted(name)} ${prefix}${source.key.type}`;
      return { keyColumns: [name], constraint: null };
    }
    case "composite":
    case "without rowid": {
      const parts = source.key.parts.map(({ place, collation, descending }) => {
        const { name: part } = table.columns[place % table.columns.length] ?? { name };
        return { part, collation, descending };
      });
      const list = parts.map(({ part, collation, descending }) => {
        return `${quoted(part)}${collation === null ? "" : ` COLLATE ${collation}`}${descending ? " DESC" : ""}`;
      });
      return { keyColumns: [...new Set(parts.map(({ part }) => part))], constraint: `PRIMARY KEY(${list.join(",")})` };
    }
  }
}
