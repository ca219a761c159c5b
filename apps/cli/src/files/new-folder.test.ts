import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeFolder } from "./new-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "patina-folders-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("folders that were made and stayed empty are taken away, one that was there before is not", () => {
  const undo = makeFolder(join(folder, "a", "b", "c"));
  expect(existsSync(join(folder, "a", "b", "c"))).toBe(true);
  undo();
  expect(existsSync(join(folder, "a"))).toBe(false);
  expect(existsSync(folder)).toBe(true);
  makeFolder(folder)();
  expect(existsSync(folder)).toBe(true);
});

test("a folder that something was put into stays, with those above it", () => {
  const undo = makeFolder(join(folder, "x", "y"));
  writeFileSync(join(folder, "x", "file"), "");
  undo();
  expect(existsSync(join(folder, "x", "file"))).toBe(true);
  expect(existsSync(join(folder, "x", "y"))).toBe(false);
});

test("where only a part of them can be made, that part is taken away again", () => {
  const long = "n".repeat(300);
  expect(() => makeFolder(join(folder, "p", "q", long))).toThrow("ENAMETOOLONG");
  expect(existsSync(join(folder, "p"))).toBe(false);
  writeFileSync(join(folder, "taken"), "");
  expect(() => makeFolder(join(folder, "taken", "below"))).toThrow("ENOTDIR");
  mkdirSync(join(folder, "there"));
  expect(() => makeFolder(join(folder, "there", long))).toThrow("ENAMETOOLONG");
  expect(existsSync(join(folder, "there"))).toBe(true);
});
