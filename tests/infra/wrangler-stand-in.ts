#!/usr/bin/env node
/**
 * Stands in for wrangler where no Cloudflare account is: keeps an account in a folder, writes down every call, and
 * refuses every option that the real command's --help does not name. The catalog is a real SQLite file; what can be done
 * without an account (`deploy --dry-run`) the real wrangler does.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

interface State {
  buckets: string[];
  queues: string[];
  databases: { uuid: string; name: string }[];
  rules: string[];
  workers: string[];
  secrets: string[];
}

const folder = process.env["STAND_IN"] ?? "";
const real = process.env["REAL_WRANGLER"] ?? "";
const args = process.argv.slice(2);
const file = join(folder, "account.json");
const EMPTY: State = { buckets: [], queues: [], databases: [], rules: [], workers: [], secrets: [] };
const state: State = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : EMPTY;

appendFileSync(join(folder, "calls.txt"), `${args.join(" ")}\n`);
if (process.env["FAIL_AT"] === args.slice(0, 3).join(" "))
  fail("A request to the Cloudflare API failed. [code: 10000]");

const words = args.slice(
  0,
  args[0] === "deploy" ? 1 : args[0] === "r2" ? (args[2]?.match(/^(lifecycle|lock)$/) ? 4 : 3) : 2,
);
if (args[0] === "d1" && args[1] === "migrations") words.push(args[2] ?? "");
refuseUnknownOptions();
answer(words.join(" "), args.slice(words.length));
writeFileSync(file, JSON.stringify(state));

function answer(command: string, rest: readonly string[]): void {
  const [first = "", second = ""] = rest;
  switch (command) {
    case "r2 bucket info":
      if (!state.buckets.includes(first)) fail("The specified bucket does not exist. [code: 10006]");
      print(JSON.stringify({ name: first }));
      return;
    case "r2 bucket create":
      state.buckets.push(first);
      return;
    case "r2 bucket lifecycle list":
    case "r2 bucket lock list":
      for (const rule of state.rules) print(`name:     ${rule}\nenabled:  Yes\n`);
      return;
    case "r2 bucket lifecycle add":
    case "r2 bucket lock add":
      if (state.rules.includes(second)) fail(`A rule named ${second} exists already`);
      state.rules.push(second);
      return;
    case "queues info":
      if (!state.queues.includes(first))
        fail(`Queue "${first}" does not exist. To create it, run: wrangler queues create ${first}`);
      return;
    case "queues create":
      if (state.queues.includes(first)) fail(`Queue name '${first}' is already taken. [code: 11009]`);
      state.queues.push(first);
      return;
    case "d1 list":
      print(JSON.stringify(state.databases));
      return;
    case "d1 create":
      state.databases.push({ uuid: "11111111-2222-4333-8444-555555555555", name: first });
      return;
    case "d1 migrations apply":
      migrate();
      return;
    case "d1 execute":
      execute();
      return;
    case "secret list":
      if (!state.workers.includes(option("--name"))) fail(`Worker "${option("--name")}" not found. [code: 10007]`);
      print(JSON.stringify(state.secrets.map((name) => ({ name, type: "secret_text" }))));
      return;
    case "deploy":
      deploy();
      return;
    default:
      fail(`The stand-in does not know "${command}"`);
  }
}

function catalog(): DatabaseSync {
  if (!readFileSync(option("--config"), "utf8").includes(state.databases[0]?.uuid ?? "none"))
    fail("no such D1 database. [code: 7404]");
  return new DatabaseSync(join(folder, "catalog.sqlite"));
}

function migrate(): void {
  const db = catalog();
  db.exec("create table if not exists d1_migrations (name text primary key)");
  const path = "packages/catalog/migrations";
  for (const name of readdirSync(path).filter((one) => one.endsWith(".sql"))) {
    if (db.prepare("select 1 from d1_migrations where name = ?").get(name) !== undefined) continue;
    db.exec(readFileSync(join(path, name), "utf8"));
    db.prepare("insert into d1_migrations values (?)").run(name);
  }
}

function execute(): void {
  try {
    const db = catalog();
    if (args.includes("--file")) db.exec(readFileSync(option("--file"), "utf8"));
    else print(JSON.stringify([{ results: db.prepare(option("--command")).all(), success: true }]));
  } catch (error) {
    fail(`${error instanceof Error ? error.message : error}: SQLITE_ERROR`);
  }
}

function deploy(): void {
  const config = option("--config");
  if (process.env["DRY_RUN"] === "yes") dryRun(config);
  state.workers.push(/^name = "(.*)"/m.exec(readFileSync(config, "utf8"))?.[1] ?? "");
}

function dryRun(config: string): void {
  const out = join(folder, "out", config.replaceAll("/", "-"));
  const done = spawnSync(real, ["deploy", "--dry-run", "--outdir", out, "--config", config], { encoding: "utf8" });
  if (done.status !== 0) fail(`${done.stderr}\n${done.stdout}`);
}

/** `--name value` and `-x` are options; they have to stand in the help of the real command, with two dashes or one. */
function refuseUnknownOptions(): void {
  const options = args.filter((word) => /^--?[a-z]/.test(word));
  if (options.length === 0) return;
  const help = helpOf(words);
  for (const one of options)
    if (!new RegExp(`(^|[\\s,])${one}(?=[\\s,])`, "m").test(help)) fail(`Unknown argument: ${one}`);
}

/** What the real command's --help prints, kept in a file: asking takes a second. */
function helpOf(command: readonly string[]): string {
  const cache = join(process.env["HELP_CACHE"] ?? folder, `${command.join("-")}.txt`);
  if (existsSync(cache)) return readFileSync(cache, "utf8");
  const asked = spawnSync(real, [...command, "--help"], { encoding: "utf8" });
  mkdirSync(process.env["HELP_CACHE"] ?? folder, { recursive: true });
  writeFileSync(cache, `${asked.stdout}\n`);
  return asked.stdout;
}

function option(name: string): string {
  return args[args.indexOf(name) + 1] ?? "";
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(reason: string): never {
  process.stderr.write(`✘ [ERROR] ${reason}\n`);
  process.exit(1);
}
