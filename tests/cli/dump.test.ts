import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { decodeManifest } from "@patina/archive/manifest";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { dumpSource } from "../dump/engines.ts";
import { patina, start, testFolder } from "./command.ts";
import { large, makeDatabase, SHOP } from "./databases.ts";

const folder = testFolder();
const shop = makeDatabase(join(folder, "src", "shop.sqlite"), SHOP);
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

test("patina dump writes what the exporter would: the same body, the object and a manifest that describes it", async () => {
  const to = join(folder, "same");
  const { exit, out, err } = await patina(["dump", shop, "--to", to]);
  expect(exit, err).toBe(0);
  const object = readFileSync(out.trim());
  const manifest = decodeManifest(readFileSync(out.trim().replace(".sql.gz", ".manifest.json"), "utf8"));
  const db = new DatabaseSync(shop, { readOnly: true });
  const { body } = await dumpSource(sqliteSource(db), 1e9);
  db.close();
  const sql = gunzipSync(object);
  expect(sql.subarray(manifest.sql.body.start, manifest.sql.body.end).equals(body)).toBe(true);
  expect(manifest).toMatchObject({
    database: "shop",
    consistency: "snapshot",
    rows: 9,
    object: {
      bytes: object.length,
      sha256: createHash("sha256").update(object).digest("hex"),
      etag: createHash("md5").update(object).digest("hex"),
    },
    sql: { bytes: sql.length, sha256: createHash("sha256").update(sql).digest("hex") },
  });
  expect(out.trim()).toBe(join(to, manifest.object.key));
});

test("patina dump --to a .sql.gz writes that file and its manifest beside it, and never over one", async () => {
  const file = join(folder, "one", "x.sql.gz");
  expect((await patina(["dump", shop, "--to", file])).exit).toBe(0);
  expect(filesBelow(join(folder, "one"))).toEqual(["x.manifest.json", "x.sql.gz"]);
  const before = readFileSync(file);
  const again = await patina(["dump", shop, "--to", file]);
  expect(again).toMatchObject({ exit: 11, out: "", err: expect.stringMatching(/is there already\.\nTry: /) });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test("patina dump of a database in use sees one instant, and what is still in its write-ahead log", async () => {
  const file = makeDatabase(join(folder, "wal", "busy.sqlite"), ["PRAGMA journal_mode=WAL", ...large(12)]);
  const writer = new DatabaseSync(file);
  writer.exec("CREATE TABLE pairs (a INTEGER, b INTEGER); INSERT INTO pairs VALUES (0, 0)");
  const running = start(["dump", file, "--to", join(folder, "wal-out"), "--json"]);
  let ended = false;
  const end = running.ended.finally(() => {
    ended = true;
  });
  for (let i = 1; !ended; i += 1) {
    writer.exec(`BEGIN; INSERT INTO pairs VALUES (${i}, ${i}); UPDATE pairs SET b = ${i}; COMMIT`);
    await new Promise((later) => setTimeout(later, 1));
  }
  writer.close();
  const { exit, out, err } = await end;
  expect(exit, err).toBe(0);
  const { file: dumped, manifest } = JSON.parse(out.toString());
  expect(manifest).toMatchObject({ mode: "paged", consistency: "snapshot" });
  const restored = new DatabaseSync(":memory:");
  restored.exec(gunzipSync(readFileSync(dumped)).toString());
  const pairs = restored.prepare("SELECT count(*) - 1 AS last, min(b) AS low, max(b) AS high FROM pairs").get();
  restored.close();
  expect(pairs?.["low"]).toBe(pairs?.["high"]);
  expect(pairs?.["last"]).toBe(pairs?.["high"]);
});

test("patina dump names what a file has and a dump does not carry", async () => {
  const file = makeDatabase(join(folder, "src", "versioned.sqlite"), ["CREATE TABLE t(a)", "PRAGMA user_version=7"]);
  const { err, out } = await patina(["dump", file, "--to", join(folder, "versioned"), "--json"]);
  expect(err).toContain("Note on versioned: PRAGMA user_version=7 is not carried.");
  expect(JSON.parse(out).manifest.warnings).toContain("PRAGMA user_version=7 is not carried");
});

test.each([
  ["the folder of the database", "src"],
  ["a folder below it", join("src", "backups", "deep")],
  ["a file beside it", join("src", "shop.sql.gz")],
])("patina dump refuses to write into %s", async (_, place) => {
  const { exit, err, out } = await patina(["dump", shop, "--to", join(folder, place)]);
  expect({ exit, out }).toEqual({ exit: 2, out: "" });
  expect(err).toContain("it is inside the folder of shop.sqlite itself");
  expect(filesBelow(join(folder, "src")).filter((name) => !name.includes(".sqlite"))).toEqual([]);
});

test("patina dump sees through a link into the folder of the database", async () => {
  execFileSync("ln", ["-sfn", join(folder, "src"), join(folder, "link")]);
  expect((await patina(["dump", shop, "--to", join(folder, "link", "out")])).exit).toBe(2);
});

const text = join(folder, "text.sqlite");
writeFileSync(text, "nothing like a database".repeat(20));
const wide = makeDatabase(join(folder, "wide.sqlite"), ["PRAGMA encoding='UTF-16le'", "CREATE TABLE t(a)"]);

test.each([
  ["a file that is not there", "gone.sqlite", 10, "Cannot find a file"],
  ["a folder", folder, 2, "it is a folder"],
  ["a file that is no database", text, 1, "it is not a SQLite database, or it is encrypted"],
  ["a database of UTF-16 text", wide, 1, "its texts are UTF-16le"],
  ["a name that cannot be used", makeDatabase(join(folder, "Ä.sqlite"), SHOP), 2, "--name shop"],
] as const)("patina dump of %s says so and writes nothing", async (_, file, exit, sentence) => {
  const to = join(folder, "nothing");
  const ended = await patina(["dump", file, "--to", to]);
  expect(ended.err).toContain(sentence);
  expect(ended).toMatchObject({ exit, out: "" });
  expect(existsSync(to)).toBe(false);
});

test("patina dump on a full disk says so and leaves nothing", async () => {
  const file = makeDatabase(join(folder, "full", "big.sqlite"), large(4));
  const to = join(folder, "full-out");
  // No file may become larger than 1,000 blocks of 512 or 1,024 bytes: a write beyond fails as on a full disk.
  const script = `trap '' XFSZ; ulimit -f 1000; exec "$0" "$@"`;
  const { COMMAND } = await import("./command.ts");
  let said = "";
  try {
    execFileSync("sh", ["-c", script, process.execPath, COMMAND, "dump", file, "--to", to], {
      encoding: "utf8",
      stdio: "pipe",
    });
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string };
    expect(status).toBe(1);
    said = stderr;
  }
  expect(said).toMatch(/there is no space left\.\nTry: /);
  expect(existsSync(to)).toBe(false);
});

test("patina dump into a folder that may not be written to says so", async () => {
  const to = join(folder, "locked");
  mkdirSync(to);
  chmodSync(to, 0o555);
  chmodSync(folder, 0o755);
  const { exit, err } = await patina(["dump", shop, "--to", to], isRoot ? { uid: NOBODY } : {});
  expect(err).toMatch(/^Cannot use .*locked.*: permission denied\.\nTry: /);
  expect(exit).toBe(1);
});

test("patina dump that is interrupted ends with 130 and leaves nothing", async () => {
  const file = makeDatabase(join(folder, "slow", "slow.sqlite"), large(30));
  const to = join(folder, "interrupted");
  const running = start(["dump", file, "--to", to]);
  while (!existsSync(to) || filesBelow(to).length === 0) await new Promise((later) => setTimeout(later, 5));
  expect(filesBelow(to).every((name) => name.endsWith(".partial"))).toBe(true);
  running.child.kill("SIGINT");
  const { exit, err } = await running.ended;
  expect(exit, err).toBe(130);
  expect(err).toContain("Interrupted. Nothing was left behind.");
  expect(existsSync(to)).toBe(false);
});

test("what patina dump wrote restores with plain sqlite3 tools to the same database", async () => {
  const { out } = await patina(["dump", shop, "--to", join(folder, "plain")]);
  const restored = new DatabaseSync(":memory:", { enableDoubleQuotedStringLiterals: true });
  restored.exec(gunzipSync(readFileSync(out.trim())).toString());
  expect(compare(shop, restored)).toEqual([]);
  restored.close();
});
