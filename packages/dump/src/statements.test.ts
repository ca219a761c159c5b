import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isComplete, StatementSplitter, splitStatements } from "./statements.ts";

const PIECES = [
  "SELECT 1",
  ";",
  "\n",
  " ",
  "--x",
  "--x\n",
  "/*",
  "*/",
  "/* ; */",
  "'",
  "''",
  '"',
  "`",
  "[",
  "]",
  "create",
  "CREATE",
  "temp",
  "TEMPORARY",
  "trigger",
  "begin",
  "end",
  "END",
  "explain",
  "endx",
  "é",
  "_end",
  "1end",
  "-",
  "/",
  "a.b",
  "\t",
  "\r\n",
  "$x",
  "END;",
];

const texts = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((parts) => parts.join(""));

test("isComplete() says of any text what SQLite's sqlite3_complete() says", () => {
  const samples = fc.sample(texts, { numRuns: 20_000, seed: 7 });
  const script =
    "import sys,json,sqlite3\nprint(json.dumps([sqlite3.complete_statement(t) for t in json.load(sys.stdin)]))";
  const python = spawnSync("python3", ["-c", script], {
    input: JSON.stringify(samples),
    encoding: "utf8",
    maxBuffer: 1e9,
  });
  if (python.status !== 0) {
    process.stderr.write("\nSKIPPED: python3, whose sqlite3 module is the oracle here, is not on this machine\n");
    return;
  }
  const oracle: boolean[] = JSON.parse(python.stdout);
  const wrong = samples.filter((sample, i) => isComplete(sample) !== oracle[i]);
  expect(wrong).toEqual([]);
  expect(oracle.filter(Boolean).length).toBeGreaterThan(500);
});

test("splitStatements() keeps triggers, quotes and comments whole", () => {
  const trigger = "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT ';'; UPDATE t SET a = 1; END";
  expect(
    splitStatements(`-- first; not\nSELECT 1;;\n ${trigger};/* ; */INSERT INTO "a;b" VALUES (';''--');\nSELECT 2 -- x`),
  ).toEqual(["SELECT 1", trigger, `INSERT INTO "a;b" VALUES (';''--')`, "SELECT 2 -- x"]);
  expect(splitStatements("  \n-- nothing\n")).toEqual([]);
});

test("StatementSplitter gives the same statements however the text arrives", () => {
  fc.assert(
    fc.property(texts, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (text, sizes) => {
      const splitter = new StatementSplitter();
      const statements: string[] = [];
      for (let at = 0, i = 0; at < text.length; i += 1) {
        const size = sizes[i % sizes.length] ?? 1;
        statements.push(...splitter.push(text.slice(at, at + size)));
        at += size;
      }
      expect([...statements, ...splitter.end()]).toEqual(splitStatements(text));
    }),
    { numRuns: 5_000 },
  );
});

test("StatementSplitter scans a long text once, not once for every piece", () => {
  const splitter = new StatementSplitter();
  const row = `INSERT INTO t VALUES ('${"x".repeat(2_000)}');\n`;
  let statements = 0;
  for (let i = 0; i < 5_000; i += 1) statements += splitter.push(row).length;
  expect(statements).toBe(5_000);
});
