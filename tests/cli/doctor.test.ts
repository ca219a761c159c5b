import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { apply } from "@patina/infra/apply";
import { readRegistry } from "@patina/infra/registry";
import { wranglerOver } from "@patina/infra/wrangler";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type System, startSystem } from "../system/harness.ts";
import { Account } from "../wrangler/account.ts";
import { wranglerOptions } from "../wrangler/options.ts";
import { patina, testFolder } from "./command.ts";
import { makeDatabase, SHOP } from "./databases.ts";

/** `patina doctor` and `databases discover`, between a real Patina and a stand-in for the account. */

const ROOT = dirname(dirname(import.meta.dirname));
const folder = testFolder();
const cloud = join(folder, "cloud");
const project = join(folder, "project");
const shop = makeDatabase(join(folder, "shop.sqlite"), [
  ...SHOP,
  "CREATE VIRTUAL TABLE search USING fts5(text, content='')",
]);
let account: Account;
let system: System;
let env: Record<string, string>;

beforeAll(async () => {
  const options = wranglerOptions();
  mkdirSync(cloud);
  writeFileSync(join(cloud, "options.json"), JSON.stringify(options));
  const files = new Map<string, string>();
  const read = (path: string) => files.get(path) ?? readFileSync(join(ROOT, path), "utf8");
  account = new Account({ folder: cloud, options, read });
  await apply(readRegistry('[[databases]]\nname = "shop"\nd1_id = "a1b2c3d4-0000-4000-8000-000000000000"'), {
    wrangler: wranglerOver(async (args) => account.call(args)),
    read,
    write: (path, text) => void files.set(path, text),
    say: () => undefined,
    clock: () => 0,
  });
  account.change((state) => {
    state.secrets["patina-dispatcher"] = ["ADMIN_TOKEN"];
    state.databases.push({ uuid: "shop", name: "shop" }, { uuid: "b2", name: "Old Blog" });
  });
  const binary = join(project, "node_modules", ".bin", "wrangler");
  mkdirSync(dirname(binary), { recursive: true });
  const standIn = join(ROOT, "tests/wrangler/stand-in.ts");
  writeFileSync(binary, `#!/bin/sh\nexec "${process.execPath}" "${standIn}" "$@"\n`, { mode: 0o755 });
  system = await startSystem({ folder, files: [shop] });
  env = { PATINA_URL: system.patina.url.href, PATINA_TOKEN: system.patina.token, STAND_IN: cloud };
}, 120_000);

afterAll(() => system.patina.stop());

function run(args: readonly string[], change: Record<string, string> = {}) {
  return patina([...args, "--project", project], { env: { ...env, ...change }, cwd: folder });
}

test("patina doctor looks at the account and at the API, and says what is missing and what to do", async () => {
  const { exit, out, err } = await run(["doctor"]);
  const lines = out.trim().split("\n");
  expect(lines[0]).toBe("end\tsubject\tname\tdetail");
  expect(out).toMatch(/^good\taccount\twrangler\tlogged in, to Ann's$/m);
  expect(out).toMatch(/^good\tworker\tpatina-exporter\tdeployed, with \d+ bindings$/m);
  expect(out).toMatch(/^good\tapi\thttp:\/\/127\.0\.0\.1:\d+\tit answers$/m);
  expect(out).toMatch(/^good\tsecret\tADMIN_TOKEN\tset$/m);
  expect(out).toMatch(/^warning\tchannel\talerts\tthere is none: nobody is told of a failure$/m);
  expect(err).toContain("alerts: patina alerts add ops --kind discord\n");
  expect(err).toMatch(/Nothing is missing\.\n$/);
  expect(exit, out).toBe(0);
});

test("patina doctor ends with 4 when something is missing, in one document with --json", async () => {
  account.change((state) => {
    state.queues = state.queues.filter((name) => name !== "patina-exports-dead");
  });
  const { exit, out } = await run(["doctor", "--json"]);
  expect(exit, out).toBe(4);
  const { bad, findings } = JSON.parse(out);
  expect(bad).toBe(1);
  expect(findings.filter(({ end }: { end: string }) => end === "bad")).toMatchObject([
    { subject: "queue", name: "patina-exports-dead", detail: "there is no such queue", next: "npm run infra -- apply" },
  ]);
});

test("without wrangler the API alone is looked at, without a token the account alone; both say so", async () => {
  const bare = join(folder, "bare");
  mkdirSync(bare);
  const noWrangler = await patina(["doctor", "--project", bare], { env: { ...env, PATH: "/nowhere" }, cwd: bare });
  expect(noWrangler.exit, noWrangler.err).toBe(0);
  expect(noWrangler.out).toContain("unknown\taccount\twrangler\tthere is no wrangler here");
  expect(noWrangler.err).toMatch(/Nothing is missing in what could be looked at\.\n$/);
  const wrong = await run(["doctor", "--json"], { PATINA_TOKEN: "hush-hush-hush-hush" });
  expect(wrong.exit).toBe(4);
  expect(wrong.out).not.toContain("hush-hush");
  expect(JSON.parse(wrong.out).findings).toContainEqual(
    expect.objectContaining({ subject: "api", end: "bad", detail: expect.stringContaining("the token was refused") }),
  );
  const nothing = await patina(["doctor", "--project", bare], { env: { PATH: "/nowhere" }, cwd: bare });
  expect(nothing).toMatchObject({ exit: 2, out: "", err: expect.stringContaining("neither its API nor wrangler") });
});

test("patina doctor of a SQLite file says what its backup will be like and what it will not carry", async () => {
  const { exit, out } = await run(["doctor", shop]);
  expect(exit).toBe(4);
  expect(out).toMatch(/^mode +snapshot: read in one transaction, one instant\n/m);
  expect(out).toMatch(/^rows +9 in \d tables\n/m);
  expect(out).toMatch(/^rows read +10 a night, less than \$0\.01 a month$/m);
  expect(out).toMatch(/^not carried +.*search.*\.$/m);
  expect(out).toContain("It can be backed up; what is not carried is named above.");
  const plain = makeDatabase(join(folder, "plain.sqlite"), SHOP);
  const json = await run(["doctor", plain, "--json"]);
  expect(json.exit, json.err).toBe(0);
  expect(JSON.parse(json.out)).toMatchObject({
    mode: "snapshot",
    rows: 9,
    rows_written: 13,
    warnings: [],
    refusal: null,
  });
});

test("patina doctor of a database asks the exporter, which looks at it through its binding", async () => {
  const { exit, out, err } = await run(["doctor", "sh", "--json"]);
  expect(exit, err).toBe(4);
  expect(JSON.parse(out)).toMatchObject({
    database: "shop",
    mode: "snapshot",
    rows: 9,
    rows_written: 13,
    warnings: [expect.stringContaining("search")],
    last_duration_ms: null,
    cost_dollars: { drill: expect.any(Number) },
  });
  expect(await run(["doctor", "cart"])).toMatchObject({ exit: 10, err: expect.stringContaining("One of shop.") });
  expect(await run(["doctor", "./gone.sqlite"])).toMatchObject({
    exit: 10,
    err: "Cannot find a file ./gone.sqlite.\n",
  });
});

test("patina databases discover names the D1 databases that nobody backs up, ready for the registry file", async () => {
  const found = await run(["databases", "discover"]);
  expect(found.exit, found.err).toBe(4);
  expect(found.out).toBe("database\tid\tsize\tcreated\twhy\nOld Blog\tb2\t-\t-\tnot registered\n");
  expect(found.err).toBe("3 D1 databases in the account, 1 of which nobody backs up.\n");
  const toml = await run(["databases", "discover", "--toml"]);
  expect(toml.out).toBe('[[databases]]\nname = "old-blog"\nd1_id = "b2"\n');
  await patina(["databases", "pause", "shop"], { env });
  const paused = await run(["databases", "discover", "--json"]);
  await patina(["databases", "resume", "shop"], { env });
  expect(JSON.parse(paused.out).databases).toMatchObject([
    { name: "shop", paused: true },
    { name: "Old Blog", paused: false },
  ]);
});
