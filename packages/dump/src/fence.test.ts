import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NO_RULES } from "@patina/core/rules";
import { afterAll, expect, test } from "vitest";
import { type DumpSummary, dump } from "./dump.ts";
import { sqliteSource } from "./sqlite-source.ts";

/** A database that is restarted while it is read: the next connection counts from 0. Writes are tested over D1, in the exporter. */

const folder = mkdtempSync(join(tmpdir(), "patina-fence-"));
afterAll(() => rmSync(folder, { recursive: true }));

const NOWHERE = {
  position: 0,
  write: () => undefined,
  endStatement: () => undefined,
  beginBody: () => undefined,
  endBody: () => undefined,
};

/** A file of so many rows of 1,500 bytes. */
function databaseFile(name: string, rows: number): string {
  const path = join(folder, name);
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode=OFF; CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE counted(n)");
  db.exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n<${rows})
    INSERT INTO t SELECT n, printf('%.*c', 1500, 'x') FROM n`);
  db.close();
  return path;
}

/** Dumps a file page by page, over a connection that is opened anew before the n-th batch. */
async function read(path: string, { restartAt = 0, hasCounted = true }: { restartAt?: number; hasCounted?: boolean }) {
  const open = () => {
    const db = new DatabaseSync(path);
    // A connection whose counters are not 0, as D1's are after its first write.
    if (hasCounted && batches === 0) db.exec("INSERT INTO counted VALUES (1)");
    return db;
  };
  let batches = 0;
  let db = open();
  const run = dump(
    {
      async batch(queries) {
        batches += 1;
        if (batches === restartAt) {
          db.close();
          db = open();
        }
        return await sqliteSource(db).batch(queries);
      },
    },
    {
      database: "shop",
      environment: "local",
      job: "nightly-2026-11-20",
      startedAt: "2026-11-20T03:00:00.000Z",
      rules: NO_RULES,
      redactionKey: null,
      snapshotBytes: 0,
      output: NOWHERE,
    },
  );
  let step = await run.next();
  while (!step.done) step = await run.next();
  db.close();
  const { consistency, mode }: DumpSummary = step.value;
  return { consistency, mode, batches };
}

test("a quiet database of 50 MB is stable", async () => {
  expect(await read(databaseFile("large.sqlite", 33_000), {})).toMatchObject({ mode: "paged", consistency: "stable" });
});

test("a database that is restarted before any one query is never stable", async () => {
  const path = databaseFile("small.sqlite", 2_000);
  const { consistency, batches } = await read(path, {});
  expect(consistency).toBe("stable");
  // The fence stands from the third batch on.
  for (let restartAt = 3; restartAt <= batches; restartAt += 1) {
    expect(await read(path, { restartAt }), `before batch ${restartAt} of ${batches}`).toMatchObject({
      consistency: "fuzzy",
    });
  }
  expect(batches).toBeGreaterThan(6);
});

test("counters that are 0 prove nothing by themselves", async () => {
  const path = databaseFile("unwritten.sqlite", 2_000);
  expect(await read(path, { hasCounted: false })).toMatchObject({ consistency: "fuzzy" });
});
