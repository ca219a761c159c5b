import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { restore } from "@patina/dump/restore";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { openDatabaseFile } from "../compare/d1-file.ts";
import { build, openEmpty } from "../corpus/build.ts";
import type { Case } from "../corpus/case.ts";
import { CORPUS } from "../corpus/corpus.ts";
import { asD1, type D1Engine, type Dumped, dumpSource, liftLimits, startD1 } from "./engines.ts";
import { countAgain } from "./fingerprint.ts";

/**
 * Every case of the corpus through every way in and out: read from a file and from D1, in one piece and page by page,
 * restored into the sqlite3 shell of this machine, the newest SQLite, D1 and a Durable Object, at once and statement by
 * statement. tests/corpus/corpus.test.ts holds that D1 makes the same of a case as node:sqlite does.
 */

const SNAPSHOT = 1e9;
const PAGED = 0;
const folder = mkdtempSync(join(tmpdir(), "patina-corpus-"));
const shell = spawnSync("sqlite3", ["--version"], { encoding: "utf8" });
if (shell.status !== 0) process.stderr.write("\nSKIPPED: sqlite3 is not on this machine\n");

/** Cases with a row over which a guard cannot even be evaluated: they are read page by page, whatever their size. */
const NO_SNAPSHOT = new Set(["check-that-fails", "generated-that-fails"]);

let d1: D1Engine;
/** What each case is, and what its dump is, read from D1 in one piece. */
const sources = new Map<string, DatabaseSync>();
const dumps = new Map<string, Dumped>();

beforeAll(async () => {
  d1 = await startD1(
    CORPUS.flatMap(({ name }) => [name, `${name}-whole`, `${name}-single`]),
    join(folder, "d1"),
  );
  for (const entry of CORPUS) {
    mkdirSync(dirname(d1.file(entry.name)), { recursive: true });
    build(entry, d1.file(entry.name)).close();
    sources.set(entry.name, build(entry));
  }
  await atOnce(CORPUS, async ({ name }) => {
    dumps.set(name, await d1.dump(name, SNAPSHOT));
  });
}, 300_000);

afterAll(async () => {
  await d1?.stop();
  d1?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Several at a time, so that workerd works while this process does. */
async function atOnce<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const queue = all.values();
  const work = async () => {
    for (const one of queue) await act(one);
  };
  await Promise.all(Array.from({ length: 3 }, work));
}

function dumpOf({ name }: Case): Dumped {
  const found = dumps.get(name);
  if (found === undefined) throw new Error(`There is no dump of ${name}`);
  return found;
}

function sourceOf({ name }: Case): DatabaseSync {
  const found = sources.get(name);
  if (found === undefined) throw new Error(`There is no database ${name}`);
  return found;
}

/** What a dump says of its tables, but for their places, which depend on the header. */
function contents({ summary }: Pick<Dumped, "summary">) {
  return summary.tables.map(({ name, rows, digest, columns }) => ({ name, rows, digest, columns }));
}

const named = CORPUS.map((entry) => [entry.name, entry] as const);

/** Checks that a restore is exact, or, for what SQL cannot carry, that the dump said so beforehand. */
function expectExact(entry: Case, restored: DatabaseSync): void {
  const { exceptFts } = entry;
  for (const database of [sourceOf(entry), restored]) liftLimits(database);
  const found = compare(sourceOf(entry), restored, exceptFts === undefined ? {} : { exceptFts });
  if (found.length === 0) return;
  expect(entry.loses, found.join("\n")).toBeDefined();
  expect(dumpOf(entry).summary.warnings.length, found.join("\n")).toBeGreaterThan(0);
}

test.each(named)("%s: what SQL cannot carry is named as a warning, and nothing else is", (_, entry) => {
  const { warnings } = dumpOf(entry).summary;
  if (entry.loses !== undefined || entry.enforced !== undefined) expect(warnings).not.toEqual([]);
});

test.each(named)("%s: is read in one piece as one instant", (_, entry) => {
  const { mode, consistency } = dumpOf(entry).summary;
  if (NO_SNAPSHOT.has(entry.name)) expect({ mode, consistency }).toEqual({ mode: "paged", consistency: "stable" });
  else expect({ mode, consistency }).toEqual({ mode: "snapshot", consistency: "snapshot" });
});

test.each(named)(
  "%s: comes back exactly in the newest SQLite, and is counted and dumped the same there",
  async (_, entry) => {
    const restored = openEmpty();
    restored.exec(dumpOf(entry).sql.toString());
    expectExact(entry, restored);
    if (entry.loses === undefined) {
      const counted = contents(dumpOf(entry)).map(({ name, columns }) => ({ name, columns }));
      expect(await countAgain(restored)).toEqual(counted);
      const again = await dumpSource(asD1(restored), SNAPSHOT);
      expectSameBody(again, dumpOf(entry));
      expect(contents(again)).toEqual(contents(dumpOf(entry)));
      expect(again.summary.schema.sha256).toBe(dumpOf(entry).summary.schema.sha256);
    }
    restored.close();
  },
);

/** Megabytes of text are only compared by toBe(), which shows where they differ, when they do. */
function expectSameBody(one: Dumped, other: Dumped): void {
  if (!one.body.equals(other.body)) expect(one.body.toString()).toBe(other.body.toString());
}

test.each(named)(
  "%s: with foreign keys enforced, each statement by itself is taken, or a warning says that it is not",
  async (_, entry) => {
    const { sql, summary } = dumpOf(entry);
    const restored = openEmpty();
    asD1(restored);
    const target = {
      async transaction(statements: readonly string[]) {
        for (const statement of statements) restored.exec(statement);
      },
    };
    const refusal = await restore(target, [sql.toString()], { transactionSize: 0 }).catch(String);
    if (typeof refusal === "string") expect(summary.warnings, refusal).not.toEqual([]);
    else expectExact(entry, restored);
    restored.close();
  },
);

test.runIf(shell.status === 0).each(named)("%s: the sqlite3 shell restores it exactly", (_, entry) => {
  const file = join(folder, `${entry.name}.sqlite`);
  const run = spawnSync("sqlite3", ["-bail", file], { input: dumpOf(entry).sql, encoding: "utf8" });
  if (run.status !== 0 && TOO_NEW.test(run.stderr)) {
    process.stderr.write(`\nSKIPPED: ${entry.name} needs a newer sqlite3: ${run.stderr.trim()}\n`);
    return;
  }
  if (entry.shell !== undefined) {
    expect(run.status).not.toBe(0);
    expect(dumpOf(entry).summary.warnings).not.toEqual([]);
    return;
  }
  expect(run.stderr).toBe("");
  const restored = openDatabaseFile(file);
  expectExact(entry, restored);
  restored.close();
});

/** What sqlite3 3.40 says to features that came later, the case's own statements included. */
const TOO_NEW =
  /unrecognized option: "(locale|contentless_delete)"|number of arguments to function json|no such function: json|SQL logic error/;

test.each(named)("%s: file and D1, in one piece and in pages, give the same body and tables", async (_, entry) => {
  const paged = d1.digest(entry.name, PAGED);
  const ways = {
    "file in one piece": await dumpSource(asD1(sourceOf(entry)), SNAPSHOT),
    "file in pages": await dumpSource(asD1(sourceOf(entry)), PAGED),
  };
  for (const [way, dumped] of Object.entries(ways)) {
    expect(dumped.body.equals(dumpOf(entry).body), way).toBe(true);
    expect(contents(dumped), way).toEqual(contents(dumpOf(entry)));
  }
  const { summary, body } = await paged;
  if (body !== createHash("sha256").update(dumpOf(entry).body).digest("hex")) {
    expectSameBody(await d1.dump(entry.name, PAGED), dumpOf(entry));
  }
  expect(contents({ summary })).toEqual(contents(dumpOf(entry)));
});

test.each(named)("%s: no INSERT is longer than 90,000 bytes, and no other statement than D1's 100,000", (_, entry) => {
  for (const statement of dumpOf(entry).sql.toString().split(";\n")) {
    const limit = statement.startsWith("INSERT") ? 90_000 : 100_000;
    expect(Buffer.byteLength(statement)).toBeLessThanOrEqual(limit);
  }
});

/** What may go otherwise when a statement is no part of a transaction. Rows of plain tables have nothing of it. */
const IS_MORE_THAN_ROWS = /REFERENCES|TRIGGER|VIRTUAL|VIEW|INDEX|CHECK|patina_|sqlite_/i;

test("D1 restores every case exactly, in one transaction and statement by statement, or the dump has said that it cannot", async () => {
  const restored: { entry: Case; name: string }[] = [];
  await atOnce(CORPUS, async (entry) => {
    const { sql, summary } = dumpOf(entry);
    for (const mode of ["transaction", "autocommit"] as const) {
      if (mode === "autocommit" && !IS_MORE_THAN_ROWS.test(sql.toString("latin1"))) continue;
      const name = `${entry.name}-${mode === "transaction" ? "whole" : "single"}`;
      const reason = await d1.restore(name, { sql, mode });
      if (reason === null) {
        restored.push({ entry, name });
        continue;
      }
      expect(summary.warnings, `${name}: ${reason}`).not.toEqual([]);
      if (mode === "transaction") expect(entry.enforced, `${name}: ${reason}`).toBeDefined();
    }
  });
  const objects: { entry: Case; file: string }[] = [];
  for (const entry of CORPUS) {
    const made = await d1.restoreObject(dumpOf(entry).sql);
    if ("file" in made) objects.push({ entry, file: made.file });
    else expect(entry.enforced, `${entry.name}: ${made.refusal}`).toBeDefined();
  }
  await d1.stop();
  const files = [...restored.map(({ entry, name }) => ({ entry, file: d1.file(name) })), ...objects];
  expect(files.length).toBeGreaterThan(2.5 * CORPUS.length);
  for (const { entry, file } of files) {
    const database = openDatabaseFile(file);
    expectExact(entry, database);
    database.close();
  }
}, 300_000);
