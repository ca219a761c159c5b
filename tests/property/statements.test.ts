import { DatabaseSync } from "node:sqlite";
import { StatementSplitter, splitStatements } from "@patina/dump/statements";
import fc from "fast-check";
import { expect, test } from "vitest";
import { asD1, dumpSource } from "../dump/engines.ts";
import { databases, makeDatabase } from "./databases.ts";

/**
 * The statement splitter against SQLite's own parser: sqlite3_prepare() compiles the first statement of a text and says
 * where it ends, which node:sqlite shows as `sourceSQL`. It knows the grammar, where the splitter only knows words.
 * (packages/dump/src/statements.test.ts holds the splitter to sqlite3_complete(), which knows words too.)
 */
const SEED = Number(process.env["PROPERTY_SEED"] ?? 20261120);

/** The statements of a script as SQLite cuts it, each run before the next is compiled. */
function cutBySqlite(script: string): string[] {
  const database = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: true });
  const statements: string[] = [];
  let rest = script;
  while (true) {
    const statement = prepare(database, rest);
    if (statement === null) break;
    const { sourceSQL } = statement;
    statements.push(sourceSQL);
    statement.all();
    rest = rest.slice(sourceSQL.length);
  }
  database.close();
  return statements;
}

/** The first statement of a text, compiled; null when only comments, white space and semicolons are left. */
function prepare(database: DatabaseSync, sql: string) {
  try {
    return database.prepare(sql);
  } catch (error) {
    if (error instanceof Error && error.message === "The SQL query contains no statements.") return null;
    throw error;
  }
}

/** What only stands between statements goes: the splitter leaves out comments before one, and the semicolon behind it. */
function bare(statement: string): string {
  return statement.replace(/^(?:[\s;]|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, "").replace(/;$/, "");
}

const space = fc.constantFrom(" ", "\n", "\t", "\r\n", " -- ; '\n", "/* ; */", " /* it's \" [ */ ", "\f");
const value = fc.constantFrom("1", "';'", "'it''s; --'", "'\n;\n'", "x'3b'", "'/*'", "'end'");
const name = fc.constantFrom('"a;"', "[b;]", "`c;`", '"it""s; --"', '"end"', "[trigger]", "'/*'");

/** One statement of tokens with anything between them that SQL allows. */
const statement = fc
  .oneof(
    fc.tuple(value, name).map(([a, b]) => ["SELECT", a, "AS", b, ",", "2", "AS", "[trigger]"]),
    value.map((one) => ["INSERT", "INTO", "log", "VALUES", "(", one, ")"]),
    fc.constant(["CREATE", "TEMP", "TABLE", "IF", "NOT", "EXISTS", `"create;trigger"`, "(", "a", ")"]),
    fc
      .tuple(fc.constantFrom("CREATE", "create", "CREATE TEMP", "CREATE TEMPORARY"), fc.nat({ max: 9_999 }), value)
      .map(([create, n, one]) => [
        ...create.split(" "),
        "TRIGGER",
        "IF NOT EXISTS",
        `"end; ${n}"`,
        "AFTER",
        "DELETE",
        "ON",
        "main.log",
        "BEGIN",
        "SELECT",
        "CASE",
        "WHEN",
        "1",
        "THEN",
        "2",
        "END",
        ";",
        "INSERT",
        "INTO",
        "log",
        "SELECT",
        one,
        ";",
        "END",
      ]),
    fc.constant(["EXPLAIN", "SELECT", "1"]),
    fc.constant(["EXPLAIN", "QUERY", "PLAN", "SELECT", "';'"]),
    fc.constant(["WITH", "t(a)", "AS", "(", "VALUES(1)", ")", "SELECT", "a", "FROM", "t"]),
  )
  .chain((tokens) =>
    fc
      .array(space, { minLength: tokens.length, maxLength: tokens.length })
      .map((spaces) => tokens.map((token, i) => `${token}${spaces[i]}`).join("")),
  );

const scripts = fc
  .array(fc.tuple(statement, fc.constantFrom(";", ";\n", ";;", "; -- done\n", ";/* ; */")), { maxLength: 8 })
  .map((parts) => `CREATE TABLE log(a);\n${parts.map(([sql, end]) => sql + end).join("")}`);

test("splitStatements() cuts a script where SQLite's parser does", () => {
  fc.assert(
    fc.property(scripts, (script) => {
      expect(splitStatements(script)).toEqual(cutBySqlite(script).map(bare));
    }),
    { numRuns: 2_000, seed: SEED },
  );
});

test("the dump of a random database is cut where SQLite's parser does, however it arrives", async () => {
  await fc.assert(
    fc.asyncProperty(databases, fc.integer({ min: 300, max: 70_000 }), async (steps, size) => {
      const source = makeDatabase(steps);
      const sql = (await dumpSource(asD1(source), 1e9)).sql.toString();
      source.close();
      const splitter = new StatementSplitter();
      const statements: string[] = [];
      for (let at = 0; at < sql.length; at += size) statements.push(...splitter.push(sql.slice(at, at + size)));
      expect([...statements, ...splitter.end()]).toEqual(cutBySqlite(sql).map(bare));
    }),
    { numRuns: 60, seed: SEED },
  );
}, 60_000);
