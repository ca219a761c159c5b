import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { store, write } from "./bucket-folder.ts";
import { patina, start, testFolder } from "./command.ts";
import { large, SHOP } from "./databases.ts";

const folder = testFolder();
const bucket = join(folder, "bucket");
const scratch = join(folder, "tmp");
const DAY = { kind: "daily", date: "2026-11-20" } as const;
const LATER = [
  ...SHOP,
  "DROP INDEX orders_by_customer",
  "CREATE INDEX orders_by_total ON orders(total)",
  "DROP VIEW totals",
  "CREATE VIEW totals AS SELECT sum(total) AS total FROM orders",
  "ALTER TABLE customers ADD COLUMN email TEXT",
  "UPDATE orders SET total = 10 WHERE id = 1",
  "DELETE FROM orders WHERE id = 2",
  "INSERT INTO orders(customer, total) VALUES (3, NULL)",
];

beforeAll(async () => {
  await store(bucket, { ref: { ...DAY, date: "2026-11-19", database: "shop" }, sql: SHOP });
  await store(bucket, { ref: { ...DAY, database: "shop" }, sql: LATER });
  await store(bucket, { ref: { ...DAY, date: "2026-11-18", database: "shop" }, sql: SHOP });
  write(join(scratch, ".keep"), "");
});

/** Nothing may stay in the folder for temporary files. */
function expectNoScratch(): void {
  expect(readdirSync(scratch)).toEqual([".keep"]);
}

function run(args: readonly string[], cwd = folder) {
  return patina([...args, "--source", bucket], { cwd, env: { TMPDIR: scratch } });
}

test("patina query answers from a backup and leaves nothing behind", async () => {
  const { exit, out, err } = await run([
    "query",
    "shop@2026-11-19",
    "SELECT name, count(*) AS orders FROM orders JOIN customers c ON c.id = customer GROUP BY 1 ORDER BY 1",
  ]);
  expect(exit, err).toBe(0);
  expect(out).toBe("name\torders\nAda\t2\nGrace\t1\n");
  expect(err).toContain("2 rows.");
  expectNoScratch();
});

test("patina query gives every value as it is, in JSON too", async () => {
  const sql = "SELECT 9007199254740993 AS i, 1e300 AS r, NULL AS n, x'00FF' AS b, 'it''s' || char(10) AS t";
  const { out } = await run(["query", "shop@2026-11-19", sql, "--json"]);
  expect(JSON.parse(out)).toEqual({
    columns: ["i", "r", "n", "b", "t"],
    rows: [["9007199254740993", 1e300, null, "X'00FF'", "it's\n"]],
  });
});

test("patina query --table reads only that table", async () => {
  const one = await run(["query", "shop", "SELECT count(*) AS n FROM customers", "--table", "customers"]);
  expect(one.out).toBe("n\n3\n");
  const other = await run(["query", "shop", "SELECT count(*) FROM orders", "--table", "customers"]);
  expect(other).toMatchObject({ exit: 2, err: expect.stringContaining("no such table: orders") });
  expectNoScratch();
});

test("patina query changes nothing", async () => {
  const sneaky = "WITH old AS (SELECT 1) DELETE FROM orders";
  const { exit, err, out } = await run(["query", "shop", sneaky]);
  expect({ exit, out }).toEqual({ exit: 2, out: "" });
  expect(err).toContain("attempt to write a readonly database");
});

test.each([
  ["what makes a file", "ATTACH 'made.sqlite' AS made", "it does not only read"],
  [
    "what makes a file, behind a comment",
    "/* SELECT */ -- SELECT\n VACUUM INTO 'made.sqlite'",
    "it does not only read",
  ],
  ["what writes", "DELETE FROM orders", "it does not only read"],
  ["a second statement", "SELECT 1; SELECT 2", "it is more than one statement"],
  ["nothing", " ", "it does not only read"],
])("patina query refuses %s", async (_, sql, sentence) => {
  const here = mkdtempSync(join(folder, "here-"));
  expect(await run(["query", "shop", sql], here)).toMatchObject({
    exit: 2,
    out: "",
    err: expect.stringContaining(sentence),
  });
  expect(readdirSync(here)).toEqual([]);
  expectNoScratch();
});

test("patina query takes one statement with comments around it", async () => {
  const sql = "/* how many? */ -- all\n SELECT count(*) AS n FROM customers; -- that is all";
  expect(await run(["query", "shop", sql])).toMatchObject({ exit: 0, out: "n\n3\n" });
});

test("patina diff tells what changed: definitions, then rows by their key", async () => {
  const { exit, out, err } = await run(["diff", "shop@2026-11-19", "shop@2026-11-20"]);
  expect(exit, err).toBe(4);
  expect(out).toBe(`From shop@2026-11-19 to shop@2026-11-20:
+ index orders_by_total
- index orders_by_customer
~ table customers
    - CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL)
    + CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT)
~ view totals
    - CREATE VIEW totals AS SELECT customer, sum(total) AS total FROM orders GROUP BY customer
    + CREATE VIEW totals AS SELECT sum(total) AS total FROM orders
~ table orders: 1 added, 1 removed, 1 changed
    + id=4: customer=3, total=NULL
    - id=2: customer=1, total=0.1
    ~ id=1: total: 9.99 -> 10.0
~ table audit: 1 added, 0 removed, 0 changed
    + rowid=4: what='order 4'
`);
  expectNoScratch();
});

test("patina diff as JSON says the same, and of equal backups that they are equal", async () => {
  const differing = JSON.parse((await run(["diff", "shop@2026-11-19", "shop", "--json", "--rows", "0"])).out);
  expect(differing).toMatchObject({
    before: "shop@2026-11-19",
    after: "shop@2026-11-20",
    equal: false,
    tables: [
      { table: "orders", added: 1, removed: 1, changed: 1, rows: [] },
      { table: "audit", added: 1 },
    ],
  });
  const equal = await run(["diff", "shop@2026-11-18", "shop@2026-11-19"]);
  expect(equal).toMatchObject({ exit: 0, out: "shop@2026-11-18 and shop@2026-11-19 hold the same.\n" });
});

test("patina diff sees what a comparison by value would not: types, case, invisible bytes", async () => {
  const make = (value: string) => [
    "CREATE TABLE t(id TEXT PRIMARY KEY COLLATE NOCASE, v COLLATE NOCASE) WITHOUT ROWID",
    `INSERT INTO t VALUES('k', ${value})`,
  ];
  const pairs = [
    ["1", "1.0"],
    ["1", "'1'"],
    ["'a'", "'A'"],
    ["'a'", "x'61'"],
    ["'a'", "CAST(x'6100' AS TEXT)"],
  ] as const;
  for (const [i, [before, after]] of pairs.entries()) {
    const home = join(folder, `pair-${i}`);
    await store(home, { ref: { ...DAY, date: "2026-11-19", database: "t" }, sql: make(before) });
    await store(home, { ref: { ...DAY, database: "t" }, sql: make(after) });
    const { out } = await patina(["diff", "t@2026-11-19", "t@2026-11-20", "--source", home, "--json"]);
    expect(JSON.parse(out).tables, `${before} and ${after}`).toMatchObject([{ added: 0, removed: 0, changed: 1 }]);
  }
});

test("patina drill restores a backup into a scratch database and proves it", async () => {
  const { exit, out, err } = await run(["drill", "shop"]);
  expect(exit, err).toBe(0);
  expect(out).toMatch(/^shop@2026-11-20: passed, in .*\n {2}object +passed\n {2}restore +passed\n/);
  const json = JSON.parse((await run(["drill", "shop", "--json"])).out);
  expect(json).toMatchObject({
    verdict: "passed",
    checks: expect.arrayContaining([{ name: "digests", end: "passed", findings: [] }]),
  });
  expectNoScratch();
});

test("patina verify and drill find a damaged object, name it and end with 4", async () => {
  const home = join(folder, "damaged");
  const { object } = await store(home, { ref: { ...DAY, database: "good" }, sql: SHOP });
  await store(home, { ref: { ...DAY, database: "bad" }, sql: SHOP });
  const file = join(home, "daily/2026-11-20/bad.sql.gz");
  const bytes = readFileSync(file);
  bytes[object.bytes - 60] = (bytes[object.bytes - 60] ?? 0) ^ 1;
  write(file, bytes);
  const verified = await patina(["verify", "--source", home]);
  expect(verified.exit).toBe(4);
  expect(verified.out).toMatch(/^backup\tobject\tfinding\nbad@2026-11-20\tfailed\t.+\ngood@2026-11-20\tpassed\t\n$/);
  expect(verified.err).toContain("1 of 2 backups are what they should be.");
  const drilled = await patina(["drill", "bad", "--source", home, "--json"]);
  expect(drilled.exit).toBe(4);
  expect(JSON.parse(drilled.out)).toMatchObject({ verdict: "failed", checks: [{ name: "object", end: "failed" }] });
});

test("patina verify works on single files, by name, and says when an object or its manifest is gone", async () => {
  const file = join(folder, "lone", "x.sql.gz");
  write(file, readFileSync(join(bucket, "daily/2026-11-20/shop.sql.gz")));
  const lone = await patina(["verify", file, "--json"]);
  expect(lone).toMatchObject({ exit: 0 });
  expect(JSON.parse(lone.out)).toMatchObject({
    backups: [{ end: "unprovable", findings: [expect.stringContaining("It is whole")] }],
  });
  const home = join(folder, "halves");
  write(
    join(home, "daily/2026-11-20/shop.manifest.json"),
    readFileSync(join(bucket, "daily/2026-11-20/shop.manifest.json")),
  );
  write(join(home, "daily/2026-11-19/shop.manifest.json"), "{}");
  const halves = await patina(["verify", "--source", home]);
  expect(halves.exit).toBe(4);
  expect(halves.out).toContain("shop@2026-11-20\tfailed\tThere is a manifest, but no object");
  expect(halves.out).toContain("shop@2026-11-19\tfailed\tCannot read manifest");
});

test("patina query that is interrupted leaves no scratch database", async () => {
  await store(bucket, { ref: { ...DAY, database: "big" }, sql: large(25), snapshotBytes: 0 });
  const running = start(["query", "big", "SELECT 1", "--source", bucket], { env: { TMPDIR: scratch } });
  while (!readdirSync(scratch).some((name) => existsSync(join(scratch, name, "scratch.sqlite")))) {
    await new Promise((go) => setTimeout(go, 1));
  }
  running.child.kill("SIGINT");
  const { exit, err } = await running.ended;
  expect(exit, err).toBe(130);
  expectNoScratch();
});

test.each([
  ["archive", "extract", "latest", "--to", ""],
  ["download", "shop", "--to", ""],
  ["restore", "shop", "--to", "new.sqlite", "--emergency", ""],
  ["dump", "shop.sqlite", "--to", ""],
  ["up", "--once", "--fresh", "--state", ""],
])(
  "patina %s is refused with a place that is empty, which an unset variable is, instead of taking this folder",
  async (...args) => {
    const { exit, out, err } = await patina(args, { cwd: scratch, env: { PATINA_SOURCE: bucket } });
    expect(err).toMatch(/Cannot run patina .*: option '--\w+ <\w+>' argument '' is invalid\. It is empty\.\n/);
    expect({ exit, out }).toEqual({ exit: 2, out: "" });
    expectNoScratch();
  },
);

test.each(["download", "restore"])("patina %s --date is refused with a date that there is not", async (name) => {
  const { exit, err } = await run([name, "shop", "--to", "none.sql.gz", "--date", "2026-02-30"]);
  expect(err).toContain("argument '2026-02-30' is invalid. There is no such date.");
  expect(exit).toBe(2);
});

test("patina download into a folder that is a file says so", async () => {
  const to = join(scratch, ".keep", "shop.sql.gz");
  const { exit, err } = await run(["download", "shop", "--to", to]);
  expect(err).toMatch(/Cannot use \S+\.keep\S*: a file is where a folder has to be\.\nTry: Choose another place\.\n$/);
  expect(exit).toBe(1);
  expectNoScratch();
});
