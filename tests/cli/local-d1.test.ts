import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { PROJECT } from "@patina/cli/local/workers";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { beforeAll, expect, test } from "vitest";
import { compare } from "../compare/compare.ts";
import { d1Path } from "../compare/d1-file.ts";
import { store, write } from "./bucket-folder.ts";
import { patina, testFolder } from "./command.ts";
import { makeDatabase, SHOP } from "./databases.ts";

const folder = testFolder();
const bucket = join(folder, "bucket");
const project = join(folder, "project");
const state = join(project, ".wrangler", "state", "v3");
const shop = makeDatabase(join(folder, "original", "shop.sqlite"), SHOP);
const ID = "11111111-2222-3333-4444-555555555555";

beforeAll(async () => {
  await store(bucket, { ref: { kind: "daily", date: "2026-11-20", database: "shop" }, sql: SHOP });
  const databases = [
    { binding: "DB", database_name: "shop-live", database_id: ID },
    { binding: "OTHER", database_name: "other", database_id: "other-id" },
  ];
  write(
    join(project, "wrangler.jsonc"),
    JSON.stringify({ name: "shop", main: "worker.js", compatibility_date: "2026-11-17", d1_databases: databases }),
  );
  write(join(project, "worker.js"), "export default { fetch() { return new Response('ok') } };");
});

function restore(args: readonly string[]) {
  const env = { WRANGLER_SEND_METRICS: "false" };
  return patina(["restore", "shop", "--source", bucket, "--project", project, ...args], { cwd: folder, env });
}

/** Runs SQL as `wrangler d1 execute --local` does. */
function execute(sql: string): unknown {
  const args = ["d1", "execute", "shop-live", "--local", "--json", "--command", sql];
  const run = spawnSync(join(PROJECT, "node_modules", ".bin", "wrangler"), args, { cwd: project, encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stdout + run.stderr);
  return JSON.parse(run.stdout)[0].results;
}

test("patina restore makes a local D1 database that wrangler has never used, and wrangler finds it", async () => {
  const { exit, out, err } = await restore(["--to", "local-d1:shop-live"]);
  expect(exit, err).toBe(0);
  expect(out).toContain("Exact: ");
  expect(compare(shop, d1Path(state, ID))).toEqual([]);
  expect(execute("SELECT name FROM customers WHERE id = 1")).toEqual([{ name: "Ada" }]);
});

test("patina restore replaces a local D1 database while workerd has it open, by its binding's name", async () => {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "export default { fetch() { return new Response('ok') } };",
      compatibilityDate: "2026-11-17",
      d1Databases: { OTHER: "other-id" },
      resourcePersistencePath: state,
      host: "127.0.0.1",
      port: 0,
      cf: false,
      log: new Log(LogLevel.ERROR),
    }),
  );
  try {
    const other = await miniflare.getD1Database("OTHER");
    await other.prepare("SELECT 1").run();
    const free = await restore(["--to", "local-d1:OTHER"]);
    expect(free.exit, free.err).toBe(0);
    expect(free.err).not.toContain("backed up");
    expect(await other.prepare("SELECT count(*) AS orders FROM orders").first("orders")).toBe(3);
    await other.prepare("DELETE FROM orders").run();
    const refused = await restore(["--to", "local-d1:OTHER"]);
    expect(refused).toMatchObject({ exit: 11, err: expect.stringContaining("it is there already") });
    const replaced = await restore(["--to", "local-d1:OTHER", "--replace", "--yes", "--json"]);
    expect(replaced.exit, replaced.err).toBe(0);
    expect(JSON.parse(replaced.out)).toMatchObject({
      verdict: "passed",
      emergency_backup: expect.stringMatching(/\.sql\.gz$/),
    });
    expect(await other.prepare("SELECT count(*) AS orders FROM orders").first("orders")).toBe(3);
  } finally {
    await miniflare.dispose();
  }
});

test.each([
  [
    "a database that the project does not name",
    ["--to", "local-d1:cart"],
    10,
    /does not name it\.\nTry: It names shop-live, other\./,
  ],
  ["no project", ["--to", "local-d1:shop-live", "--project", bucket], 2, /has no wrangler configuration/],
  ["no name", ["--to", "local-d1:"], 2, /it names no database\.\nTry: local-d1:shop/],
] as const)("patina restore into a local D1 with %s says so", async (_, args, exit, sentence) => {
  const ended = await restore(args);
  expect(ended.err).toMatch(sentence);
  expect(ended.exit).toBe(exit);
});
