import type { DatabaseSync } from "node:sqlite";
import { PatinaError } from "@patina/core/error";
import type { Replacement } from "@patina/core/rules";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openEmpty } from "../corpus/build.ts";
import { asD1, dumpSource } from "./engines.ts";
import { countAgain } from "./fingerprint.ts";

/**
 * Random tables, rows and rules: a rule is refused, or its dump restores into a sound database without the secret. The
 * column to be redacted is "c"; all of its values hold the word SECRET.
 */

const replacements: readonly Replacement[] = [{ as: "null" }, { as: "text", text: "removed" }, { as: "digest" }];

const constraints = [
  ...["NOT NULL", "UNIQUE", "PRIMARY KEY", "DEFAULT 'x'", "COLLATE NOCASE", "REFERENCES parent(k)"],
  ...["CHECK(length(c) < 99)", "CHECK(c IS NOT NULL)", "CHECK(c LIKE 'SECRET%')", "CHECK(c <> a)"],
];

const others = [
  ...[
    "g AS (lower(c))",
    "g AS (c || a) STORED UNIQUE",
    "g AS (length(c)) NOT NULL",
    "g INT AS (coalesce(c, 1)) STORED",
  ],
  ...["g AS (json_array(c)) UNIQUE", "g AS (json_extract(a, '$.' || substr(c, 1, 0) || 'x'))", "g AS (c ->> '$')"],
  ...["g AS (abs(length(c) - 5)), h AS (g + 1) CHECK(h > 0)", "UNIQUE(a, c)", "CHECK(a <> 'c')"],
];

const statements = [
  ...[
    "CREATE INDEX i ON t(c)",
    "CREATE UNIQUE INDEX i ON t(lower(c))",
    "CREATE UNIQUE INDEX i ON t(a) WHERE c IS NULL",
  ],
  ...["CREATE INDEX i ON t(substr(c, 2)) WHERE length(c) > 3", "CREATE UNIQUE INDEX i ON t(c, a)"],
  ...["CREATE INDEX i ON t(json_extract(c, '$.x'))", "CREATE UNIQUE INDEX i ON t(ifnull(c, a))"],
  "CREATE TABLE child(x TEXT REFERENCES t(c), y); INSERT INTO child SELECT c, a FROM t",
  "CREATE VIRTUAL TABLE f USING fts5(c, content=t); INSERT INTO f(f) VALUES('rebuild')",
  "CREATE VIRTUAL TABLE f USING fts5(c); CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO f VALUES(new.c); END; INSERT INTO f SELECT c FROM t",
];

const databases = fc.record({
  type: fc.constantFrom("TEXT", "", "INTEGER", "BLOB", "REAL", "NUMERIC", "ANY"),
  constraints: fc.subarray(constraints, { maxLength: 2 }),
  others: fc.subarray(others, { maxLength: 1 }),
  table: fc.constantFrom("", "", "", "STRICT", "WITHOUT ROWID"),
  statements: fc.subarray(statements, { maxLength: 2 }),
  rows: fc.integer({ min: 0, max: 5 }),
  withNull: fc.boolean(),
  isJson: fc.boolean(),
});

/** A database that SQLite accepts; null for the others. */
function built(options: ReturnType<typeof databases.generate>["value_"]): DatabaseSync | null {
  const db = openEmpty();
  const columns = [`a`, `c ${options.type} ${options.constraints.join(" ")}`, ...options.others];
  const strict = options.table === "STRICT" ? columns.map((column) => column.replace(/^a$/, "a ANY")) : columns;
  try {
    db.exec("CREATE TABLE parent(k TEXT PRIMARY KEY)");
    db.exec(`CREATE TABLE t(${strict.join(", ")}) ${options.table}`);
    for (let row = 0; row < options.rows; row += 1) {
      const secret = options.isJson ? `{"x":"SECRET${row}"}` : `SECRET${row}`;
      db.exec(`INSERT INTO parent VALUES('${secret}'); INSERT INTO t(a, c) VALUES('a${row}', '${secret}')`);
    }
    if (options.withNull) db.exec("INSERT INTO t(a, c) VALUES('b', NULL)");
    for (const sql of options.statements) db.exec(sql);
    return db;
  } catch {
    db.close();
    return null;
  }
}

test("a rule is refused, or its dump restores into a sound database without the secret", async () => {
  let [applied, refused] = [0, 0];
  const rule = fc.record({
    replacement: fc.constantFrom(...replacements),
    parent: fc.constantFrom(...replacements, null),
    child: fc.constantFrom(...replacements, null),
    excludedTables: fc.subarray(["parent", "child", "f"]),
    snapshotBytes: fc.constantFrom(0, 1e9),
  });
  await fc.assert(
    fc.asyncProperty(
      databases,
      rule,
      async (database, { replacement, parent, child, excludedTables, snapshotBytes }) => {
        const db = built(database);
        if (db === null) return;
        const names = db
          .prepare("SELECT name FROM sqlite_schema")
          .all()
          .map(({ name }) => name);
        const redactions = [
          { ...replacement, table: "t", column: "c" },
          ...(parent === null ? [] : [{ ...parent, table: "parent", column: "k" }]),
          ...(child === null ? [] : [{ ...child, table: "child", column: "x" }]),
        ].filter(({ table }) => names.includes(table));
        const rules = { redactions, excludedTables: excludedTables.filter((name) => names.includes(name)) };
        const isHidden = (table: string) =>
          !names.includes(table) ||
          rules.excludedTables.includes(table) ||
          redactions.some((one) => one.table === table);
        try {
          const dumped = await dumpSource(asD1(db), snapshotBytes, { rules, redactionKey: "k".repeat(32) });
          const restored = openEmpty();
          restored.exec(dumped.sql.toString());
          expect(restored.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
          expect(restored.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
          const { tables } = dumped.summary;
          expect(await countAgain(restored)).toEqual(tables.map(({ name, columns }) => ({ name, columns })));
          const again = await dumpSource(asD1(restored), 1e9);
          expect(again.body.toString()).toBe(dumped.body.toString());
          // Definitions are carried as they are, and some here name the word.
          const rows = dumped.sql.toString().replaceAll(/^CREATE [^;]*;$/gm, "");
          if (isHidden("parent") && isHidden("child")) expect(rows).not.toMatch(/SECRET\d/);
          restored.close();
          applied += 1;
        } catch (error) {
          if (!(error instanceof PatinaError) || error.code !== "rule_refused") throw error;
          refused += 1;
        } finally {
          db.close();
        }
      },
    ),
    { numRuns: 3_000 },
  );
  expect(applied).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
}, 120_000);
