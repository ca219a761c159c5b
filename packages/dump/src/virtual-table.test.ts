import { expect, test } from "vitest";
import { contentTable, shadowNames, virtualKind } from "./virtual-table.ts";

function kind(sql: string): string {
  return virtualKind({ name: "f", sql });
}

test("virtualKind() tells the three kinds of FTS5 by their content option", () => {
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(title, body)")).toBe("fts5");
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(title, content='posts', content_rowid='id')")).toBe("fts5-external");
  expect(kind('create virtual table f using FTS5(title, Content = "my posts")')).toBe("fts5-external");
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(title, content=posts)")).toBe("fts5-external");
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(title, content='')")).toBe("fts5-contentless");
  expect(kind('CREATE VIRTUAL TABLE f USING fts5(title, content="", contentless_delete=1)')).toBe("fts5-contentless");
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(title, content=)")).toBe("fts5-contentless");
});

test("virtualKind() is not misled by columns, options and comments that merely mention content", () => {
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(content, tokenize = \"unicode61 tokenchars '-,content='\")")).toBe(
    "fts5",
  );
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(a /* , content='x' */, b -- content=''\n)")).toBe("fts5");
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(contentful, prefix='2 3')")).toBe("fts5");
});

test("virtualKind() knows an option by its beginning, as FTS5 does, and by the first that begins so", () => {
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(title, c='')")).toBe("fts5-contentless");
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(title, CONT=posts, content_r=id)")).toBe("fts5-external");
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(title, content_=0)")).toBe("fts5");
  expect(kind("CREATE VIRTUAL TABLE f USING fts5(title, col=0, p='2', t=ascii, d=none)")).toBe("fts5");
});

test("virtualKind() reads a module's name in any quotes", () => {
  for (const module of ['"fts5"', " [FTS5] ", "`fts5`", "'fts5'"]) {
    expect(kind(`CREATE VIRTUAL TABLE "f"USING${module}(a)`), module).toBe("fts5");
  }
});

test("virtualKind() reads any way to write a name", () => {
  for (const name of ["f", '"a ""b"" using fts5(x)"', "[a b]", "`a``b`", "'f'", "IF NOT EXISTS f", "main"]) {
    expect(kind(`CREATE VIRTUAL TABLE ${name} USING fts5(a)`), name).toBe("fts5");
  }
  expect(kind("CREATE VIRTUAL TABLE\n\tf\n\tUSING\n\tfts5\n(\na\n)\n")).toBe("fts5");
});

test("virtualKind() knows the other modules of D1", () => {
  expect(kind("CREATE VIRTUAL TABLE f USING fts5vocab(posts, 'row')")).toBe("fts5vocab");
  expect(kind("CREATE VIRTUAL TABLE f USING rtree(id, x0, x1)")).toBe("rtree");
  expect(kind("CREATE VIRTUAL TABLE f USING rtree_i32(id, x0, x1, +label TEXT)")).toBe("rtree");
  expect(kind("CREATE VIRTUAL TABLE f USING fts4(a)")).toBe("other");
});

test("shadowNames() are the tables that come with a virtual table, and no user's that looks like one", () => {
  const names = (sql: string) =>
    shadowNames({ name: "f", sql })
      .map((name) => name.slice(2))
      .sort();
  expect(names("CREATE VIRTUAL TABLE f USING fts5(a)")).toEqual(["config", "content", "data", "docsize", "idx"]);
  expect(names("CREATE VIRTUAL TABLE f USING fts5(a, content=t)")).toEqual(["config", "data", "docsize", "idx"]);
  expect(names("CREATE VIRTUAL TABLE f USING fts5(a, col=0)")).toEqual(["config", "content", "data", "idx"]);
  expect(names("CREATE VIRTUAL TABLE f USING fts5(a, columnsize=0)")).toEqual(["config", "content", "data", "idx"]);
  expect(names("CREATE VIRTUAL TABLE f USING rtree(id, a, b)")).toEqual(["node", "parent", "rowid"]);
  expect(names("CREATE VIRTUAL TABLE f USING fts4(a)")).toEqual(["content", "docsize", "segdir", "segments", "stat"]);
  expect(names("CREATE VIRTUAL TABLE f USING fts5vocab(t, 'row')")).toEqual([]);
});

test("contentTable() is the name without its quotes", () => {
  const content = (value: string) =>
    contentTable({ name: "f", sql: `CREATE VIRTUAL TABLE f USING fts5(a, content=${value})` });
  expect([`'my posts'`, `"it""s"`, "posts", "[a b]", "''"].map(content)).toEqual([
    "my posts",
    'it"s',
    "posts",
    "a b",
    null,
  ]);
});
