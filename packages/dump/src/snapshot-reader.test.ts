import { DatabaseSync } from "node:sqlite";
import { NO_RULES } from "@patina/core/rules";
import { expect, test } from "vitest";
import { contentOf } from "./content.ts";
import { D1_LIMITS } from "./d1-limits.ts";
import { countedSums, fingerprintQueries, MAX_COUNTED_ROWS } from "./fingerprint-sql.ts";
import { PageRooms } from "./page-room.ts";
import { openReading } from "./reading.ts";
import type { Query } from "./source.ts";
import { sqliteSource } from "./sqlite-source.ts";

/**
 * Reads the database in one piece, with statements run between the schema and the rows; how often it was asked for its
 * rows, and what came of it.
 */
async function read(db: DatabaseSync, { meanwhile = "" }: { meanwhile?: string } = {}) {
  const source = sqliteSource(db);
  const asked: (readonly Query[])[] = [];
  const counting = {
    async batch(queries: readonly Query[]) {
      asked.push(queries);
      if (asked.length === 2) db.exec(meanwhile);
      return await source.batch(queries);
    },
  };
  const reading = await openReading(counting, {
    snapshotBytes: 10_000_000,
    batchQueries: 100,
    isTolerant: true,
    rules: NO_RULES,
    state: null,
    rooms: new PageRooms(),
    singleRows: 20,
  });
  const tables = contentOf(reading.schema).tables.map(async (transfer) => {
    const lines: string[] = [];
    for await (const { rows, sums } of reading.rows(transfer, null)) {
      for (const part of rows)
        if (part.kind === "block") lines.push(...textOf(part.block.bytes).split("\n").slice(0, -1));
      expect(sums).toEqual(countedSums(await source.batch(fingerprintQueries(transfer.table))));
    }
    return lines;
  });
  return { mode: reading.mode, batches: asked.length - 1, tables: await Promise.all(tables) };
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function numbered(rows: number, values: string): DatabaseSync {
  // D1 documents 2,000,000 bytes for a value (developers.cloudflare.com/d1/platform/limits); engines differ.
  const db = new DatabaseSync(":memory:", { limits: { ...D1_LIMITS, length: 2_000_000 } });
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  db.exec(
    `WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<${rows}) INSERT INTO t SELECT n, ${values} FROM n`,
  );
  return db;
}

test("a small database is read with one query a table, and one batch beside the schema's", async () => {
  const db = numbered(3, "'it''s ' || n");
  db.exec("CREATE TABLE u(a, b); CREATE TABLE empty(a)");
  db.exec("INSERT INTO u VALUES (x'00', NULL)");
  expect(await read(db)).toEqual({
    mode: "snapshot",
    batches: 1,
    tables: [["(1,'it''s 1'),", "(2,'it''s 2'),", "(3,'it''s 3'),"], ["(1,X'00',NULL),"], []],
  });
});

test("a table too long for one value is asked for row by row", async () => {
  const { mode, batches, tables } = await read(numbered(300, "printf('%.*c', 9000, 'x')"));
  expect({ mode, batches, rows: tables[0]?.length }).toEqual({ mode: "snapshot", batches: 2, rows: 300 });
});

test("a table of more rows than one query counts is asked for row by row", async () => {
  const db = numbered(MAX_COUNTED_ROWS, "n % 7");
  expect(await read(db)).toMatchObject({ mode: "snapshot", batches: 1 });
  db.exec("INSERT INTO t(v) VALUES (0)");
  const { mode, batches, tables } = await read(db);
  expect({ mode, batches, rows: tables[0]?.length }).toEqual({
    mode: "snapshot",
    batches: 2,
    rows: MAX_COUNTED_ROWS + 1,
  });
});

test("a table with a text of which SQLite writes only a part is asked for cell by cell", async () => {
  const { mode, batches, tables } = await read(numbered(9, "iif(n=5, 'a' || char(0), 'plain')"));
  expect({ mode, batches, rows: tables[0]?.length }).toEqual({ mode: "snapshot", batches: 2, rows: 0 });
});

test.each([
  ["a table is dropped", "DROP TABLE u", [["(1,2),"]]],
  ["a table is made anew with other columns", "DROP TABLE u; CREATE TABLE u(z)", [["(1,2),"], []]],
  ["a column is dropped", "ALTER TABLE u DROP COLUMN b", [["(1,2),"], ["(1,7),"]]],
  ["a column is added", "ALTER TABLE u ADD COLUMN c DEFAULT 9", [["(1,2),"], ["(1,7,8,9),"]]],
])("when %s between schema and rows, the database is read as it is then", async (_, meanwhile, tables) => {
  const db = numbered(1, "2");
  db.exec("CREATE TABLE u(a, b); INSERT INTO u VALUES (7, 8)");
  expect(await read(db, { meanwhile })).toMatchObject({ mode: "snapshot", tables });
});

test.each(["", "INTEGER", "REAL"])("a table of 99 columns of type '%s' is not asked for cell by cell", async (type) => {
  const db = new DatabaseSync(":memory:", { limits: D1_LIMITS });
  db.exec(`CREATE TABLE t(${Array.from({ length: 99 }, (_, i) => `c${i} ${type}`)})`);
  db.exec(`INSERT INTO t VALUES (${Array.from({ length: 99 }, (_, i) => i)})`);
  const { mode, batches, tables } = await read(db);
  expect({ mode, batches, rows: tables[0]?.length }).toEqual({ mode: "snapshot", batches: 1, rows: 1 });
});
