import { env, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { definitionsDigest } from "@patina/archive/definitions-digest";
import { expect, test } from "vitest";
import type { Part, Progress, ScratchDatabase } from "./scratch-state.ts";
import { leftIn, NOTHING_LEFT, partsOf, proveParts } from "./testing-drill.ts";
import { type Dumped, dumpOf } from "./testing-dump.ts";

const SHOP = { kind: "daily", date: "2026-11-20", database: "shop" } as const;

let number = 0;

function scratchOf(): { name: string; scratch: ScratchDatabase } {
  number += 1;
  const name = `drill-${number}`;
  return { name, scratch: env.SCRATCH.getByName(name) as unknown as ScratchDatabase };
}

async function digestOf({ bytes, manifest }: Dumped): Promise<string> {
  return await definitionsDigest(manifest, { read: async (at, length) => bytes.subarray(at, at + length) });
}

/** Restores a dump in many parts, each committed by itself; what came of it, and how many statements were held back. */
async function proven(dumped: Dumped, { isWhole }: { isWhole: boolean }) {
  const { name, scratch } = scratchOf();
  const options = { parts: partsOf(dumped, 50), dumped, definitions: await digestOf(dumped), isWhole };
  const progress = await proveParts(scratch, options);
  const held = await runInDurableObject(env.SCRATCH.getByName(name), (_, { storage }) => {
    return [...storage.kv.list({ prefix: "held-" })].length;
  });
  return { name, progress, held, bad: progress.checks.filter(({ end }) => end !== "passed") };
}

/** Rows that refer to rows behind them, and all that would notice when they came late. */
const FORWARD = [
  "CREATE TABLE staff(id INTEGER PRIMARY KEY AUTOINCREMENT, team INTEGER REFERENCES teams(id), name TEXT CHECK (name <> ''))",
  "CREATE TABLE teams(id INTEGER PRIMARY KEY, head INTEGER REFERENCES staff(id))",
  "CREATE TABLE log(id INTEGER PRIMARY KEY, what TEXT)",
  "INSERT INTO staff VALUES(1, NULL, 'Ada'), (2, NULL, 'Grace')",
  "PRAGMA ignore_check_constraints=ON",
  "INSERT INTO staff VALUES(3, NULL, '')",
  "PRAGMA ignore_check_constraints=OFF",
  "INSERT INTO teams VALUES(1, 2), (2, 1)",
  "UPDATE staff SET team = 1 + id % 2",
  "UPDATE sqlite_sequence SET seq = 2",
  "CREATE VIRTUAL TABLE names USING fts5(name, content='staff', content_rowid='id')",
  "INSERT INTO names(names) VALUES('rebuild')",
  "CREATE TRIGGER hired AFTER INSERT ON staff BEGIN INSERT INTO log(what) VALUES(new.name); END",
];

test("a statement whose parents come later is held back, with the triggers, counters and indexes that rows would set off", async () => {
  const { progress, held, bad } = await proven(await dumpOf(SHOP, FORWARD), { isWhole: false });
  expect(held).toBeGreaterThan(3);
  expect(progress).toMatchObject({ refusal: null, leftOut: [], next: null });
  expect(bad).toEqual([{ name: "quick_check", end: "flawed", findings: ["CHECK constraint failed in staff"] }]);
});

test("a foreign key that may wait for the end of the transaction is never committed without its parent", async () => {
  const dumped = await dumpOf(SHOP, [
    "CREATE TABLE a(id INTEGER PRIMARY KEY, b INTEGER NOT NULL REFERENCES b(id) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE b(id INTEGER PRIMARY KEY, a INTEGER NOT NULL REFERENCES a(id) DEFERRABLE INITIALLY DEFERRED)",
    "INSERT INTO a VALUES(1, 2)",
    "INSERT INTO b VALUES(2, 1)",
  ]);
  for (const isWhole of [true, false]) {
    const { progress, bad } = await proven(dumped, { isWhole });
    expect(progress).toMatchObject({ refusal: null, leftOut: [], next: null });
    expect(bad).toEqual([]);
  }
});

test("a source that violates a foreign key is restored with its violation, compared and taken back", async () => {
  const dumped = await dumpOf(SHOP, [
    "CREATE TABLE p(id INTEGER PRIMARY KEY, k)",
    "CREATE UNIQUE INDEX p_k ON p(k)",
    "CREATE TABLE c(x REFERENCES p(k), v)",
    "INSERT INTO p VALUES(1, 'a')",
    "INSERT INTO c VALUES('a', 1)",
    "DROP INDEX p_k",
    "DROP TABLE p",
    "CREATE TABLE p(id INTEGER PRIMARY KEY, k UNIQUE)",
  ]);
  for (const isWhole of [true, false]) {
    const { name, bad } = await proven(dumped, { isWhole });
    expect(bad).toEqual([{ name: "foreign_keys", end: "flawed", findings: ['1 row of table "c" have no row in "p"'] }]);
    const left = (await leftIn(name)).tables.map((row) => row["name"]);
    expect(left).not.toContain(isWhole ? "p" : "nothing");
  }
});

test("a restore in one transaction leaves nothing of itself behind, not even before it is emptied", async () => {
  const { name, progress } = await proven(await dumpOf(SHOP, FORWARD), { isWhole: true });
  expect(progress.rowsWritten).toBeGreaterThan(3);
  expect((await leftIn(name)).tables).toEqual([]);
});

test("a part that comes twice, or too early, changes nothing", async () => {
  const dumped = await dumpOf(SHOP, FORWARD);
  const parts = partsOf(dumped, 6);
  const { scratch } = scratchOf();
  let progress: Progress | null = await scratch.begin({ subject: "one", isWhole: false });
  for (const [i, part] of parts.entries()) {
    const early = parts[i + 1];
    if (early !== undefined) expect(await scratch.load(early)).toEqual(progress);
    progress = await scratch.load(part);
    expect(progress?.at).toBe(part.end);
    expect(await scratch.load(part)).toEqual(progress);
    expect(await scratch.begin({ subject: "one", isWhole: false })).toEqual(progress);
  }
});

const TABLE: Part = { text: "CREATE TABLE t(a UNIQUE);\n", start: 0, end: 26, tables: [] };

test("a statement that SQLite refuses ends the restore, says where it stands, and undoes its part", async () => {
  for (const isWhole of [true, false]) {
    const { scratch } = scratchOf();
    await scratch.begin({ subject: "one", isWhole });
    await scratch.load(TABLE);
    const text = "INSERT INTO t VALUES(1);\nINSERT INTO t VALUES(1);\n";
    await scratch.load({ text, start: 26, end: 26 + text.length, tables: [] });
    const progress = await scratch.prove({ tables: [], definitions: "", isFuzzy: false });
    const reason = 'SQLite says "UNIQUE constraint failed: t.a"';
    expect(progress).toMatchObject({ refusal: { offset: 51, reason, end: "failed" }, checks: [] });
    expect(await scratch.load({ text: "SELECT 1;\n", start: progress?.at ?? 0, end: 99, tables: [] })).toEqual(
      progress,
    );
  }
});

test("another backup under the same name begins in an empty database", async () => {
  const { scratch } = scratchOf();
  await scratch.begin({ subject: "one", isWhole: false });
  expect(await scratch.load(TABLE)).toMatchObject({ at: 26 });
  expect(await scratch.begin({ subject: "two", isWhole: false })).toMatchObject({ at: 0 });
  // It would refuse to make the table a second time.
  expect(await scratch.load(TABLE)).toMatchObject({ at: 26, refusal: null });
});

test("a scratch database to which nobody comes back empties itself", async () => {
  const { name, scratch } = scratchOf();
  await scratch.begin({ subject: "one", isWhole: false });
  await scratch.load(TABLE);
  expect((await leftIn(name)).alarm).toBeGreaterThan(Date.now());
  expect(await runDurableObjectAlarm(env.SCRATCH.getByName(name))).toBe(true);
  expect(await leftIn(name)).toEqual(NOTHING_LEFT);
  expect(await scratch.load(TABLE)).toBeNull();
  expect(await scratch.prove({ tables: [], definitions: "", isFuzzy: false })).toBeNull();
});

test("more rows without parents than one transaction takes cannot be proven, which the drill says", async () => {
  const { scratch } = scratchOf();
  await scratch.begin({ subject: "one", isWhole: false });
  const tables = "CREATE TABLE p(id INTEGER PRIMARY KEY);\nCREATE TABLE c(p REFERENCES p(id), v);\n";
  let progress = await scratch.load({ text: tables, start: 0, end: tables.length, tables: [] });
  const row = `INSERT INTO c VALUES(1,'${"x".repeat(89_000)}');\n`;
  const text = row.repeat(12);
  for (let i = 0; i < 40 && progress?.refusal === null; i += 1) {
    progress = await scratch.load({ text, start: progress.at, end: progress.at + text.length, tables: [] });
  }
  expect(progress?.refusal).toMatchObject({ end: "unprovable", reason: expect.stringContaining("more than 32 MB") });
});
