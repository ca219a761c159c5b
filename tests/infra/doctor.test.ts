import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { examineAccount } from "@patina/cli/doctor/account";
import { expectedWorkers } from "@patina/cli/doctor/deployment";
import { Wrangler } from "@patina/cli/wrangler/wrangler";
import { apply } from "@patina/infra/apply";
import { readRegistry } from "@patina/infra/registry";
import { wranglerOver } from "@patina/infra/wrangler";
import { QUEUES } from "@patina/messages/queues";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Account, type AccountOptions } from "../wrangler/account.ts";
import { wranglerOptions } from "../wrangler/options.ts";

/** `patina doctor` over an account that `npm run infra -- apply` has set up, and that something then happens to. */

const ROOT = dirname(dirname(import.meta.dirname));
const all = mkdtempSync(join(tmpdir(), "patina-doctor-"));
const options = wranglerOptions();
const NAMES = { bucket: "patina-backups", catalog: "patina-catalog", sources: ["DB_SHOP"] };
const ENTRY = '[[databases]]\nname = "shop"\nd1_id = "a1b2c3d4-0000-4000-8000-000000000000"';

let deployed = "";

beforeAll(async () => {
  deployed = mkdtempSync(join(all, "deployed-"));
  const files = new Map<string, string>();
  const read = (path: string) => files.get(path) ?? readFileSync(join(ROOT, path), "utf8");
  const account = new Account({ folder: deployed, options, read });
  await apply(readRegistry(ENTRY), {
    wrangler: wranglerOver(async (args) => account.call(args)),
    read,
    write: (path, text) => void files.set(path, text),
    say: () => undefined,
    clock: () => 0,
  });
  account.change(({ secrets }) => {
    secrets["patina-dispatcher"] = ["ADMIN_TOKEN"];
  });
});

afterAll(() => rmSync(all, { recursive: true, force: true }));

async function examine(change: Parameters<Account["change"]>[0], rest: Partial<AccountOptions> = {}) {
  const folder = mkdtempSync(join(all, "account-"));
  writeFileSync(join(folder, "account.json"), readFileSync(join(deployed, "account.json")));
  const account = new Account({ folder, options, ...rest });
  account.change(change);
  const wrangler = new Wrangler(async (args) => account.call(args));
  const findings = await examineAccount(wrangler, { names: NAMES, onProgress: () => undefined });
  return { findings, calls: readFileSync(join(folder, "calls.txt"), "utf8").trim().split("\n") };
}

test("an account that has everything is good in every respect, and only looked at", async () => {
  const { findings, calls } = await examine(() => undefined);
  expect(findings.filter(({ end }) => end !== "good")).toEqual([]);
  const seen = findings.map(({ subject, name }) => `${subject} ${name}`);
  for (const queue of Object.values(QUEUES)) expect(seen).toContain(`queue ${queue}`);
  for (const { name } of expectedWorkers()) expect(seen).toContain(`worker ${name}`);
  expect(calls.filter((call) => !/ (info|list|status|view)\b|^whoami/.test(call))).toEqual([]);
});

test.each<[string, Parameters<Account["change"]>[0], string, RegExp]>([
  ["a bucket", (state) => state.buckets.splice(0), "bucket patina-backups", /no such bucket/],
  ["the catalog", (state) => state.databases.splice(0), "catalog patina-catalog", /no such D1 database/],
  [
    "a queue",
    (state) => state.queues.splice(state.queues.indexOf("patina-upkeep"), 1),
    "queue patina-upkeep",
    /no such queue/,
  ],
  [
    "a Worker",
    (state) => {
      delete state.workers["patina-archiver"];
    },
    "worker patina-archiver",
    /not deployed/,
  ],
  [
    "the consumer of a queue",
    (state) => {
      delete state.workers["patina-exporter"];
    },
    "queue patina-exports",
    /patina-exporter does not take its messages/,
  ],
  [
    "a binding",
    (state) => {
      state.workers["patina-exporter"] = state.workers["patina-exporter"]?.replace('"DB_SHOP"', '"DB_OTHER"') ?? "";
    },
    "worker patina-exporter",
    /without DB_SHOP$/,
  ],
])("%s that is missing is named, with what to do", async (_, change, what, detail) => {
  const { findings } = await examine(change);
  const [found] = findings.filter(({ subject, name }) => `${subject} ${name}` === what);
  expect(found).toMatchObject({
    end: "bad",
    detail: expect.stringMatching(detail),
    next: expect.stringContaining("infra -- apply"),
  });
});

test("a secret that is missing, and rules that clear away, are warned of", async () => {
  const { findings } = await examine((state) => {
    state.secrets = {};
    state.rules = [];
  });
  expect(findings.filter(({ end }) => end !== "good").map(({ end, name }) => `${end} ${name}`)).toEqual([
    "warning patina-uploads",
    "warning patina-scratch",
    "warning ADMIN_TOKEN",
  ]);
});

test.each([
  ["queues info", "Queues"],
  ["r2 bucket", "Workers R2 Storage"],
  ["d1 list", "D1"],
  ["deployments status", "Workers Scripts"],
])("a login that may not run wrangler %s lacks the permission %s, which is named once", async (failAt, permission) => {
  const { findings } = await examine(() => undefined, { failAt });
  const lacking = findings.filter(({ subject }) => subject === "permission");
  expect(lacking).toMatchObject([{ name: permission, end: "bad", next: expect.stringContaining("docs/deploy.md") }]);
});

test("where nobody is logged in the account is not looked at, and nothing is called missing", async () => {
  const { findings } = await examine((state) => {
    state.isLoggedIn = false;
  });
  expect(findings).toMatchObject([
    { name: "wrangler", end: "unknown", next: expect.stringContaining("wrangler login") },
  ]);
});
