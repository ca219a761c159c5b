import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { apply, plan, type World } from "@patina/infra/apply";
import { readRegistry } from "@patina/infra/registry";
import { createWrangler, wranglerOver } from "@patina/infra/wrangler";
import { QUEUES } from "@patina/messages/queues";
import { afterAll, beforeEach, expect, test } from "vitest";
import { Account, type AccountOptions } from "../wrangler/account.ts";
import { wranglerOptions } from "../wrangler/options.ts";

/** `npm run infra` against a stand-in for the account, see tests/wrangler/account.ts. */

const ROOT = dirname(dirname(import.meta.dirname));
const REAL = join(ROOT, "node_modules/.bin/wrangler");
const all = mkdtempSync(join(tmpdir(), "patina-infra-"));
const ENTRY = `
[[databases]]
name = "shop"
d1_id = "a1b2c3d4-0000-4000-8000-000000000000"
description = "The shop's orders; it's large"
priority = "critical"

[[databases]]
name = "blog"
d1_id = "a1b2c3d4-0000-4000-8000-000000000001"
`;

const NO_RULES = { redactions: "[]", excluded_tables: "[]", retention: null };

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(all, "account-"));
});

afterAll(() => rmSync(all, { recursive: true, force: true }));

const options = wranglerOptions();

function world(account: Partial<AccountOptions> = {}): World & { lines: string[] } {
  const lines: string[] = [];
  const standIn = new Account({ folder, options, ...account });
  return {
    wrangler: wranglerOver(async (args) => standIn.call(args)),
    lines,
    read: (path) => readFileSync(join(ROOT, path), "utf8"),
    write(path, text) {
      mkdirSync(dirname(join(ROOT, path)), { recursive: true });
      writeFileSync(join(ROOT, path), text);
    },
    say: (line) => void lines.push(...line.split("\n")),
    clock: () => Date.parse("2026-11-20T12:00:00Z"),
  };
}

/** Calls that change something. */
function changes(): string[] {
  const calls = readFileSync(join(folder, "calls.txt"), "utf8").trim().split("\n");
  return calls.filter((call) => !/ (info|list)\b|--command/.test(call));
}

/** The databases of the file, as they are registered. */
function registered(): unknown[] {
  const db = new DatabaseSync(join(folder, "catalog.sqlite"));
  const rows = db
    .prepare(
      "select name, binding, priority, description, certain, enabled, redactions, excluded_tables, retention from databases order by name",
    )
    .all();
  db.close();
  return rows.filter(({ name }) => name !== "patina-catalog").map((row) => ({ ...row }));
}

test("plan shows what an empty account needs, and changes nothing", async () => {
  const here = world();
  await plan(readRegistry(ENTRY), here);
  expect(changes()).toEqual([]);
  expect(here.lines).toContain("+ bucket patina-backups");
  expect(here.lines).toContain("+ D1 database patina-catalog (the catalog)");
  for (const queue of Object.values(QUEUES)) expect(here.lines).toContain(`+ queue ${queue}`);
  expect(here.lines).toContain("+ database shop (DB_SHOP, critical)");
  expect(here.lines.some((line) => line.includes("has no ADMIN_TOKEN"))).toBe(true);
});

test("apply brings an empty account to a deployed Patina, and a second apply only deploys again", async () => {
  const registry = readRegistry(ENTRY);
  await apply(registry, world({ dryRunWith: REAL }));
  expect(registered()).toEqual([
    { name: "blog", binding: "DB_BLOG", priority: 2, description: "", certain: 0, enabled: 1, ...NO_RULES },
    {
      name: "shop",
      binding: "DB_SHOP",
      priority: 0,
      description: "The shop's orders; it's large",
      certain: 0,
      enabled: 1,
      ...NO_RULES,
    },
  ]);
  const exporter = readFileSync(join(ROOT, "apps/exporter/wrangler.deploy.toml"), "utf8");
  expect(exporter).toContain(
    'binding = "DB_SHOP"\ndatabase_name = "shop"\ndatabase_id = "a1b2c3d4-0000-4000-8000-000000000000"',
  );
  expect(exporter.match(/^binding = "CATALOG"$/gm)).toHaveLength(1);
  expect(readFileSync(join(ROOT, "wrangler.deploy.toml"), "utf8")).not.toContain("DB_SHOP");
  const archiver = readFileSync(join(ROOT, "apps/archiver/wrangler.deploy.toml"), "utf8");
  expect(archiver).toContain('class_name = "Scratch"');
  expect(archiver).toContain('new_sqlite_classes = [ "Scratch" ]');
  const first = changes();
  const deploys = first.filter((call) => call.startsWith("deploy"));
  // Nobody is deployed before those it calls or sends to.
  expect(deploys.at(-1)).toBe("deploy --config wrangler.deploy.toml");
  expect(first.findIndex((call) => call.includes("migrations"))).toBeLessThan(first.indexOf(deploys[0] ?? ""));

  const again = world();
  await apply(registry, again);
  expect(changes().slice(first.length)).toEqual([
    "d1 migrations apply CATALOG --remote --config wrangler.deploy.toml",
    ...deploys,
  ]);
});

test("an edited file changes, adds and pauses databases, and leaves a paused one's backups alone", async () => {
  await apply(readRegistry(ENTRY), world());
  const rules =
    'excluded_tables = ["it\'s; private"]\nredactions = [{ table = "users", column = "token", as = "null" }]';
  const edited = ENTRY.replace('name = "blog"', 'name = "wiki"').replace(
    '"critical"',
    `"high"\ncertain = true\n${rules}`,
  );
  const here = world();
  await apply(readRegistry(edited), here);
  expect(here.lines).toContain("~ database shop: priority, certain, redactions, excluded_tables");
  expect(here.lines).toContain("- database blog: not in the file, paused; its backups stay");
  expect(registered()).toMatchObject([
    { name: "blog", enabled: 0 },
    {
      name: "shop",
      priority: 1,
      certain: 1,
      excluded_tables: `["it's; private"]`,
      redactions: '[{"table":"users","column":"token","as":"null"}]',
    },
    { name: "wiki", binding: "DB_WIKI" },
  ]);
});

test("the catalog is registered by the binding that is there, unless it is not to be backed up or is named in the file", async () => {
  const here = world();
  await apply(readRegistry(""), here);
  expect(here.lines).toContain("+ database patina-catalog (CATALOG, normal)");
  const off = world();
  await apply(readRegistry("[catalog]\nbackup = false\n"), off);
  expect(off.lines).toContain("- database patina-catalog: not in the file, paused; its backups stay");
  const named = readRegistry(ENTRY.replace('"blog"', '"patina-catalog"'));
  expect(named.databases.map(({ name, binding }) => [name, binding])).toEqual([
    ["shop", "DB_SHOP"],
    ["patina-catalog", "DB_PATINA_CATALOG"],
  ]);
});

test("a database's own retention is registered, and taken back when it leaves the file", async () => {
  const registry = readRegistry(`${ENTRY}retention = { kind = "age", daily_days = 14 }\n`);
  await apply(registry, world());
  const own = '{"kind":"age","dailyDays":14,"manualDays":30,"maxBytes":null}';
  expect(registered()).toMatchObject([{ name: "blog", retention: own }, { retention: null }]);
  const changesOf = async (text: string) => {
    const here = world();
    await plan(readRegistry(text), here);
    return here.lines.filter((line) => line.includes(" database "));
  };
  expect(await changesOf(`${ENTRY}retention = { daily_days = 14, kind = "age", manual_days = 30 }\n`)).toEqual([]);
  expect(await changesOf(ENTRY)).toEqual(["~ database blog: retention"]);
  // A catalog that lacks the newest migrations can be read, too.
  const db = new DatabaseSync(join(folder, "catalog.sqlite"));
  db.exec("alter table databases drop column retention");
  db.close();
  expect(await changesOf(ENTRY)).toEqual([]);
});

test("a step that fails ends the run, names itself, and the next run goes on from there", async () => {
  const registry = readRegistry(ENTRY);
  await expect(apply(registry, world({ failAt: "d1 create patina-catalog" }))).rejects.toMatchObject({
    code: "wrangler_failed",
    message: expect.stringContaining("d1 create patina-catalog"),
  });
  const before = changes().length;
  await apply(registry, world());
  expect(changes().slice(before)[0]).toBe("d1 create patina-catalog");
});

test("an answer that only may mean missing (no permission, no network) is not taken for it", async () => {
  const failing = world({ failAt: "queues info patina-exports" });
  await expect(plan(readRegistry(ENTRY), failing)).rejects.toMatchObject({ code: "wrangler_failed" });
});

test("bucket locks are set for every prefix that holds backups, when they are asked for", async () => {
  const here = world();
  await plan(readRegistry(`[bucket]\nname = "patina-backups"\nlock_days = 30\n${ENTRY}`), here);
  expect(here.lines.filter((line) => line.startsWith("+ lock"))).toHaveLength(3);
});

test.each([
  ["is no TOML", "[[databases", "Invalid TOML"],
  ["has a field that does not exist", '[[databases]]\nname="a"\nd1_id="x"\nretain=7', "databases[1]"],
  [
    "has a name that keys cannot be made of",
    '[[databases]]\nname="Shop!"\nd1_id="a1b2c3d4-0000-4000-8000-000000000000"',
    "databases[1].name",
  ],
  ["has an id that is none", '[[databases]]\nname="shop"\nd1_id="shop"', "databases[1].d1_id"],
  ["keeps nothing", `${ENTRY}retention = { kind = "age", daily_days = 0 }`, "daily_days must be 1 to 36600"],
  ["has a retention that is half of one", `${ENTRY}retention = { kind = "age" }`, "databases[2].retention.daily_days"],
  ["has two databases of one name", `${ENTRY}${ENTRY}`, "have the same name"],
  [
    "has two names with one binding",
    ENTRY.replace('"shop"', '"a-b"').replace('"blog"', '"a_b"'),
    "have the same binding",
  ],
  ["takes a binding of the exporter's", `${ENTRY}binding = "CATALOG"`, "which is the exporter's own"],
])("a registry that %s is refused with the place", (_, text, place) => {
  expect(() => readRegistry(text)).toThrow(
    expect.objectContaining({ code: "invalid_request", message: expect.stringContaining(place) }),
  );
});

test("wrangler itself is called as a program, and what it says of a failure is told", async () => {
  const node = createWrangler({ command: process.execPath, env: process.env });
  expect(await node.run(["--version"])).toBe(`${process.version}\n`);
  const wrangler = createWrangler({ command: REAL, env: { ...process.env, CI: "1" } });
  await expect(wrangler.run(["d1", "list", "--jason"])).rejects.toMatchObject({
    code: "wrangler_failed",
    message: expect.stringContaining("jason"),
  });
});

test("who is not logged in is told so in one line, and how to log in", async () => {
  const env = { PATH: process.env["PATH"], HOME: folder, XDG_CONFIG_HOME: folder, CI: "1", FORCE_COLOR: "1" };
  const wrangler = createWrangler({ command: REAL, env });
  await expect(wrangler.run(["r2", "bucket", "info", "patina-backups"])).rejects.toMatchObject({
    message:
      'Cannot run "wrangler r2 bucket info patina-backups": nobody is logged in. ' +
      "npx wrangler login, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.",
  });
});

test("the options that the stand-in allows are those of the real command's --help", () => {
  const { stdout } = spawnSync(REAL, ["r2", "bucket", "lifecycle", "add", "--help"], { encoding: "utf8" });
  const told = [...stdout.matchAll(/^ {2}(-\w, | {4})(--[a-z-]+)/gm)].flatMap(([, short = "", long = ""]) =>
    short.trim() === "" ? [long] : [short.slice(0, 2), long],
  );
  const ours = options["r2 bucket lifecycle add"];
  expect(new Set(ours)).toEqual(new Set(told.filter((word) => !["-h", "--help"].includes(word))));
});
