import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { PageRooms } from "./page-room.ts";
import { PagedReader } from "./paged-reader.ts";
import { readSchema } from "./schema-reader.ts";
import { sqliteSource } from "./sqlite-source.ts";

/** Takes the first page of a table whose values are these; how many batches had left for the database by then. */
async function batchesSent(value: string): Promise<number> {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  db.exec(
    `WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<5000) INSERT INTO t SELECT n, ${value} FROM n`,
  );
  const source = sqliteSource(db);
  const [table] = (await readSchema(source)).schema.tables;
  if (table === undefined) throw new Error("There is no table");
  let sent = 0;
  const reader = new PagedReader(
    {
      async batch(queries) {
        // As over a binding: a query leaves when nothing else is to be done at once.
        await new Promise<void>((turn) => process.nextTick(turn));
        sent += 1;
        return await source.batch(queries);
      },
    },
    { table, maxLine: 80_000, after: null, rooms: new PageRooms(), singleRows: 20 },
  );
  await reader.next();
  const before = sent;
  // What is read ahead ends before the database is closed.
  for (let page = await reader.next(); page !== null; page = await reader.next());
  db.close();
  return before;
}

test("when a page is handed over, the query for the next one is on its way", async () => {
  expect(await batchesSent("'plain'")).toBe(2);
});

test("of rows that are read cell by cell only one page is in memory", async () => {
  // The first page is asked for twice: SQLite writes only a part of each of these texts.
  expect(await batchesSent("'a' || char(0)")).toBe(2);
});
