import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type System, startSystem } from "../system/harness.ts";
import { patina, start, testFolder } from "./command.ts";
import { makeDatabase, SHOP } from "./databases.ts";

const folder = testFolder();
let system: System;
let env: Record<string, string>;

beforeAll(async () => {
  const files = ["shop", "blog"].map((name) => makeDatabase(join(folder, `${name}.sqlite`), SHOP));
  system = await startSystem({ folder, files });
  env = { PATINA_URL: system.patina.url.href, PATINA_TOKEN: system.patina.token };
}, 120_000);

afterAll(() => system.patina.stop());

test("patina trigger --wait follows the job to its end and shows what came of it", async () => {
  const { exit, out, err } = await patina(["trigger", "sh", "--reason", "a test", "--wait"], { env });
  expect(exit, err).toBe(0);
  expect(out).toMatch(
    /^database\tstatus\tconsistency\ttables\t.*\nshop\tsucceeded\tsnapshot\t3\t9\t\d+\t\d+\t\d+\t[0-9a-f]{64}\t/,
  );
  expect(err).toMatch(/^Job manual-.*\n {2}backed up {2}shop: 9 rows/);
  expect(err).toMatch(/Job manual-.* completed in .*: 1 of 1 databases backed up; 9 rows/);
});

test("patina trigger prints the job's id, and patina status shows the job, all of it and everything", async () => {
  const { out } = await patina(["trigger"], { env });
  const id = out.trim();
  expect(id).toMatch(/^manual-\d{8}-\d{6}-[0-9a-f]{6}$/);
  const watched = await patina(["status", "latest", "--watch", "--json"], { env });
  expect(watched.exit, watched.err).toBe(0);
  expect(JSON.parse(watched.out)).toMatchObject({ id, status: "completed", succeeded: 2 });
  const begun = await patina(["status", id.slice(0, -2), "--json"], { env });
  expect(JSON.parse(begun.out)).toMatchObject({ id });
  const status = await patina(["status"], { env });
  expect(status.out).toMatch(/^2 databases\nLast {5}manual-.*: all 2 backed up, .* ago\nNext {5}nightly at /);
  const json = JSON.parse((await patina(["status", "--json"], { env })).out);
  expect(json).toMatchObject({ databases: 2, active_jobs: [], last_completed: { id } });
});

test.each([
  [
    "a database that is not registered",
    ["trigger", "cart"],
    {},
    10,
    /Cannot find database "cart": none has that name\.\nTry: One of blog, shop\./,
  ],
  [
    "a job that there is not",
    ["status", "manual-20260101-000000-aaaaaa"],
    {},
    10,
    /Cannot find job "manual-20260101-0000/,
  ],
  [
    "a wrong token",
    ["status"],
    { PATINA_TOKEN: "hush-hush-hush-hush" },
    12,
    /the token was refused\.\nTry: Check PATINA_TOKEN/,
  ],
  [
    "a token that cannot be one, without repeating it",
    ["status"],
    { PATINA_TOKEN: "s3cr\net" },
    2,
    /^Cannot ask http:\S+: PATINA_TOKEN has a character that no token has\.\nTry: [^\n]*\n$/,
  ],
  [
    "a token in typographic quotes",
    ["status"],
    { PATINA_TOKEN: "\u201cs3cret\u201d" },
    2,
    /PATINA_TOKEN has a character that no token has/,
  ],
  [
    "an Access secret that cannot be one",
    ["status"],
    { CF_ACCESS_CLIENT_ID: "id", CF_ACCESS_CLIENT_SECRET: "s3cr\net" },
    2,
    /^Cannot ask http:\S+: CF_ACCESS_CLIENT_SECRET has a character that no token has\.\nTry: [^\n]*\n$/,
  ],
  ["no token", ["status"], { PATINA_TOKEN: "" }, 2, /PATINA_TOKEN is not set/],
  ["no deployment", ["status"], { PATINA_URL: "nonsense" }, 2, /PATINA_URL is no URL/],
  ["an empty deployment", ["status"], { PATINA_URL: "" }, 2, /PATINA_URL is not set/],
  [
    "a deployment that does not answer",
    ["status"],
    { PATINA_URL: "http://127.0.0.1:9" },
    13,
    /Cannot reach http:\/\/127\.0\.0\.1:9/,
  ],
] as const)("%s gives a sentence and an exit code of its own", async (_, args, change, exit, sentence) => {
  const ended = await patina(args, { env: { ...env, ...change } });
  expect(ended.err).toMatch(sentence);
  expect(ended.err).not.toContain("hush-hush");
  expect(ended).toMatchObject({ exit, out: "" });
  const json = await patina([...args, "--json"], { env: { ...env, ...change } });
  expect(JSON.parse(json.out)).toMatchObject({ error: { exit } });
});

test("something that answers and is no Patina is told so", async () => {
  const server = createServer((_, response) => response.writeHead(200).end("<html>hello</html>"));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const { exit, err } = await patina(["status"], { env: { ...env, PATINA_URL: `http://127.0.0.1:${port}` } });
  server.close();
  expect({ exit, err }).toMatchObject({ exit: 1, err: expect.stringContaining("Cannot understand what") });
});

test("patina status --watch shows what has changed until Ctrl-C, and outlasts a server that is away for a while", async () => {
  const headers = { authorization: `Bearer ${system.patina.token}` };
  const answer = await fetch(new URL("/status", system.patina.url), { headers });
  const status = (await answer.json()) as Record<string, unknown>;
  let isAway = false;
  let databases = 2;
  const server = createServer((request, response) => {
    if (isAway) request.socket.destroy();
    else response.writeHead(200).end(JSON.stringify({ ...status, databases }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port: stand } = server.address() as AddressInfo;
  const running = start(["status", "--watch"], { env: { ...env, PATINA_URL: `http://127.0.0.1:${stand}` } });
  let seen = "";
  running.child.stdout?.on("data", (text: Buffer) => {
    seen += String(text);
  });
  await vi.waitFor(() => expect(seen).toMatch(/^2 databases\n/), { timeout: 20_000 });
  isAway = true;
  await vi.waitFor(() => expect(running.said()).toContain("It is asked again until it answers."), { timeout: 60_000 });
  [isAway, databases] = [false, 3];
  await vi.waitFor(() => expect(seen).toContain("\n3 databases\n"), { timeout: 60_000 });
  running.child.kill("SIGINT");
  expect((await running.ended).exit).toBe(130);
  server.close();
  // What stays as it is is shown once.
  expect(seen.match(/databases\n/g)).toHaveLength(2);
});
