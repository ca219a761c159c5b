import fc from "fast-check";
import { expect, test } from "vitest";
import { StatementCounter } from "./statement-counter.ts";
import { splitStatements } from "./statements.ts";

const PIECES = [
  ...["SELECT 1", ";", "\n", " ", "--x", "--x;\n", "/*", "*/", "/* ; */", "**", "'", "''", '"', "`", "[", "]"],
  ...["create", "CREATE", "temp", "TEMPORARY", "trigger", "begin", "end", "END", "explain", "endx", "é", "_end"],
  ...["-", "/", "a.b", "\t", "\r\n", "$x", "END;", ";END;", "CREATE TRIGGER", "temporarytrigger"],
];

const texts = fc.array(fc.constantFrom(...PIECES), { maxLength: 16 }).map((parts) => parts.join(""));

function counted(bytes: Uint8Array, size: number): number {
  const counter = new StatementCounter();
  for (let at = 0; at < bytes.length; at += size) counter.write(bytes.subarray(at, at + size));
  return counter.count;
}

test("a counter counts as many statements as a splitter finds, however the bytes arrive", () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 20 }), (text, size) => {
      expect(counted(Buffer.from(text), size)).toBe(splitStatements(text).length);
    }),
    { numRuns: 5_000 },
  );
});

test("the semicolons of quoted text, comments and a trigger's body end nothing", () => {
  const sql = `PRAGMA foreign_keys=OFF;
-- Rows: 1; and no more
INSERT INTO "a;b"(x) VALUES ('one; two'';');
CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; SELECT CASE WHEN 1 THEN 2 END; END;
COMMIT;
`;
  expect(counted(Buffer.from(sql), sql.length)).toBe(4);
});

test("a statement that nothing ends is one more", () => {
  expect(counted(Buffer.from("SELECT 1; SELECT"), 3)).toBe(2);
});
