import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { openDatabaseFile } from "../compare/d1-file.ts";
import { build } from "./build.ts";
import { CORPUS } from "./corpus.ts";
import { decades, doubleSql, randomDoubles } from "./doubles.ts";
import { startLocalD1 } from "./local-d1.ts";
import { readReadme, renderReadme } from "./readme.ts";

/** D1 counts the bytes of each statement of a call. */
const MAX_STATEMENT = 100_000;

/** D1's limit for a row, and for each value of it. */
const MAX_ROW = 2_000_000;

test("every case has a name of its own in kebab-case and says in one line what it breaks", () => {
  expect(new Set(CORPUS.map((entry) => entry.name)).size).toBe(CORPUS.length);
  for (const entry of CORPUS) {
    expect(entry.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(entry.breaks).toMatch(/^[^\n]{10,160}$/);
    expect(entry.breaks).not.toMatch(/\.$/);
  }
});

test("every statement is within what D1 takes", () => {
  for (const entry of CORPUS) {
    for (const sql of entry.sql) expect(Buffer.byteLength(sql), entry.name).toBeLessThanOrEqual(MAX_STATEMENT);
  }
});

test("every index that a comparison must leave out is one that the case says is lost", () => {
  for (const entry of CORPUS) {
    for (const table of entry.exceptFts ?? []) expect(entry.loses?.join(), entry.name).toContain(`table ${table}`);
  }
});

test("no value is larger than D1's limit, and one row comes within 100 bytes of it", () => {
  let largest = 0;
  for (const entry of CORPUS) {
    const database = build(entry);
    const tables = database.prepare("PRAGMA table_list").all();
    for (const { name } of tables.filter((table) => table["type"] === "table")) {
      const table = `"${String(name).replaceAll('"', '""')}"`;
      const all = database.prepare(`PRAGMA table_xinfo(${table})`).all();
      const columns = all.filter((column) => column["hidden"] === 0 || column["hidden"] === 3); // what is stored
      const sizes = columns.map(
        (column) => `ifnull(octet_length(t."${String(column["name"]).replaceAll('"', '""')}"), 0)`,
      );
      const row = database.prepare(`SELECT max(${sizes.join(" + ")}) AS size FROM ${table} AS t`).get();
      largest = Math.max(largest, Number(row?.["size"] ?? 0));
    }
    database.close();
  }
  expect(largest).toBeGreaterThan(MAX_ROW - 101);
  expect(largest).toBeLessThanOrEqual(MAX_ROW);
});

test("the cases whose rows D1 would refuse to take again are those that say so", () => {
  for (const entry of CORPUS) {
    const database = build(entry);
    expect(refusesItsRows(database), entry.name).toBe(entry.enforced !== undefined);
    database.close();
  }
});

/** Says whether foreign keys, being enforced, forbid rows that are there: by their values, or any row at all. */
function refusesItsRows(database: DatabaseSync): boolean {
  try {
    if (database.prepare("PRAGMA foreign_key_check").all().length > 0) return true;
  } catch {
    return true; // a parent key that is not unique
  }
  const tables = database.prepare("PRAGMA table_list").all();
  const names = new Set(tables.map((table) => String(table["name"]).toLowerCase()));
  return tables.some(({ name, type }) => {
    if (type !== "table") return false;
    const table = `"${String(name).replaceAll('"', '""')}"`;
    const parents = database.prepare(`PRAGMA foreign_key_list(${table})`).all();
    if (parents.every((parent) => names.has(String(parent["table"]).toLowerCase()))) return false;
    return database.prepare(`SELECT 1 FROM ${table}`).get() !== undefined;
  });
}

test("the doubles of the corpus are stored bit for bit", () => {
  for (const [name, values] of [
    ["random-doubles", randomDoubles()],
    ["real-every-decade", decades()],
  ] as const) {
    const entry = CORPUS.find((candidate) => candidate.name === name);
    if (entry === undefined) throw new Error(`No case ${name}`);
    const database = build(entry);
    const stored = database.prepare("SELECT n FROM t ORDER BY id").all();
    database.close();
    expect(stored.map((row) => row["n"])).toEqual(values);
  }
  expect(randomDoubles()).toHaveLength(2_000);
  expect([-0, 0, 1, -1.5].map(doubleSql).join(" ")).toBe(
    "-0.0 0.0 (4503599627370496.0*pow(2,-52)) (-6755399441055744.0*pow(2,-52))",
  );
});

test("local D1 accepts every case and then holds what node:sqlite holds", { timeout: 60_000 }, async () => {
  const d1 = await startLocalD1(CORPUS);
  try {
    expect(await d1.build()).toEqual([]);
    const database = await d1.database("one-row");
    expect((await database.prepare("SELECT a FROM t").run()).results).toEqual([{ a: "only" }]);
    await d1.stop();
    for (const entry of CORPUS) {
      expect(statSync(d1.file(entry.name)).size, entry.name).toBeGreaterThan(0);
      const inD1 = openDatabaseFile(d1.file(entry.name));
      const inNode = build(entry);
      // workerd's SQLite (3.54.1) counts the rows of contentless_delete tables otherwise than node's (3.53.4), and so
      // ranks what it finds otherwise: indexes that SQL cannot carry anyhow are left out.
      expect(compare(inD1, inNode, { exceptFts: entry.exceptFts }), entry.name).toEqual([]);
      inD1.close();
      inNode.close();
    }
  } finally {
    await d1.stop();
    await d1.remove();
  }
});

test("the README lists every case as it is", () => {
  expect(readReadme()).toBe(renderReadme());
});
