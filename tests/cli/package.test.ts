import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { VERSION } from "@patina/core/version";
import { expect, test } from "vitest";
import { COMMAND, patina, testFolder } from "./command.ts";

const folder = testFolder();

test("what is published is one file that runs without any dependency", () => {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: dirname(COMMAND), encoding: "utf8" });
  const [tarball = ""] = readdirSync(folder);
  execFileSync("tar", ["xzf", join(folder, tarball), "-C", folder]);
  const unpacked = join(folder, "package");
  expect(readdirSync(unpacked).sort()).toEqual(["LICENSE", "package.json", "patina.js"]);
  const { bin, version, dependencies } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
  expect({ bin, version, dependencies }).toEqual({ bin: { patina: "patina.js" }, version: VERSION });
  const told = execFileSync(process.execPath, [join(unpacked, bin.patina), "--version"], { cwd: folder });
  expect(told.toString()).toBe(`${VERSION}\n`);
  expect(statSync(join(unpacked, "patina.js")).size).toBeLessThan(2_000_000);
});

test("the published command says that it cannot start the Workers, which it does not bring", async () => {
  const { exit, err, out } = await patina(["up", "--port", "0", "--state", join(folder, "state")]);
  expect({ exit, out }).toEqual({ exit: 1, out: "" });
  expect(err).toContain("Cannot run Patina here: the published command comes without its Workers.\nTry: ");
});
