import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { backup, type DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { openDatabaseFile } from "../compare/d1-file.ts";
import { openEmpty } from "../corpus/build.ts";
import { asD1, type D1Engine, type Dumped, dumpSource, startD1 } from "../dump/engines.ts";
import { databases, makeDatabase } from "./databases.ts";

/**
 * Random databases through every way in and out, as tests/dump/corpus.test.ts does it with the named ones. The runs are
 * always the same; PROPERTY_RUNS and PROPERTY_SEED ask for more, or for others.
 */
const RUNS = Number(process.env["PROPERTY_RUNS"] ?? 100);
const SEED = Number(process.env["PROPERTY_SEED"] ?? 20261120);

const SNAPSHOT = 1e9;
const PAGED = 0;
const folder = mkdtempSync(join(tmpdir(), "patina-property-"));
const shell = spawnSync("sqlite3", ["--version"], { encoding: "utf8" });
if (shell.status !== 0) process.stderr.write("\nSKIPPED: sqlite3 is not on this machine\n");

/** Names of empty databases; each is used once. */
const pool = Array.from({ length: 3 * RUNS + 900 }, (_, i) => `random-${i}`);
const fresh = pool[Symbol.iterator]();
let d1: D1Engine;
beforeAll(async () => {
  d1 = await startD1(pool, join(folder, "d1"));
}, 60_000);
afterAll(async () => {
  await d1?.stop();
  d1?.remove();
  rmSync(folder, { recursive: true, force: true });
});

test("a random database comes back exactly in the newest SQLite and in the sqlite3 shell", async () => {
  let rows = 0;
  let number = 0;
  const property = fc.asyncProperty(databases, async (steps) => {
    const source = makeDatabase(steps);
    const dumped = await dumpBothWays(source);
    rows += dumped.summary.rows;
    const restored = openEmpty();
    restored.exec(dumped.sql.toString());
    expectEqual({ source, restored, dumped });
    await expectSameDump(restored, dumped);
    restored.close();
    if (shell.status === 0) {
      const path = join(folder, `shell-${number++}.sqlite`);
      restoreInShell(path, dumped);
      // Words of an index come from the text of REALs, which is this engine's own.
      const exceptFts = searchIndexes(source);
      withFile(path, (file) => expectEqual({ source, restored: file, dumped, exceptFts }));
      rmSync(path);
    }
    source.close();
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED });
  // Otherwise SQLite refused most of what was generated, and little was tested.
  expect(rows).toBeGreaterThan(10 * RUNS);
}, 3_600_000);

test("a random database comes back exactly in D1, as one transaction and statement by statement", async () => {
  let restores = 0;
  const property = fc.asyncProperty(databases, async (steps) => {
    const name = nextDatabase();
    const source = makeDatabase(steps);
    mkdirSync(dirname(d1.file(name)), { recursive: true });
    await backup(source, d1.file(name));
    const dumped = await dumpBothWays(source);
    for (const snapshotBytes of [SNAPSHOT, PAGED]) expectSameBody(await d1.dump(name, snapshotBytes), dumped);
    for (const mode of ["transaction", "autocommit"] as const) {
      const target = nextDatabase();
      const refusal = await d1.restore(target, { sql: dumped.sql, mode });
      if (refusal === null) {
        withFile(d1.file(target), (file) => expectEqual({ source, restored: file, dumped }));
        restores += 1;
      } else {
        expect(dumped.summary.warnings, refusal).not.toEqual([]);
      }
    }
    source.close();
  });
  await fc.assert(property, { numRuns: RUNS, seed: SEED + 1 });
  expect(restores).toBeGreaterThan(RUNS);
}, 3_600_000);

/** Reads a database in one piece and page by page, which must give the same. */
async function dumpBothWays(source: DatabaseSync): Promise<Dumped> {
  const whole = await dumpSource(asD1(source), SNAPSHOT);
  const paged = await dumpSource(asD1(source), PAGED);
  expectSameBody(paged, whole);
  return whole;
}

async function expectSameDump(restored: DatabaseSync, dumped: Dumped): Promise<void> {
  if (isLossy(dumped)) return;
  expectSameBody(await dumpSource(asD1(restored), SNAPSHOT), dumped);
}

function expectSameBody(one: Dumped, other: Dumped): void {
  // Texts of megabytes are compared by toBe(), which shows where they differ, only when they do.
  if (!one.body.equals(other.body)) expect(one.body.toString()).toBe(other.body.toString());
  const tables = ({ summary }: Dumped) =>
    summary.tables.map(({ name, rows, digest, columns }) => ({ name, rows, digest, columns }));
  expect(tables(one)).toEqual(tables(other));
}

function expectEqual(options: {
  source: DatabaseSync;
  restored: DatabaseSync;
  dumped: Dumped;
  exceptFts?: readonly string[];
}): void {
  const { source, restored, dumped, exceptFts } = options;
  if (!isLossy(dumped)) expect(compare(source, restored, { exceptFts })).toEqual([]);
}

function searchIndexes(database: DatabaseSync): string[] {
  const all = database
    .prepare("SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE% USING fts5(%'")
    .all();
  return all.map(({ name }) => String(name));
}

/** Whether the dump says that a restore will not be the same. */
function isLossy({ summary }: Dumped): boolean {
  return summary.warnings.some((warning) =>
    /not carried|cannot be inserted again|open comment|does not match/.test(warning),
  );
}

function restoreInShell(path: string, { sql }: Dumped): void {
  const run = spawnSync("sqlite3", ["-bail", path], { input: sql, encoding: "utf8" });
  expect(run.stderr).toBe("");
}

function withFile(path: string, use: (file: DatabaseSync) => void): void {
  const file = openDatabaseFile(path);
  try {
    use(file);
  } finally {
    file.close();
  }
}

function nextDatabase(): string {
  const { value } = fresh.next();
  if (value === undefined) throw new fc.PreconditionFailure(true);
  return value;
}
