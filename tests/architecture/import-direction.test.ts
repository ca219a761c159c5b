import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const PROJECT = join(import.meta.dirname, "..", "..");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "patina-boundaries-"));
  for (const file of ["turbo.json", "package.json", "pnpm-workspace.yaml"])
    cpSync(join(PROJECT, file), join(folder, file));
  write("pnpm-lock.yaml", "lockfileVersion: '9.0'\n");
  spawnSync("git", ["init", "-q"], { cwd: folder });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** A package with the tag of the project's own package of that name. */
function make(path: string, options: { dependencies?: Record<string, string>; source: string }): void {
  const name = `@patina/${path.split("/")[1]}`;
  write(`${path}/package.json`, JSON.stringify({ name, version: "0.0.0", dependencies: options.dependencies ?? {} }));
  cpSync(join(PROJECT, path, "turbo.json"), join(folder, path, "turbo.json"));
  write(`${path}/src/index.ts`, options.source);
}

function boundaries(): { ok: boolean; text: string } {
  const run = spawnSync(join(PROJECT, "node_modules", ".bin", "turbo"), ["boundaries"], {
    cwd: folder,
    encoding: "utf8",
  });
  return { ok: run.status === 0, text: run.stdout + run.stderr };
}

const CORE = { "@patina/core": "workspace:*" };
const ALL = {
  ...CORE,
  "@patina/dump": "workspace:*",
  "@patina/catalog": "workspace:*",
  "@patina/exporter": "workspace:*",
};

test("imports in the right direction pass", () => {
  make("packages/core", { source: "export const a = 1;\n" });
  make("packages/dump", { dependencies: CORE, source: 'import { a } from "@patina/core";\nexport const b = a;\n' });
  make("apps/exporter", { dependencies: { "@patina/dump": "workspace:*" }, source: 'import "@patina/dump";\n' });
  expect(boundaries()).toMatchObject({ ok: true });
});

test.each([
  ["core imports anything", "packages/core", "@patina/dump"],
  ["a pure package imports an adapter", "packages/dump", "@patina/catalog"],
  ["a package imports an app", "packages/catalog", "@patina/exporter"],
  ["an app imports an app", "apps/dispatcher", "@patina/exporter"],
])("the check fails when %s", (_, from, to) => {
  const paths = ["packages/core", "packages/dump", "packages/catalog", "apps/exporter", "apps/dispatcher"];
  for (const path of paths) make(path, { source: "export {};\n" });
  make(from, { dependencies: { [to]: ALL[to as keyof typeof ALL] ?? "workspace:*" }, source: `import "${to}";\n` });
  const { ok, text } = boundaries();
  expect(ok, text).toBe(false);
  expect(text).toContain(to);
});

test("the check fails when a file reaches into another package by its path", () => {
  make("packages/core", { source: "export const a = 1;\n" });
  make("packages/dump", { source: 'import { a } from "../../core/src/index.ts";\nexport const b = a;\n' });
  expect(boundaries().ok).toBe(false);
});
