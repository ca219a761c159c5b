import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { openDatabaseFile } from "../compare/d1-file.ts";
import { build, openEmpty } from "../corpus/build.ts";
import type { Case } from "../corpus/case.ts";
import { CORPUS } from "../corpus/corpus.ts";
import { type LocalD1, startLocalD1 } from "../corpus/local-d1.ts";
import { asD1, type D1Engine, type Dumped, dumpSource, startD1 } from "./engines.ts";
import { countAgain } from "./fingerprint.ts";

/**
 * Every case of the corpus through every way in and out: read from a file and from D1, in one piece and page by page,
 * restored into the sqlite3 shell of this machine, the newest SQLite, and D1, at once and statement by statement.
 */

const SNAPSHOT = 1e9;
const PAGED = 0;
const folder = mkdtempSync(join(tmpdir(), "patina-corpus-"));
const shell = spawnSync("sqlite3", ["--version"], { encoding: "utf8" });
if (shell.status !== 0) process.stderr.write("\nSKIPPED: sqlite3 is not on this machine\n");

let sources: LocalD1;
let d1: D1Engine;
/** What each case's dump is, read from D1 in one piece. */
const dumps = new Map<string, Dumped>();

beforeAll(async () => {
  sources = await startLocalD1(CORPUS);
  expect(await sources.build()).toEqual([]);
  await sources.stop();
  d1 = await startD1(
    [...CORPUS.map(({ name }) => name), ...CORPUS.flatMap(({ name }) => [`${name}-whole`, `${name}-single`])],
    sources.folder,
  );
  for (const { name } of CORPUS) dumps.set(name, await d1.dump(name, SNAPSHOT));
}, 300_000);

afterAll(async () => {
  await d1?.stop();
  d1?.remove();
  await sources?.remove();
  rmSync(folder, { recursive: true, force: true });
});

function dumpOf({ name }: Case): Dumped {
  const found = dumps.get(name);
  if (found === undefined) throw new Error(`There is no dump of ${name}`);
  return found;
}

/** What a dump says of its tables, but for their places, which depend on the header. */
function contents({ summary }: Dumped) {
  return summary.tables.map(({ name, rows, digest, columns }) => ({ name, rows, digest, columns }));
}

const named = CORPUS.map((entry) => [entry.name, entry] as const);

/** Differences that a case may have: SQL cannot carry what it is about. */
function differences(entry: Case, restored: DatabaseSync): string[] {
  const source = build(entry);
  const found = compare(source, restored, entry.exceptFts === undefined ? {} : { exceptFts: entry.exceptFts });
  source.close();
  return found;
}

/** Checks that a restore is exact, or, for what SQL cannot carry, that the dump said so beforehand. */
function expectExact(entry: Case, restored: DatabaseSync): void {
  const found = differences(entry, restored);
  if (found.length === 0) return;
  expect(entry.loses, found.join("\n")).toBeDefined();
  expect(dumpOf(entry).summary.warnings.length, found.join("\n")).toBeGreaterThan(0);
}

test.each(named)("%s: what SQL cannot carry is named as a warning, and nothing else is", (_, entry) => {
  const { warnings } = dumpOf(entry).summary;
  if (entry.loses !== undefined || entry.enforced !== undefined) expect(warnings).not.toEqual([]);
});

test.each(named)("%s: the newest SQLite restores it exactly", (_, entry) => {
  const restored = openEmpty();
  restored.exec(dumpOf(entry).sql.toString());
  expectExact(entry, restored);
  restored.close();
});

test.runIf(shell.status === 0).each(named)("%s: the sqlite3 shell restores it exactly", (_, entry) => {
  const native = spawnSync("sqlite3", ["-bail", ":memory:"], { input: entry.sql.join("\n;\n"), encoding: "utf8" });
  const file = join(folder, `${entry.name}.sqlite`);
  const run = spawnSync("sqlite3", ["-bail", file], { input: dumpOf(entry).sql, encoding: "utf8" });
  if (run.status !== 0 && TOO_NEW.test(run.stderr)) {
    process.stderr.write(`\nSKIPPED: ${entry.name} needs a newer sqlite3: ${run.stderr.trim()}\n`);
    return;
  }
  expect(run.stderr, native.stderr).toBe("");
  const restored = openDatabaseFile(file);
  expectExact(entry, restored);
  restored.close();
});

/** What sqlite3 3.40 says to features that came later, the case's own statements included. */
const TOO_NEW =
  /unrecognized option: "(locale|contentless_delete)"|number of arguments to function json|no such function: json|SQL logic error/;

test.each(named)("%s: file and D1, in one piece and in pages, give the same body and tables", async (_, entry) => {
  const { body } = dumpOf(entry);
  const file = build(entry);
  const ways = {
    "file in one piece": await dumpSource(asD1(file), SNAPSHOT),
    "file in pages": await dumpSource(asD1(file), PAGED),
    "D1 in pages": await d1.dump(entry.name, PAGED),
  };
  file.close();
  for (const [way, dumped] of Object.entries(ways)) {
    expect(dumped.body.equals(body), way).toBe(true);
    expect(contents(dumped), way).toEqual(contents(dumpOf(entry)));
  }
});

test.each(named)("%s: counting a restored database again gives the manifest's fingerprints", async (_, entry) => {
  if (entry.loses !== undefined) return;
  const restored = openEmpty();
  restored.exec(dumpOf(entry).sql.toString());
  const counted = await countAgain(restored);
  restored.close();
  expect(counted).toEqual(contents(dumpOf(entry)).map(({ name, columns }) => ({ name, columns })));
});

test.each(named)("%s: dumping what was restored gives the same body again", async (_, entry) => {
  if (entry.loses !== undefined) return;
  const restored = openEmpty();
  restored.exec(dumpOf(entry).sql.toString());
  const again = await dumpSource(asD1(restored), SNAPSHOT);
  restored.close();
  expect(again.body.toString()).toBe(dumpOf(entry).body.toString());
  expect(again.summary.schema.sha256).toBe(dumpOf(entry).summary.schema.sha256);
  expect(contents(again)).toEqual(contents(dumpOf(entry)));
});

test.each(named)("%s: no INSERT is longer than 90,000 bytes, and no other statement than D1's 100,000", (_, entry) => {
  for (const statement of dumpOf(entry).sql.toString().split(";\n")) {
    const limit = statement.startsWith("INSERT") ? 90_000 : 100_000;
    expect(Buffer.byteLength(statement)).toBeLessThanOrEqual(limit);
  }
});

test("D1 restores every case exactly, in one transaction and statement by statement, or the dump has said that it cannot", async () => {
  const refused = new Map<string, string>();
  for (const entry of CORPUS) {
    const { sql, summary } = dumpOf(entry);
    for (const mode of ["transaction", "autocommit"] as const) {
      const name = `${entry.name}-${mode === "transaction" ? "whole" : "single"}`;
      const reason = await d1.restore(name, { sql, mode });
      if (reason === null) continue;
      refused.set(name, reason);
      expect(summary.warnings, `${name}: ${reason}`).not.toEqual([]);
      if (mode === "transaction") expect(entry.enforced, `${name}: ${reason}`).toBeDefined();
    }
  }
  await d1.stop();
  for (const entry of CORPUS) {
    for (const way of ["whole", "single"]) {
      if (refused.has(`${entry.name}-${way}`)) continue;
      const restored = openDatabaseFile(d1.file(`${entry.name}-${way}`));
      expectExact(entry, restored);
      restored.close();
    }
  }
}, 300_000);
