import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LocalState } from "./state.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "patina-state-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A folder as a local run leaves it. */
function usedState(): LocalState {
  const state = new LocalState(folder);
  state.make();
  state.adminToken();
  state.alertKey();
  mkdirSync(state.samples);
  writeFileSync(state.log, "");
  return state;
}

test("remove() takes away all that a local run has made", () => {
  usedState().remove();
  expect(existsSync(folder)).toBe(false);
});

test("remove() leaves what somebody else keeps in the folder", () => {
  const state = usedState();
  writeFileSync(join(folder, "notes.txt"), "mine");
  state.remove();
  expect(readdirSync(folder)).toEqual(["notes.txt"]);
});

test("remove() touches nothing of a folder in which there was no local run, or of none", () => {
  for (const name of ["state", "samples"]) mkdirSync(join(folder, name));
  new LocalState(folder).remove();
  new LocalState(join(folder, "none")).remove();
  expect(readdirSync(folder)).toEqual(["samples", "state"]);
});
