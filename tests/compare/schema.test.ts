import { expect, test } from "vitest";
import { openEmpty } from "../corpus/build.ts";
import { sameSql } from "./schema.ts";
import { tokens } from "./tokens.ts";
import { contentOf, parseVirtual, shadowNames } from "./virtual.ts";

test("sameSql() allows what has to end an open comment, and nothing else", () => {
  expect(sameSql("CREATE INDEX i ON t(a) -- c", "CREATE INDEX i ON t(a) -- c\n")).toBe(true);
  expect(sameSql("CREATE VIEW v AS SELECT 1 /* c", "CREATE VIEW v AS SELECT 1 /* c */")).toBe(true);
  expect(sameSql("CREATE VIEW v AS SELECT 1 /* c", "CREATE VIEW v AS SELECT 1 /* c\n*/")).toBe(true);
  for (const [left, right] of [
    ["CREATE INDEX i ON t(a)", "CREATE INDEX i ON t(a)\n"],
    ["CREATE INDEX i ON t(a) -- c\n", "CREATE INDEX i ON t(a) -- c\n\n"],
    ["CREATE INDEX i ON t(a) -- c", "CREATE INDEX i ON t(a) -- c "],
    ["CREATE INDEX i ON t(a) -- c\n", "CREATE INDEX i ON t(a) -- c"],
    ["CREATE VIEW v AS SELECT '-- c", "CREATE VIEW v AS SELECT '-- c\n"],
    ["CREATE VIEW v AS SELECT '/* c'", "CREATE VIEW v AS SELECT '/* c' */"],
    ["CREATE VIEW v AS SELECT 1 /* c", "CREATE VIEW v AS SELECT 1 /* c; */"],
    ["CREATE VIEW v AS SELECT 1 /* c */", "CREATE VIEW v AS SELECT 1 /* c */ */"],
    ["CREATE VIEW v AS SELECT 1", "create view v AS SELECT 1"],
  ] as const) {
    expect(sameSql(left, right), right).toBe(false);
  }
  expect(sameSql(null, null)).toBe(true);
  expect(sameSql(null, "")).toBe(false);
});

test("sameSql() matches what SQLite stores when an open comment is closed", () => {
  for (const [sql, end] of [
    ["CREATE INDEX i ON t(a) -- c", "\n;"],
    ["CREATE VIEW v AS SELECT 1 -- c", "\n;"],
    ["CREATE VIEW v AS SELECT 1 /* c", " */;"],
    ["CREATE INDEX i ON t(a) /* c", "*/\n;"],
  ] as const) {
    const stored = [sql, sql + end].map((statement) => {
      const database = openEmpty();
      database.exec("CREATE TABLE t(a)");
      database.prepare(statement).run();
      const row = database.prepare("SELECT sql FROM sqlite_schema WHERE name <> 't'").get();
      database.close();
      return String(row?.["sql"]);
    });
    expect(sameSql(stored[0] ?? null, stored[1] ?? null), JSON.stringify(stored)).toBe(
      sql !== "CREATE INDEX i ON t(a) /* c",
    );
  }
});

test("tokens() tells quotes and comments apart, closed or not", () => {
  const all = tokens("SELECT 'it''s -- no', \"a\"\"b\", [c]] `d` /* e 'f' */ -- g");
  expect(all.map((token) => token.text)).toEqual([
    "SELECT",
    "'it''s -- no'",
    ",",
    '"a""b"',
    ",",
    "[c]",
    "]",
    "`d`",
    "/* e 'f' */",
    "-- g",
  ]);
  expect(all.map((token) => token.closed).indexOf(false)).toBe(all.length - 1);
  expect(tokens("'open")[0]).toEqual({ kind: "quoted", text: "'open", closed: false });
});

test("parseVirtual() reads module and options whatever their quotes", () => {
  const table = parseVirtual(
    `CREATE VIRTUAL TABLE IF NOT EXISTS main."using ("  USING "FTS5" (a, "content" UNINDEXED, Content = [my "t"], columnsize=0, -- x\n tokenize="porter 'x, y'")`,
  );
  expect(table.module).toBe("fts5");
  expect(Object.fromEntries(table.options)).toEqual({ content: 'my "t"', columnsize: "0", tokenize: "porter 'x, y'" });
  expect(contentOf(table)).toBe("external");
  expect(contentOf(parseVirtual("CREATE VIRTUAL TABLE f USING fts5(content, b)"))).toBe("own");
  expect(contentOf(parseVirtual("CREATE VIRTUAL TABLE f USING fts5(a, content='')"))).toBe("none");
});

test("shadowNames() are the tables that a virtual table really makes", () => {
  for (const sql of [
    "CREATE VIRTUAL TABLE x USING fts5(a)",
    "CREATE VIRTUAL TABLE x USING fts5(a, content='')",
    "CREATE VIRTUAL TABLE x USING fts5(a, content='x_content', columnsize=0)",
    "CREATE VIRTUAL TABLE x USING fts5(a, b UNINDEXED, content='', contentless_unindexed=1, contentless_delete=1)",
    "CREATE VIRTUAL TABLE x USING rtree(id, a, b, +c)",
    "CREATE VIRTUAL TABLE x USING rtree_i32(id, a, b)",
    "CREATE VIRTUAL TABLE x USING fts5vocab(x, row)",
  ]) {
    const database = openEmpty();
    database.exec(sql);
    const made = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'x'").all();
    database.close();
    expect([...shadowNames("x", parseVirtual(sql))].sort(), sql).toEqual(made.map((row) => row["name"]).sort());
  }
});
