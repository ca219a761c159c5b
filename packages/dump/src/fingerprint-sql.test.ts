import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { D1_LIMITS } from "./d1-limits.ts";
import { addSums, fingerprints, NO_ROWS, type Sums } from "./fingerprint.ts";
import { countedSums, fingerprintQueries, MAX_COUNTED_ROWS, rowSums } from "./fingerprint-sql.ts";
import { PageRooms } from "./page-room.ts";
import { PagedReader } from "./paged-reader.ts";
import { selectAll } from "./row-sql.ts";
import type { Table } from "./schema.ts";
import { readSchema } from "./schema-reader.ts";
import { sqliteSource } from "./sqlite-source.ts";

/** A table "t" with columns c0, c1 ... of these types, and rows. */
function tableOf(types: readonly string[], rows: readonly (readonly string[])[] = []): DatabaseSync {
  const db = new DatabaseSync(":memory:", { limits: D1_LIMITS });
  db.exec(`CREATE TABLE t(${types.map((type, i) => `c${i} ${type}`).join(",")})`);
  for (const row of rows) db.exec(`INSERT INTO t VALUES(${row.join(",")})`);
  return db;
}

async function counted(db: DatabaseSync): Promise<Sums> {
  const source = sqliteSource(db);
  return countedSums(await source.batch(fingerprintQueries(await theTable(db))));
}

async function theTable(db: DatabaseSync): Promise<Table> {
  const [table] = (await readSchema(sqliteSource(db))).schema.tables;
  if (table === undefined) throw new Error("There is no table");
  return table;
}

/** What a page over the whole table counts, with so many columns beside each row. */
async function countedByPage(db: DatabaseSync, room = 97): Promise<Sums> {
  const { all, sums } = await sumsOf(db, room);
  const sql = `SELECT count(*) AS n, ${sums.aggregate} AS sums FROM (SELECT ${sums.ofRow.join(",")} FROM ${all.from} LIMIT -1)`;
  const found = db.prepare(sql).get();
  return { rows: Number(found?.["n"]), columns: sums.read([String(found?.["sums"])]) };
}

/** What the rows of the whole table count, each by itself. */
async function countedByRows(db: DatabaseSync): Promise<Sums> {
  const { all, sums } = await sumsOf(db);
  const found = db.prepare(`SELECT ${sums.text} AS sums FROM ${all.from}`).all();
  return { rows: found.length, columns: sums.read(found.map((row) => String(row["sums"]))) };
}

async function sumsOf(db: DatabaseSync, room?: number) {
  const table = await theTable(db);
  const all = selectAll(table);
  if (all === null) throw new Error("There are too many columns");
  return { all, sums: rowSums(table, { cells: all.cells, ...(room === undefined ? {} : { room }) }) };
}

const integers = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }).map(String),
  fc.integer({ min: -3, max: 3 }).map(String),
  fc.constant("(-9223372036854775807-1)"),
);
const reals = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? "-0.0" : real(value))),
  fc.constantFrom("9e999", "-9e999", "1e300", "0.5"),
);
const texts = fc.string({ unit: "binary", maxLength: 8 }).map((value) => `CAST(X'${hex(value)}' AS TEXT)`);
const blobs = fc.string({ maxLength: 8 }).map((value) => `X'${hex(value)}'`);
const cells = fc.oneof(fc.constant("NULL"), integers, reals, texts, blobs);

function real(value: number): string {
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function hex(value: string): string {
  return Buffer.from(value).toString("hex");
}

const types = fc.constantFrom(
  ...["", "ANY", "INTEGER", "BIGINT", "REAL", "DOUBLE", "TEXT", "VARCHAR(9) COLLATE NOCASE", "TEXT COLLATE RTRIM"],
  ...["BLOB", "NUMERIC", "DATETIME", "CHARINT", "FLOATING POINT", "STRING"],
);

test("a page, and its rows one by one, count what plain SQL counts, whatever the columns' types and values, however little room there is", async () => {
  const tables = fc.array(types, { minLength: 1, maxLength: 5 }).chain((declared) =>
    fc.record({
      declared: fc.constant(declared),
      rows: fc.array(fc.tuple(...declared.map(() => cells)), { maxLength: 12 }),
      spare: fc.integer({ min: 1, max: 8 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(tables, async ({ declared, rows, spare }) => {
      const db = tableOf(declared, rows);
      // The rowid is a column of its own here.
      expect(await countedByPage(db, declared.length + 1 + spare)).toEqual(await counted(db));
      await expect(countedByPage(db, declared.length + 1)).rejects.toThrow("Cannot count the columns");
      expect(await countedByRows(db)).toEqual(await counted(db));
      db.close();
    }),
    { numRuns: 300 },
  );
});

test("pages count together what plain SQL counts, those that end early and those read tagged included", async () => {
  const db = new DatabaseSync(":memory:", { limits: D1_LIMITS });
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, c, r REAL)");
  // One row in 40 cannot be written by SQLite; behind row 5,000 every second one, and a hundred rows there are long.
  db.exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<6000) INSERT INTO t SELECT n, CASE
    WHEN n BETWEEN 5500 AND 5600 THEN zeroblob(100000)
    WHEN n%40=0 OR (n>5000 AND n%2) THEN 'a'||char(0) ELSE 'plain '||n END, n/8.0 FROM n`);
  const source = sqliteSource(db);
  const table = await theTable(db);
  const reader = new PagedReader(source, {
    table,
    maxLine: 80_000,
    after: null,
    rooms: new PageRooms(),
    singleRows: 20,
  });
  let sums = NO_ROWS;
  let pages = 0;
  for (let page = await reader.next(); page !== null; page = await reader.next()) {
    sums = addSums(sums, page.sums);
    pages += 1;
  }
  expect(sums).toEqual(countedSums(await source.batch(fingerprintQueries(table))));
  expect(pages).toBeGreaterThan(5);
});

test("a page counts STRICT columns", async () => {
  const db = new DatabaseSync(":memory:", { limits: D1_LIMITS });
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, i INT, r REAL, s TEXT, b BLOB, a ANY) STRICT");
  db.exec("INSERT INTO t VALUES(1, 9223372036854775807, -0.1, 'é', X'0000', 1), (-2, NULL, NULL, NULL, NULL, 'x')");
  expect(await countedByPage(db)).toEqual(await counted(db));
  db.close();
});

test("the most rows that a page may have, and more of them one by one, overflow nothing", async () => {
  const db = new DatabaseSync(":memory:", { limits: D1_LIMITS });
  db.exec("CREATE TABLE t(i, r REAL, b)");
  const largest = "(-9223372036854775807-1)";
  db.exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<${MAX_COUNTED_ROWS})
    INSERT INTO t SELECT ${largest}, ${largest}+0.5, X'00' FROM n`);
  expect(await countedByPage(db)).toEqual(await counted(db));
  db.exec("UPDATE t SET i='text', b=zeroblob(1)");
  expect(await countedByPage(db)).toEqual(await counted(db));
  db.exec("INSERT INTO t SELECT * FROM t");
  expect(await countedByRows(db)).toEqual(await counted(db));
  db.close();
});

test("the fingerprint changes with a cell's type, with its length, and with one number", async () => {
  const smallChange = fc.bigInt({ min: 1n, max: 65_536n });
  const change = fc.oneof(
    fc.tuple(cells, cells).filter(([a, b]) => kind(a) !== kind(b)),
    fc.tuple(texts, texts).filter(([a, b]) => a.length !== b.length),
    fc.tuple(blobs, blobs).filter(([a, b]) => a.length !== b.length),
    fc
      .tuple(fc.bigInt({ min: 0n, max: 2n ** 62n }), smallChange)
      .map(([a, by]) => [String(a), String(a + by)] as const),
    // The least change that a double of this size can have.
    fc.double({ min: 1, max: 1e9, noNaN: true }).map((a) => [real(a), real(a + 2 ** (Math.floor(Math.log2(a)) - 52))]),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(cells, { maxLength: 4 }), change, async (others, [before, after]) => {
      const [a, b] = [before, after].map((cell) =>
        tableOf(
          [""],
          [...others, String(cell)].map((value) => [value]),
        ),
      );
      if (a === undefined || b === undefined) throw new Error("There is no table");
      expect(fingerprints(await counted(a), [{ name: "" }, { name: "c" }])).not.toEqual(
        fingerprints(await counted(b), [{ name: "" }, { name: "c" }]),
      );
      a.close();
      b.close();
    }),
    { numRuns: 500 },
  );
});

function kind(literal: string): string {
  if (literal === "NULL") return "null";
  if (literal.startsWith("X'")) return "blob";
  if (literal.startsWith("CAST(")) return "text";
  return /[.e]/.test(literal) ? "real" : "integer";
}

test("an integer that went through a double is found", async () => {
  const exact = tableOf(["INTEGER"], [["9007199254740993"]]);
  const rounded = tableOf(["INTEGER"], [["9007199254740992"]]);
  expect(await counted(exact)).not.toEqual(await counted(rounded));
});

test("a fingerprint says what there is", async () => {
  const db = tableOf(
    ["", "REAL"],
    [
      ["NULL", "NULL"],
      ["7", "0.5"],
      ["'é'", "NULL"],
      ["X'00'", "NULL"],
    ],
  );
  expect(fingerprints(await counted(db), [{ name: "rowid" }, { name: "c0" }, { name: "c1" }])).toEqual([
    { name: "rowid", fingerprint: "4 integer, sum 10" },
    { name: "c0", fingerprint: "1 null, 1 integer, 1 text, 1 blob, 3 bytes, sum 7" },
    { name: "c1", fingerprint: `3 null, 1 real, sum ${2 ** 51 % 65_537}` },
  ]);
  expect(fingerprints({ rows: 0, columns: [] }, [{ name: "c" }])).toEqual([{ name: "c", fingerprint: "" }]);
});
