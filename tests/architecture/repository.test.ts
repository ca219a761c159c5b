import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "@patina/core/version";
import { expect, test } from "vitest";

const PROJECT = join(import.meta.dirname, "..", "..");

function read(file: string): string {
  return readFileSync(join(PROJECT, file), "utf8");
}

const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: PROJECT, encoding: "utf8" })
  .trim()
  .split("\n");

test("the top level is what was agreed, and nothing else", () => {
  const top = new Set(files.map((file) => file.split("/")[0]).filter((name) => name !== undefined));
  const folders = ["apps", "docs", "infra", "packages", "tests", ".ci"];
  const agreed = ["package.json", "pnpm-workspace.yaml", "turbo.json", "wrangler.toml"];
  const documents = ["ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md", "LICENSE", "README.md"];
  const tools = [
    ".editorconfig",
    ".gitignore",
    "biome.json",
    "knip.json",
    "pnpm-lock.yaml",
    "tsconfig.base.json",
    "vitest.config.ts",
  ];
  const known = new Set([...folders, ...agreed, ...documents, ...tools]);
  expect([...top].filter((name) => !known.has(name))).toEqual([]);
  expect([...folders, ...agreed, ...documents].filter((name) => !top.has(name))).toEqual([]);
});

test("the version that the Workers tell is the package's", () => {
  expect(JSON.parse(read("package.json")).version).toBe(VERSION);
});

test("every dependency is pinned to one release", () => {
  for (const file of files.filter((name) => name.endsWith("package.json"))) {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(read(file));
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, `${name} in ${file}`).toMatch(/^(workspace:\*|\d+\.\d+\.\d+(-[\w.]+)?)$/);
    }
  }
});

test("node_modules holds one workerd, one wrangler and one miniflare", () => {
  const lock = read("pnpm-lock.yaml");
  for (const name of ["workerd", "wrangler", "miniflare"]) {
    const versions = new Set([...lock.matchAll(new RegExp(`^  ${name}@([^:(]+)`, "gm"))].map(([, version]) => version));
    expect([...versions], name).toHaveLength(1);
  }
});

/** Generated, or one declaration after another, which drizzle-kit reads as one. */
const LONG = [/worker-configuration\.d\.ts$/, /^packages\/catalog\/src\/schema\.ts$/];

test("no source file is longer than 400 lines", () => {
  const sources = files.filter((name) => /\.(ts|tsx|mjs)$/.test(name) && !LONG.some((long) => long.test(name)));
  for (const file of sources) {
    expect(read(file).split("\n").length, file).toBeLessThanOrEqual(400);
  }
});
