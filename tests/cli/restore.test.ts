import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { store, write } from "./bucket-folder.ts";
import { COMMAND, onTerminal, patina, start, testFolder } from "./command.ts";
import { large, makeDatabase, SHOP } from "./databases.ts";
import { type S3Server, startS3 } from "./s3-server.ts";

const folder = testFolder();
const bucket = join(folder, "bucket");
const shop = makeDatabase(join(folder, "original", "shop.sqlite"), SHOP);
const DAY = { kind: "daily", date: "2026-11-20" } as const;
let s3: S3Server;

beforeAll(async () => {
  await store(bucket, { ref: { ...DAY, database: "shop" }, sql: SHOP });
  await store(bucket, { ref: { ...DAY, date: "2026-11-19", database: "shop" }, sql: SHOP.slice(0, 3) });
  await store(bucket, { ref: { ...DAY, database: "big" }, sql: large(25), snapshotBytes: 0 });
  s3 = await startS3(bucket);
});

afterAll(() => s3.stop());

let targets = 0;
/** A path that nothing has yet, in a folder of its own. */
function fresh(name = "shop.sqlite"): string {
  targets += 1;
  const home = join(folder, `target-${targets}`);
  mkdirSync(home);
  return join(home, name);
}

function restore(args: readonly string[], options: Parameters<typeof patina>[1] = {}) {
  return patina(["restore", ...args, "--source", bucket], { cwd: folder, ...options });
}

test("patina restore makes a new SQLite file that equals the original, and says that it is exact", async () => {
  const to = fresh();
  const { exit, out, err } = await restore(["shop", "--to", to]);
  expect(exit, err).toBe(0);
  expect(out).toMatch(/^Restored shop@2026-11-20 to .*shop\.sqlite in .*: 9 rows in 3 tables, .* of SQL\.\nExact: /);
  expect(compare(shop, to)).toEqual([]);
  expect(readdirSync(join(to, ".."))).toEqual(["shop.sqlite"]);
});

test.each([
  ["a date", ["shop", "--date", "2026-11-19"]],
  ["a date in the name", ["shop@2026-11-19"]],
  ["an object's key", ["daily/2026-11-19/shop.sql.gz"]],
  ["a file", [join(bucket, "daily/2026-11-19/shop.sql.gz")]],
])("patina restore of %s restores that backup", async (_, args) => {
  const to = fresh();
  const { exit, out, err } = await restore([...args, "--to", to, "--json"]);
  expect(exit, err).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ verdict: "passed", target: to, emergency_backup: null });
  const db = new DatabaseSync(to);
  expect(db.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE type = 'table'").get()).toEqual({ tables: 3 });
  db.close();
});

test("patina restore from an S3 bucket survives a server that breaks off now and then", async () => {
  const to = fresh();
  s3.mischief.push("break", "503", "cut");
  const args = ["restore", "shop", "--source", "s3://backups", "--to", to];
  const { exit, err } = await patina(args, { env: s3.env });
  expect(exit, err).toBe(0);
  expect(compare(shop, to)).toEqual([]);
});

test("patina restore from a server that is gone half-way says so and leaves nothing", async () => {
  const to = fresh("big.sqlite");
  const server = await startS3(bucket);
  const running = start(["restore", "big", "--source", "s3://backups", "--to", to], { env: server.env });
  while (!server.requests.some((request) => request.includes("bytes="))) await new Promise((go) => setTimeout(go, 5));
  await server.stop();
  const { exit, err } = await running.ended;
  expect(exit, err).toBe(13);
  expect(err).toMatch(/Cannot reach http:.*\nTry: /);
  expect(readdirSync(join(to, ".."))).toEqual([]);
});

test("patina restore --to - writes SQL that the sqlite3 shell takes, and nothing else, to standard output", async () => {
  const to = fresh();
  const { exit, out, err } = await restore(["shop", "--to", "-"]);
  expect(exit).toBe(0);
  expect(err).toMatch(/Wrote shop@2026-11-20 to standard output: \d+ bytes of SQL\./);
  execFileSync("sqlite3", ["-bail", to], { input: out });
  expect(compare(shop, to)).toEqual([]);
});

test("patina restore --table reads and restores only that table, with its index and trigger", async () => {
  const to = fresh();
  s3.requests.length = 0;
  const args = ["restore", "shop", "--source", "s3://backups", "--table", "orders", "--to", to, "--json"];
  const { exit, out, err } = await patina(args, { env: s3.env });
  expect(exit, err).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ verdict: "passed", tables: [{ name: "orders", rows: 3 }] });
  const db = new DatabaseSync(to);
  const names = db.prepare("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all();
  expect(names.map(({ name }) => name)).toEqual(["orders", "orders_audit", "orders_by_customer"]);
  db.close();
});

test("patina restore --table of a large backup reads its byte ranges and not the rest", async () => {
  const sql = [...large(8), "CREATE TABLE small(a)", "INSERT INTO small VALUES (1), (2)"];
  const { object } = await store(bucket, { ref: { ...DAY, database: "mixed" }, sql, snapshotBytes: 0 });
  s3.requests.length = 0;
  const to = fresh();
  const args = ["restore", "mixed", "--source", "s3://backups", "--table", "small", "--to", to];
  expect((await patina(args, { env: s3.env })).exit).toBe(0);
  const read = s3.requests.map((request) => /bytes=(\d+)-(\d+)/.exec(request)).filter((found) => found !== null);
  const bytes = read.reduce((sum, [, from, until]) => sum + Number(until) - Number(from) + 1, 0);
  expect(bytes).toBeLessThan(object.bytes / 2);
});

test("patina restore --dry-run says what would be done and does nothing", async () => {
  const to = fresh();
  const { exit, out } = await restore(["shop", "--to", to, "--dry-run", "--json"]);
  expect(exit).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    dry_run: true,
    backup: "shop@2026-11-20",
    consistency: "snapshot",
    target: to,
    tables: [
      { name: "customers", rows: 3 },
      { name: "orders", rows: 3 },
      { name: "audit", rows: 3 },
    ],
    required_bytes: expect.any(Number),
    available_bytes: expect.any(Number),
    steps: expect.arrayContaining([expect.stringContaining("Compare every table")]),
  });
  expect(existsSync(to)).toBe(false);
});

test("patina restore never writes over a target, and changes nothing when it refuses", async () => {
  const to = makeDatabase(fresh(), ["CREATE TABLE precious(a)"]);
  const before = readFileSync(to);
  const refused = await restore(["shop", "--to", to]);
  expect(refused).toMatchObject({
    exit: 11,
    out: "",
    err: expect.stringMatching(/it is there already, and nothing was changed\.\nTry: /),
  });
  const unasked = await restore(["shop", "--to", to, "--replace"]);
  expect(unasked).toMatchObject({ exit: 2, err: expect.stringContaining("Add --yes") });
  expect(readFileSync(to).equals(before)).toBe(true);
  expect(existsSync(join(folder, "patina-emergency"))).toBe(false);
});

test("patina restore --replace backs up what is there, asks for its name, and then replaces it", async () => {
  const to = makeDatabase(fresh("live.sqlite"), ["CREATE TABLE precious(a)", "INSERT INTO precious VALUES('gone?')"]);
  const emergency = join(folder, "emergency-1");
  const args = ["restore", "shop", "--source", bucket, "--to", to, "--replace", "--emergency", emergency];
  const wrong = await onTerminal(args, { typed: "life.sqlite\n", at: /to replace it:/, cwd: folder });
  expect(wrong.said).toContain("that is not its name, and nothing was changed");
  expect(wrong.exit).toBe(1);
  const right = await onTerminal(args, { typed: "live.sqlite\n", at: /to replace it:/, cwd: folder });
  expect(right.exit, right.said).toBe(0);
  expect(right.said).toContain("Type live.sqlite to replace it:");
  expect(compare(shop, to)).toEqual([]);
  const [, saved = ""] = /What was there before is in (\S+\.sql\.gz)/.exec(right.said) ?? [];
  const back = fresh();
  expect((await patina(["restore", saved, "--to", back])).exit).toBe(0);
  const db = new DatabaseSync(back);
  expect(db.prepare("SELECT a FROM precious").get()).toEqual({ a: "gone?" });
  db.close();
});

test("patina restore --replace reaches a database that others have open, and takes their last write along", async () => {
  const to = makeDatabase(fresh(), ["PRAGMA journal_mode=WAL", "CREATE TABLE precious(a)"]);
  const user = new DatabaseSync(to);
  user.exec("INSERT INTO precious VALUES('only in the log')");
  const { exit, out, err } = await restore(["shop", "--to", to, "--replace", "--yes", "--json"]);
  expect(exit, err).toBe(0);
  expect(user.prepare("SELECT count(*) AS orders FROM orders").get()).toEqual({ orders: 3 });
  user.close();
  const saved = fresh();
  await patina(["restore", JSON.parse(out).emergency_backup, "--to", saved]);
  const db = new DatabaseSync(saved);
  expect(db.prepare("SELECT a FROM precious").get()).toEqual({ a: "only in the log" });
  db.close();
});

test("patina restore --replace of a database that is locked changes nothing and says what to do", async () => {
  const to = makeDatabase(fresh(), ["CREATE TABLE precious(a)"]);
  const user = new DatabaseSync(to);
  user.exec("BEGIN; INSERT INTO precious VALUES(1)");
  const { exit, err } = await restore(["shop", "--to", to, "--replace", "--yes"]);
  expect(exit, err).toBe(11);
  expect(err).toMatch(/nothing was changed\.\nTry: Stop what uses the database/);
  user.exec("COMMIT");
  expect(user.prepare("SELECT count(*) AS rows FROM precious").get()).toEqual({ rows: 1 });
  user.close();
  expect(readdirSync(join(to, ".."))).toEqual(["shop.sqlite"]);
});

test("patina restore --table --replace puts one table back and leaves the others alone", async () => {
  const to = makeDatabase(fresh(), SHOP);
  const live = new DatabaseSync(to);
  live.exec("DELETE FROM orders; INSERT INTO customers VALUES (4, 'new since')");
  const { exit, out, err } = await restore(["sho", "--table", "ord", "--to", to, "--replace", "--yes", "--json"]);
  expect(exit, err).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ verdict: "passed", tables: [{ name: "orders" }] });
  expect(live.prepare("SELECT count(*) AS orders FROM orders").get()).toEqual({ orders: 3 });
  expect(live.prepare("SELECT count(*) AS customers FROM customers").get()).toEqual({ customers: 4 });
  live.exec("INSERT INTO orders(customer, total) VALUES (1, 5)");
  expect(live.prepare("SELECT what FROM audit ORDER BY rowid DESC").get()).toEqual({ what: "order 4" });
  live.close();
});

test("a file that is no database any more is copied before it is replaced", async () => {
  const to = fresh();
  writeFileSync(to, "scrambled ".repeat(1_000));
  const { exit, out, err } = await restore(["shop", "--to", to, "--replace", "--yes", "--json"]);
  expect(exit, err).toBe(0);
  expect(readFileSync(JSON.parse(out).emergency_backup, "utf8")).toBe("scrambled ".repeat(1_000));
  expect(compare(shop, to)).toEqual([]);
});

test("a dump without a manifest is restored, and the verdict says that only rows were counted", async () => {
  const file = join(folder, "lone", "shop.sql.gz");
  write(file, readFileSync(join(bucket, "daily/2026-11-20/shop.sql.gz")));
  const to = fresh();
  const { exit, out, err } = await patina(["restore", file, "--to", to]);
  expect(exit, err).toBe(0);
  expect(out).toContain("Complete as far as can be told:\n  Without a manifest rows were counted, not compared.");
  expect(compare(shop, to)).toEqual([]);
  const one = await patina(["restore", file, "--table", "orders", "--to", fresh()]);
  expect(one).toMatchObject({ exit: 2, err: expect.stringContaining("only its manifest tells where they are") });
});

/** Damages to a stored backup: how the object and its manifest are changed. */
const DAMAGES: readonly (readonly [string, (object: Buffer) => Buffer])[] = [
  ["cut off", (object) => object.subarray(0, object.length - 500)],
  ["empty", () => Buffer.alloc(0)],
  ["one bit flipped", (object) => object.map((byte, i) => (i === 60 ? byte ^ 1 : byte)) as Buffer],
];

test.each(DAMAGES)(
  "a backup whose object is %s is not restored, with or without its manifest, and nothing is left",
  async (_, damage) => {
    for (const hasManifest of [true, false]) {
      targets += 1;
      const home = join(folder, `damaged-${targets}`);
      write(join(home, "shop.sql.gz"), damage(readFileSync(join(bucket, "daily/2026-11-20/shop.sql.gz"))));
      if (hasManifest)
        write(join(home, "shop.manifest.json"), readFileSync(join(bucket, "daily/2026-11-20/shop.manifest.json")));
      const to = fresh();
      const { exit, out, err } = await patina(["restore", join(home, "shop.sql.gz"), "--to", to]);
      expect(err).toMatch(/^Cannot (restore|read) /);
      expect({ exit, out }).toEqual({ exit: 4, out: "" });
      expect(readdirSync(join(to, ".."))).toEqual([]);
    }
  },
);

test("a restore whose rows are not those of the manifest is called wrong, with the table's name", async () => {
  const home = join(folder, "forged");
  const manifest = await store(home, { ref: { ...DAY, database: "shop" }, sql: SHOP });
  const tables = manifest.tables.map((table) =>
    table.name === "orders" ? { ...table, digest: "0".repeat(64) } : table,
  );
  write(join(home, "daily/2026-11-20/shop.manifest.json"), JSON.stringify({ ...manifest, tables }));
  const { exit, out } = await patina(["restore", "shop", "--source", home, "--to", fresh()]);
  expect(exit).toBe(4);
  expect(out).toContain('Not what the backup says:\n  The rows of table "orders" are not those that were backed up.');
});

test("patina restore that is interrupted leaves nothing", async () => {
  const to = fresh("big.sqlite");
  const running = start(["restore", "big", "--source", bucket, "--to", to], { cwd: folder });
  while (readdirSync(join(to, "..")).length === 0) await new Promise((go) => setTimeout(go, 1));
  expect(readdirSync(join(to, ".."))).toEqual([expect.stringMatching(/^big\.sqlite\.\d+\.partial$/)]);
  running.child.kill("SIGINT");
  const { exit, err } = await running.ended;
  expect(exit, err).toBe(130);
  expect(readdirSync(join(to, ".."))).toEqual([]);
});

test("patina restore that is killed leaves only a file that says that it is partial", async () => {
  const to = fresh("big.sqlite");
  const running = start(["restore", "big", "--source", bucket, "--to", to], { cwd: folder });
  while (readdirSync(join(to, "..")).length === 0) await new Promise((go) => setTimeout(go, 1));
  running.child.kill("SIGKILL");
  await running.ended;
  expect(readdirSync(join(to, "..")).every((name) => name.includes(".partial"))).toBe(true);
});

test("patina restore --table --replace that is killed leaves the database as it was", async () => {
  const to = makeDatabase(fresh("big.sqlite"), [
    "CREATE TABLE big(id INTEGER PRIMARY KEY, v)",
    "INSERT INTO big VALUES(1, 'live')",
  ]);
  const args = ["restore", "big", "--source", bucket, "--table", "big", "--to", to, "--replace", "--yes"];
  const running = start(args, { cwd: folder });
  while (!readdirSync(join(to, "..")).some((name) => name.endsWith("-journal"))) {
    if (running.child.exitCode !== null) throw new Error(running.said());
    await new Promise((go) => setTimeout(go, 1));
  }
  running.child.kill("SIGKILL");
  await running.ended;
  const db = new DatabaseSync(to);
  expect(db.prepare("SELECT id, v FROM big").all()).toEqual([{ id: 1, v: "live" }]);
  db.close();
});

test("patina restore on a disk that fills up says so and leaves nothing", () => {
  const to = fresh("big.sqlite");
  const script = `trap '' XFSZ; ulimit -f 8000; exec "$0" "$@"`;
  const args = ["restore", "big", "--source", bucket, "--to", to];
  const run = spawnSync("sh", ["-c", script, process.execPath, COMMAND, ...args], { encoding: "utf8" });
  expect(run.stderr).toMatch(/Cannot restore big@2026-11-20: there is no space left\.\nTry: /);
  expect(run.status).toBe(1);
  expect(readdirSync(join(to, ".."))).toEqual([]);
});

test("patina restore refuses early what cannot fit, with what is required and what is available", async () => {
  const home = join(folder, "huge");
  const manifest = await store(home, { ref: { ...DAY, database: "shop" }, sql: SHOP });
  const sql = { ...manifest.sql, bytes: 1e15 };
  write(join(home, "daily/2026-11-20/shop.manifest.json"), JSON.stringify({ ...manifest, sql }));
  const to = fresh();
  const { exit, err } = await patina(["restore", "shop", "--source", home, "--to", to]);
  expect(err).toMatch(/at least 500 TB are required, .* are available\.\nTry: /);
  expect(exit).toBe(1);
  const text = await patina(["restore", "shop", "--source", home, "--to", `${to}.sql`]);
  expect(text).toMatchObject({ exit: 1, err: expect.stringMatching(/at least 1000 TB are required/) });
});

test.each([
  [
    "a table that is not there",
    ["shop", "--table", "carts"],
    10,
    /has none of that name\.\nTry: It has customers, orders, audit\./,
  ],
  ["a backup named twice", ["shop@latest", "--date", "2026-11-20"], 2, /it is named twice/],
  ["SQL and JSON at once", ["shop", "--json", "--to", "-"], 2, /Cannot print SQL and JSON at once/],
  ["the logs of an earlier database", ["shop"], 11, /of an earlier database is still there/],
] as const)("patina restore with %s says so and starts nothing", async (what, args, exit, sentence) => {
  const to = fresh();
  if (what.startsWith("the logs")) writeFileSync(`${to}-wal`, "");
  const ended = await restore([...args, ...(args.includes("--to" as never) ? [] : ["--to", to])]);
  expect(ended.err).toMatch(sentence);
  expect(ended.exit).toBe(exit);
  expect(existsSync(to)).toBe(false);
});
