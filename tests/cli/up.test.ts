import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { patina, testFolder } from "./command.ts";
import { makeDatabase, SHOP } from "./databases.ts";

/** What `patina up` refuses before it starts anything; tests/system/command.test.ts starts it. */

const folder = testFolder();
const good = makeDatabase(join(folder, "good.sqlite"), SHOP);

let states = 0;
function freshState(): string {
  states += 1;
  return join(folder, `state-${states}`);
}

test.each([
  [
    "a missing file",
    ["--database", "shop=./gone.sqlite"],
    'Cannot find database "shop": there is no file ./gone.sqlite.',
  ],
  ["a name without a file", ["--database", "shop="], 'Cannot find database "shop": no file is named.'],
  ["a folder", ["--database", `shop=${folder}`], 'Cannot use database "shop":'],
  ["a name used twice", ["--database", `a=${good}`, "--database", `a=${good}`], 'Cannot use the name "a" twice'],
  ["two names of one binding", ["--database", `a-b=${good}`, "--database", `a_b=${good}`], "differ only in - and _"],
  [
    "a name that leaves a path",
    ["--database", `..=${good}`],
    'Cannot name a database "..": a name is lower-case letters',
  ],
  ["no wrangler project", ["--wrangler", folder], "has no wrangler configuration"],
  ["a misspelt option", ["--databse", "x"], "Did you mean --database?"],
  ["a port that is none", ["--port", "99999"], "A port is a number from 0 to 65535."],
])("patina up with %s says so in a sentence, exits with 2 and starts nothing", async (_, args, sentence) => {
  const state = freshState();
  const { exit, out, err } = await patina(["up", "--once", "--port", "0", "--state", state, ...args], { cwd: folder });
  expect(err).toContain(sentence);
  expect(err.trim().split("\n").length).toBeLessThanOrEqual(2);
  expect(out).toBe("");
  expect(exit).toBe(2);
  expect(existsSync(state)).toBe(false);
});

test("patina up on a port in use says so, exits with 2 and starts nothing", async () => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const state = freshState();
  const { exit, err } = await patina(["up", "--once", "--state", state, "--port", String(port), "--database", good]);
  server.close();
  expect(err).toContain(`Cannot listen on 127.0.0.1:${port}: the port is in use.\nTry: `);
  expect(exit).toBe(2);
  expect(existsSync(state)).toBe(false);
});
