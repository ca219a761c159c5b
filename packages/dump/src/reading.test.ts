import { DatabaseSync } from "node:sqlite";
import { type ErrorCode, PatinaError } from "@patina/core/error";
import { NO_RULES } from "@patina/core/rules";
import { expect, test } from "vitest";
import { PageRooms } from "./page-room.ts";
import { openReading } from "./reading.ts";
import { sqliteSource } from "./sqlite-source.ts";

/** Opens a database of many small tables; how it is read, and with how many queries it was opened. */
async function open(
  tables: number,
  { batchQueries, cell = "1", failure }: { batchQueries: number; cell?: string; failure?: ErrorCode },
) {
  const db = new DatabaseSync(":memory:");
  const columns = Array.from({ length: 20 }, (_, i) => `c${i}`).join(",");
  for (let i = 0; i < tables; i += 1) db.exec(`CREATE TABLE t${i}(${columns}); INSERT INTO t${i}(c0) VALUES(${cell})`);
  const source = sqliteSource(db);
  const reading = await openReading(
    {
      async batch(queries) {
        if (failure !== undefined && queries.length > tables) throw new PatinaError(failure, "It is too much at once");
        return (await source.batch(queries)).map((one) => ({ ...one, sizeAfter: 1_000 }));
      },
    },
    {
      snapshotBytes: 2_000,
      batchQueries,
      isTolerant: true,
      rules: NO_RULES,
      state: null,
      rooms: new PageRooms(),
      singleRows: 1,
    },
  );
  db.close();
  return { mode: reading.mode, queries: reading.queries };
}

test("a small database is read in one batch when that takes no more queries than it may", async () => {
  expect(await open(100, { batchQueries: 110 })).toMatchObject({ mode: "snapshot" });
});

test("a small database of many tables, or of one that has to be asked again, is read page by page", async () => {
  for (const options of [{ batchQueries: 90 }, { batchQueries: 150, cell: "char(0)" }]) {
    const { mode, queries } = await open(100, options);
    expect(mode).toBe("paged");
    expect(queries).toBeLessThan(options.batchQueries + 20);
  }
});

test.each(["source_overloaded", "result_too_large"] as const)(
  "a small database that is too much in one piece (%s) is read page by page",
  async (failure) => {
    expect(await open(100, { batchQueries: 500, failure })).toMatchObject({ mode: "paged" });
  },
);

test("a small database that fails for another reason is not read page by page", async () => {
  await expect(open(100, { batchQueries: 500, failure: "source_unreachable" })).rejects.toMatchObject({
    code: "source_unreachable",
  });
});
