import { expect, test } from "vitest";
import { checksOf, closing, withoutComments } from "./definition-text.ts";

test("withoutComments() takes out comments and leaves what merely looks like one", () => {
  expect(withoutComments("a -- b\nc /* d */ e")).toBe("a  \nc   e");
  expect(withoutComments(`'--' "/*" [--] \`--\` 'it''s -- '`)).toBe(`'--' "/*" [--] \`--\` 'it''s -- '`);
});

test("closing() adds something only where a semicolon would be swallowed", () => {
  expect(closing("CREATE TABLE t(a) -- last")).toBe("\n");
  expect(closing("CREATE VIEW v AS SELECT 1 -- last")).toBe("\n");
  expect(closing("CREATE VIEW v AS SELECT 1 -- last;")).toBe(";\n");
  expect(closing("CREATE VIEW v AS SELECT 1 -- ")).toBe(";\n");
  expect(closing("CREATE VIEW v AS SELECT 1 /* open")).toBe("*/");
  expect(closing("CREATE VIEW v AS SELECT 1 /*/")).toBe("*/");
  for (const sql of [
    "CREATE TABLE t(a -- first\n, b)",
    "CREATE TABLE t(a DEFAULT '--')",
    "CREATE TABLE t(a) /* -- */",
    "CREATE TABLE t(a) -- last\n",
    "CREATE TABLE t(a DEFAULT '/*')",
  ]) {
    expect(closing(sql), sql).toBe("");
  }
});

test("checksOf() finds every CHECK, of columns and of the table, and nothing that merely looks like one", () => {
  const sql = `CREATE TABLE t(
    a INTEGER CHECK (a > 0) CONSTRAINT named CHECK(a < (1 + 2) * 3),
    "check" TEXT DEFAULT 'check (x)', -- check (comment)
    b TEXT check /* why */ ( b <> ')' AND b <> "(" ),
    checksum TEXT,
    CHECK (a IS NOT b))`;
  expect(checksOf(sql)).toEqual(["a > 0", "a < (1 + 2) * 3", " b <> ')' AND b <> \"(\" ", "a IS NOT b"]);
  expect(checksOf("CREATE TABLE t(a, unchecked, recheck TEXT)")).toEqual([]);
});
