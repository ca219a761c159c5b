import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { VERSION } from "@patina/core/version";
import { expect, test } from "vitest";
import { COMMAND, patina, testFolder } from "./command.ts";
import { makeDatabase, SHOP } from "./databases.ts";

const folder = testFolder();

test("what is published is one file that runs without any dependency", () => {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: dirname(COMMAND), encoding: "utf8" });
  const [tarball = ""] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  execFileSync("tar", ["xzf", join(folder, tarball), "-C", folder]);
  const unpacked = join(folder, "package");
  expect(readdirSync(unpacked).sort()).toEqual(["LICENSE", "package.json", "patina.js"]);
  const { bin, version, dependencies } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
  expect({ bin, version, dependencies }).toEqual({ bin: { patina: "patina.js" }, version: VERSION });
  const empty = join(folder, "empty");
  mkdirSync(empty);
  const run = (...args: string[]) => spawnSync(join(unpacked, bin.patina), args, { cwd: empty, encoding: "utf8" });
  expect(run("--version").stdout).toBe(`${VERSION}\n`);
  expect(run("restore", "--help").stdout).toContain("--to <target>");
  const file = makeDatabase(join(folder, "shop.sqlite"), SHOP);
  expect(run("doctor", file)).toMatchObject({ status: 0, stderr: "" });
  expect(readdirSync(empty)).toEqual([]);
  expect(statSync(join(unpacked, "patina.js")).size).toBeLessThan(2_000_000);
});

test("on an older Node, which knows less of SQLite, the command restores all the same", () => {
  const old = join(folder, "old-node.cjs");
  writeFileSync(old, 'delete require("node:sqlite").DatabaseSync.prototype.enableDefensive;');
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["-r", old, COMMAND, ...args], { cwd: folder, encoding: "utf8" });
  const file = makeDatabase(join(folder, "old", "shop.sqlite"), SHOP);
  expect(run("dump", file, "--to", "shop.sql.gz")).toMatchObject({ status: 0 });
  const restored = run("restore", "shop.sql.gz", "--to", "restored.sqlite");
  expect(restored).toMatchObject({ status: 0, stdout: expect.stringContaining("Exact: ") });
  expect(run("query", "shop.sql.gz", "SELECT count(*) FROM customers")).toMatchObject({ status: 0 });
});

/** A Node of this machine that is too old, if there is one: the project's own is not. */
function oldNode(): string | null {
  const places = (process.env["PATH"] ?? "").split(delimiter).map((place) => join(place, "node"));
  for (const node of places.filter((path) => existsSync(path))) {
    const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
    if (Number.parseInt(stdout.slice(1), 10) < 22) return node;
  }
  return null;
}

const old = oldNode();
if (old === null) process.stderr.write("\nSKIPPED: no Node older than 22 is here to run the command with\n");

test.skipIf(old === null)("on a Node that is too old the command says which one it needs, and how to get it", () => {
  const { status, stdout, stderr } = spawnSync(old ?? "", [COMMAND, "list", "--json"], { encoding: "utf8" });
  expect(stderr).toMatch(
    /^Cannot run patina: it needs Node 22\.16, or 24 or newer, and this is Node \d+\.\d+\.\d+\.\nTry: npx /,
  );
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
});

test("the published command says that it cannot start the Workers, which it does not bring", async () => {
  const { exit, err, out } = await patina(["up", "--port", "0", "--state", join(folder, "state")]);
  expect({ exit, out }).toEqual({ exit: 1, out: "" });
  expect(err).toContain("Cannot run Patina here: the published command comes without its Workers.\nTry: ");
});
