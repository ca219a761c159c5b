import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { wranglerOptions } from "../wrangler/options.ts";
import { store, write } from "./bucket-folder.ts";
import { patina, testFolder } from "./command.ts";
import { makeDatabase, SHOP } from "./databases.ts";

const folder = testFolder();
const bucket = join(folder, "bucket");
const cloud = join(folder, "cloud");
const project = join(folder, "project");
const shop = makeDatabase(join(folder, "shop.sqlite"), SHOP);
const DAY = { kind: "daily", date: "2026-11-20" } as const;

beforeAll(async () => {
  await store(bucket, { ref: { ...DAY, database: "shop" }, sql: SHOP });
  write(join(cloud, "known.json"), JSON.stringify(wranglerOptions()));
  const standIn = join(import.meta.dirname, "wrangler-stand-in.mjs");
  const binary = join(project, "node_modules", ".bin", "wrangler");
  write(binary, `#!/bin/sh\nexec "${process.execPath}" "${standIn}" "$@"\n`);
  spawnSync("chmod", ["755", binary]);
}, 120_000);

beforeEach(() => {
  for (const name of readdirSync(cloud).filter((file) => file !== "known.json")) rmSync(join(cloud, name));
  makeDatabase(join(cloud, "live.sqlite"), ["CREATE TABLE _cf_bookmark(value)", "INSERT INTO _cf_bookmark VALUES(7)"]);
});

function restore(args: readonly string[], env: Record<string, string> = {}) {
  return patina(["restore", "shop", "--source", bucket, "--project", project, ...args], {
    cwd: folder,
    env: { STAND_IN: cloud, TMPDIR: folder, ...env },
  });
}

function calls(): string[][] {
  if (!existsSync(join(cloud, "calls.jsonl"))) return [];
  const lines = readFileSync(join(cloud, "calls.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

function live(): DatabaseSync {
  return new DatabaseSync(join(cloud, "live.sqlite"));
}

test("patina restore imports into an empty D1 database with wrangler, and proves it by reading it back", async () => {
  const { exit, out, err } = await restore(["--to", "d1:live", "--json"]);
  expect(exit, err).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ target: "D1 database live", verdict: "passed", emergency_backup: null });
  const imports = calls().filter((args) => args.includes("--file"));
  expect(imports).toEqual([["d1", "execute", "live", "--remote", "--yes", "--file", expect.any(String)]]);
  const db = live();
  db.exec("DROP TABLE _cf_bookmark");
  expect(compare(shop, db)).toEqual([]);
  db.close();
  expect(readdirSync(folder).filter((name) => name.startsWith("patina-import-"))).toEqual([]);
});

test("patina restore refuses a D1 database that holds something, and changes nothing", async () => {
  const db = live();
  db.exec("CREATE TABLE precious(a); INSERT INTO precious VALUES('here')");
  const refused = await restore(["--to", "d1:live"]);
  expect(refused).toMatchObject({
    exit: 11,
    err: expect.stringMatching(/it holds precious, and nothing was changed\.\nTry: npx wrangler d1 create/),
  });
  const unasked = await restore(["--to", "d1:live", "--replace"]);
  expect(unasked).toMatchObject({ exit: 2, err: expect.stringContaining("Add --yes") });
  expect(calls().some((args) => args.includes("--file"))).toBe(false);
  expect(db.prepare("SELECT a FROM precious").get()).toEqual({ a: "here" });
  db.close();
});

test("patina restore --replace backs a D1 database up, names bookmark and backup, and leaves nothing of it", async () => {
  const db = live();
  db.exec("CREATE TABLE precious(a); INSERT INTO precious VALUES('gone?'); CREATE TABLE orders(x)");
  const { exit, out, err } = await restore(["--to", "d1:live", "--replace", "--yes", "--json"]);
  expect(exit, err).toBe(0);
  expect(err).toMatch(/What live holds now is backed up in .*live\.sql\.gz, and is bookmark 0000-7 of Time Travel/);
  expect(JSON.parse(out)).toMatchObject({ verdict: "passed" });
  expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'precious'").all()).toEqual([]);
  db.close();
  const saved = join(folder, "saved.sqlite");
  await patina(["restore", JSON.parse(out).emergency_backup, "--to", saved]);
  const back = new DatabaseSync(saved);
  expect(back.prepare("SELECT a FROM precious").get()).toEqual({ a: "gone?" });
  back.close();
});

test("patina restore --table --replace puts one table of a D1 database back", async () => {
  rmSync(join(cloud, "live.sqlite"));
  makeDatabase(join(cloud, "live.sqlite"), ["CREATE TABLE _cf_bookmark(value)", ...SHOP, "DELETE FROM orders"]);
  const args = ["--to", "d1:live", "--table", "orders", "--replace", "--yes"];
  const { exit, out, err } = await restore(args);
  expect(exit, err).toBe(0);
  expect(out).toContain("Exact: ");
  const db = live();
  expect(db.prepare("SELECT count(*) AS rows FROM orders").get()).toEqual({ rows: 3 });
  expect(db.prepare("SELECT count(*) AS rows FROM customers").get()).toEqual({ rows: 3 });
  db.close();
});

test("an import that fails half-way says that it did, and how to go back", async () => {
  const { exit, out, err } = await restore(["--to", "d1:live"], { STAND_IN_FAILS_AT: 'INSERT INTO "orders"' });
  expect({ exit, out }).toEqual({ exit: 1, out: "" });
  expect(err).toContain(
    "live may hold a part of the backup.\nTry: npx wrangler d1 time-travel restore live --bookmark=0000-7",
  );
});

test("a backup that is damaged is not imported in parts either: it is read to its end before the first", async () => {
  const home = join(folder, "damaged");
  const { object } = await store(home, { ref: { ...DAY, database: "shop" }, sql: SHOP });
  const file = join(home, "daily/2026-11-20/shop.sql.gz");
  const bytes = readFileSync(file);
  bytes[object.bytes - 60] = (bytes[object.bytes - 60] ?? 0) ^ 1;
  write(file, bytes);
  const args = ["restore", "shop", "--source", home, "--project", project, "--to", "d1:live", "--part-size", "1"];
  const { exit, err } = await patina(args, { env: { STAND_IN: cloud } });
  expect(exit, err).toBe(4);
  expect(err).not.toContain("may hold a part");
  expect(calls().some((call) => call.includes("--file"))).toBe(false);
});

test("more than 5 GB is refused before anything is read, with the way that works; parts arrive one after the other", async () => {
  const home = join(folder, "huge");
  const manifest = await store(home, { ref: { ...DAY, database: "shop" }, sql: SHOP });
  const sql = { ...manifest.sql, bytes: 6_000_000_000 };
  write(join(home, "daily/2026-11-20/shop.manifest.json"), JSON.stringify({ ...manifest, sql }));
  const args = ["restore", "shop", "--source", home, "--project", project, "--to", "d1:live"];
  const refused = await patina(args, { env: { STAND_IN: cloud } });
  expect(refused).toMatchObject({
    exit: 1,
    err: expect.stringMatching(/has 6\.0 GB, and D1 takes 5 GB\.\nTry: --part-size 2000/),
  });
  expect(calls()).toEqual([]);
  const text = await patina(["restore", "shop", "--source", home, "--to", "-", "--d1-form"]);
  expect(text.err).toContain("--to d1:<name> --part-size 2000 imports it in parts.");
  const big = [
    "CREATE TABLE big(v)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO big SELECT randomblob(500) FROM n",
  ];
  await store(bucket, { ref: { ...DAY, database: "big" }, sql: big, snapshotBytes: 0 });
  const parts = await patina(
    ["restore", "big", "--source", bucket, "--project", project, "--to", "d1:live", "--part-size", "2"],
    { env: { STAND_IN: cloud } },
  );
  expect(parts.exit, parts.err).toBe(0);
  expect(calls().filter((call) => call.includes("--file")).length).toBeGreaterThan(1);
});

test.each([
  ["a database that there is not", ["--to", "d1:cart"], {}, 10, /does not know it\.\nTry: npx wrangler d1 create cart/],
  ["nobody logged in", ["--to", "d1:live"], { STAND_IN_LOGGED_OUT: "1" }, 12, /Try: npx wrangler login/],
] as const)("with %s it says so", async (_, args, env, exit, sentence) => {
  const ended = await restore(args, env);
  expect(ended.err).toMatch(sentence);
  expect(ended).toMatchObject({ exit, out: "" });
});

test("without a wrangler in the project it says how to get one", async () => {
  const bare = join(folder, "bare");
  mkdirSync(bare, { recursive: true });
  const args = ["restore", "shop", "--source", bucket, "--to", "d1:live", "--project", bare];
  const { exit, err } = await patina(args, { env: { PATH: "/nowhere" } });
  expect(err).toMatch(/there is no wrangler in .*bare\.\nTry: npm install --save-dev wrangler/);
  expect(exit).toBe(1);
});
