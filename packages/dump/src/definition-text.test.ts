import { expect, test } from "vitest";
import { endsInComment, withoutComments } from "./definition-text.ts";

test("withoutComments() takes out comments and leaves what merely looks like one", () => {
  expect(withoutComments("a -- b\nc /* d */ e")).toBe("a  \nc   e");
  expect(withoutComments(`'--' "/*" [--] \`--\` 'it''s -- '`)).toBe(`'--' "/*" [--] \`--\` 'it''s -- '`);
});

test("endsInComment() is true only where a semicolon would be swallowed", () => {
  expect(endsInComment("CREATE TABLE t(a) -- last")).toBe(true);
  expect(endsInComment("CREATE TABLE t(a -- first\n, b)")).toBe(false);
  expect(endsInComment("CREATE TABLE t(a DEFAULT '--')")).toBe(false);
  expect(endsInComment("CREATE TABLE t(a) /* -- */")).toBe(false);
  expect(endsInComment("CREATE TABLE t(a) -- last\n")).toBe(false);
});
