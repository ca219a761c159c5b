import { gzipSync } from "node:zlib";
import { NO_RULES, type Rules } from "@patina/core/rules";
import { preflight } from "@patina/dump/preflight";
import type { Source } from "@patina/dump/source";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { expect, test } from "vitest";
import { build, openEmpty } from "../corpus/build.ts";
import { CORPUS } from "../corpus/corpus.ts";
import { dumpSource } from "./engines.ts";

/** Warnings that depend on what rows hold, and with them on reading all of them. */
const OF_ROWS = /violate a CHECK constraint$|cannot be inserted again|refer to rows of the same table/;
/** Those that are found in a small database only. */
const OF_SMALL = /does not match its content|violate a foreign key|point at columns that are not unique/;

const UNRULED = { rules: NO_RULES, hasKey: false };
const named = CORPUS.map((entry) => [entry.name, entry] as const);

test.each(named)("%s: preflight gives the dump's warnings, rows and mode before it", async (_, entry) => {
  const file = build(entry);
  const source = sqliteSource(file);
  const [small, large] = [
    await preflight(source, { ...UNRULED, snapshotBytes: 1e9 }),
    await preflight(source, { ...UNRULED, snapshotBytes: -1 }),
  ];
  const { summary } = await dumpSource(source, 1e9);
  const expected = summary.warnings.filter((warning) => !OF_ROWS.test(warning));
  expect(small.warnings).toEqual(expected);
  expect(large.warnings).toEqual(expected.filter((warning) => !OF_SMALL.test(warning)));
  expect([small.mode, large.mode]).toEqual(["snapshot", "paged"]);
  expect(small.tables).toEqual(summary.tables.map(({ name, rows }) => ({ name, rows, isExact: true })));
  expect(small.rows).toBe(summary.rows);
  for (const table of large.tables) {
    const { rows } = small.tables.find(({ name }) => name === table.name) ?? { rows: 0 };
    if (table.isExact) expect(table.rows).toBe(rows);
    else expect(table.rows).toBeGreaterThanOrEqual(rows);
  }
  expect([small.overLimits, small.refusal]).toEqual([[], null]);
  file.close();
});

test("preflight foretells the stored size of even rows, reading few of them", async () => {
  const db = openEmpty();
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price REAL)");
  db.exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<30000)
    INSERT INTO t SELECT n, 'name ' || (n * 7919 % 10007), (n * 31 % 997) / 100.0 FROM n`);
  const source = sqliteSource(db);
  let asked = 0;
  const counting: Source = {
    async batch(queries) {
      asked += queries.length;
      return await source.batch(queries);
    },
  };
  const found = await preflight(counting, { ...UNRULED, snapshotBytes: 0 });
  const stored = gzipSync((await dumpSource(source, 0)).sql, { level: 1 }).length;
  expect(found.tables).toEqual([{ name: "t", rows: 30_000, isExact: false }]);
  expect(found.rowsRead).toBe(30_000);
  expect(found.storedBytes).toBeGreaterThan(0.5 * stored);
  expect(found.storedBytes).toBeLessThan(2 * stored);
  expect(asked).toBeLessThan(25);
});

test("preflight says why rules do not apply, and looks at the rest all the same", async () => {
  const db = openEmpty();
  db.exec("CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT NOT NULL); INSERT INTO users VALUES(1, 'a')");
  const source = sqliteSource(db);
  const rules = (redactions: Rules["redactions"]): Rules => ({ redactions, excludedTables: [] });
  const refusal = async (redactions: Rules["redactions"], hasKey = false) =>
    (await preflight(source, { rules: rules(redactions), hasKey })).refusal;
  const email = { table: "users", column: "email" };
  expect(await refusal([{ ...email, as: "null" }])).toMatchObject({ code: "rule_refused" });
  expect(await refusal([{ ...email, column: "phone", as: "null" }])).toMatchObject({ code: "rule_outdated" });
  expect(await refusal([{ ...email, as: "digest" }])).toMatchObject({ code: "redaction_key_missing" });
  expect(await refusal([{ ...email, as: "digest" }], true)).toBeNull();
  const found = await preflight(source, { rules: { redactions: [], excludedTables: ["users"] }, hasKey: false });
  expect(found).toMatchObject({ refusal: null, rows: 0 });
});

test("preflight names what D1 would not take back", async () => {
  const db = openEmpty();
  const names = Array.from({ length: 101 }, (_, i) => `c${i}`);
  db.exec(`CREATE TABLE wide(${names.join(",")})`);
  db.exec(`CREATE VIEW long AS SELECT 1 /* ${"x".repeat(100_000)} */`);
  const { overLimits } = await preflight(sqliteSource(db), UNRULED);
  expect(overLimits).toEqual([
    "The definition of 'long' is longer than the 100,000 bytes of a statement in D1",
    "Table 'wide' has more than the 100 columns of a table in D1",
  ]);
});
