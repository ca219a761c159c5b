import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parse } from "smol-toml";

/** A Cloudflare account as far as Patina needs one. */
interface State {
  buckets: string[];
  queues: string[];
  databases: { uuid: string; name: string }[];
  rules: string[];
  /** Their configuration by name, as it was deployed. */
  workers: Record<string, string>;
  /** Names by Worker. */
  secrets: Record<string, string[]>;
  isLoggedIn: boolean;
}

const EMPTY: State = {
  buckets: [],
  queues: [],
  databases: [],
  rules: [],
  workers: {},
  secrets: {},
  isLoggedIn: true,
};

const VERSION = "11111111-0000-4000-8000-000000000000";

/** What a wrangler.toml says, as far as the account keeps it. */
interface Config {
  readonly d1_databases?: readonly { readonly binding: string }[];
  readonly r2_buckets?: readonly { readonly binding: string }[];
  readonly services?: readonly { readonly binding: string }[];
  readonly ratelimits?: readonly { readonly name: string }[];
  readonly durable_objects?: { readonly bindings?: readonly { readonly name: string }[] };
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly queues?: {
    readonly producers?: readonly { readonly binding: string }[];
    readonly consumers?: readonly { readonly queue: string }[];
  };
}

function configOf(text: string): Config {
  return parse(text) as Config;
}

export interface Answered {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

export interface AccountOptions {
  /** Where the account is kept. */
  readonly folder: string;
  /** Options by command, see options.ts. */
  readonly options: Readonly<Record<string, readonly string[]>>;
  /** Reads a file that a command names; from the disk when absent. */
  readonly read?: (path: string) => string;
  /** The beginning of a command that Cloudflare refuses. */
  readonly failAt?: string;
  /** The real wrangler, to try deployments with. */
  readonly dryRunWith?: string;
}

/**
 * Stands in for wrangler where no Cloudflare account is: keeps an account in a folder, writes down every call, and
 * refuses every option that the real command does not know. The catalog is a real SQLite file; what can be done without
 * an account (`deploy --dry-run`) the real wrangler does.
 */
export class Account {
  readonly #options: AccountOptions;
  readonly #file: string;
  readonly #state: State;

  constructor(options: AccountOptions) {
    this.#options = options;
    this.#file = join(options.folder, "account.json");
    this.#state = existsSync(this.#file) ? JSON.parse(readFileSync(this.#file, "utf8")) : structuredClone(EMPTY);
  }

  /** Changes the account behind everybody's back. */
  change(act: (state: State) => void): void {
    act(this.#state);
    writeFileSync(this.#file, JSON.stringify(this.#state));
  }

  /** Does what wrangler would with these arguments. */
  call(args: readonly string[]): Answered {
    const { folder, options, failAt } = this.#options;
    appendFileSync(join(folder, "calls.txt"), `${args.join(" ")}\n`);
    try {
      if (failAt !== undefined && args.join(" ").startsWith(failAt)) {
        throw new Refusal("A request to the Cloudflare API failed. [code: 10000]");
      }
      const words = commandOf(args, options);
      refuseUnknown(args, options[words.join(" ")] ?? []);
      const before = JSON.stringify(this.#state);
      const out = this.#answer(words.join(" "), args.slice(words.length));
      // Others may read it at this moment: what only looks leaves it alone.
      const after = JSON.stringify(this.#state);
      if (after !== before) writeFileSync(this.#file, after);
      return { code: 0, out, said: out };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { code: 1, out: "", said: `✘ [ERROR] ${error.message}` };
    }
  }

  #answer(command: string, rest: readonly string[]): string {
    const state = this.#state;
    const [first = "", second = ""] = rest;
    switch (command) {
      case "r2 bucket info":
        if (!state.buckets.includes(first)) throw new Refusal("The specified bucket does not exist. [code: 10006]");
        return JSON.stringify({ name: first });
      case "r2 bucket create":
        state.buckets.push(first);
        return "";
      case "r2 bucket lifecycle list":
      case "r2 bucket lock list":
        return state.rules.map((rule) => `name:     ${rule}\nenabled:  Yes\n\n`).join("");
      case "r2 bucket lifecycle add":
      case "r2 bucket lock add":
        if (state.rules.includes(second)) throw new Refusal(`A rule named ${second} exists already`);
        state.rules.push(second);
        return "";
      case "queues info":
        return this.#queue(first);
      case "queues create":
        if (state.queues.includes(first)) throw new Refusal(`Queue name '${first}' is already taken. [code: 11009]`);
        state.queues.push(first);
        return "";
      case "d1 list":
        return JSON.stringify(state.databases);
      case "d1 create":
        state.databases.push({ uuid: "11111111-2222-4333-8444-555555555555", name: first });
        return "";
      case "d1 migrations apply":
        this.#migrate(option(rest, "--config"));
        return "";
      case "d1 execute":
        return this.#execute(rest);
      case "secret list":
        this.#worker(option(rest, "--name"));
        return JSON.stringify(
          (state.secrets[option(rest, "--name")] ?? []).map((name) => ({ name, type: "secret_text" })),
        );
      case "whoami":
        if (!state.isLoggedIn) throw new Refusal("You are not logged in.");
        return JSON.stringify({ loggedIn: true, email: "ann@example.com", accounts: [{ id: "1", name: "Ann's" }] });
      case "deployments status":
        this.#worker(option(rest, "--name"));
        return JSON.stringify({ id: "1", versions: [{ version_id: VERSION, percentage: 100 }] });
      case "versions view":
        return this.#version(option(rest, "--name"));
      case "deploy":
        this.#deploy(option(rest, "--config"));
        return "";
      default:
        throw new Refusal(`The stand-in does not know "${command}"`);
    }
  }

  #read(path: string): string {
    return this.#options.read?.(path) ?? readFileSync(path, "utf8");
  }

  #queue(name: string): string {
    if (!this.#state.queues.includes(name)) {
      throw new Refusal(`Queue "${name}" does not exist. To create it, run: wrangler queues create ${name}`);
    }
    const consumers = Object.entries(this.#state.workers)
      .filter(([, text]) => configOf(text).queues?.consumers?.some(({ queue }) => queue === name))
      .map(([worker]) => `worker:${worker}`);
    const line = consumers.length === 0 ? "" : `Consumers: ${consumers.join(",")}\n`;
    return `Queue Name: ${name}\nNumber of Consumers: ${consumers.length}\n${line}`;
  }

  /** The bindings of a Worker's only version, as `versions view --json` has them. */
  #version(name: string): string {
    const config = configOf(this.#worker(name));
    const bindings = [
      ...(config.d1_databases ?? []).map(({ binding }) => ({ name: binding, type: "d1" })),
      ...(config.r2_buckets ?? []).map(({ binding }) => ({ name: binding, type: "r2_bucket" })),
      ...(config.services ?? []).map(({ binding }) => ({ name: binding, type: "service" })),
      ...(config.queues?.producers ?? []).map(({ binding }) => ({ name: binding, type: "queue" })),
      ...(config.ratelimits ?? []).map(({ name }) => ({ name, type: "ratelimit" })),
      ...(config.durable_objects?.bindings ?? []).map(({ name }) => ({ name, type: "durable_object_namespace" })),
      ...Object.entries(config.vars ?? {})
        .filter(([, value]) => value !== "")
        .map(([name]) => ({ name, type: "plain_text" })),
      ...(this.#state.secrets[name] ?? []).map((secret) => ({ name: secret, type: "secret_text" })),
    ];
    return JSON.stringify({ id: VERSION, resources: { bindings, script: { handlers: ["fetch"] } } });
  }

  #worker(name: string): string {
    const config = this.#state.workers[name];
    if (config === undefined) throw new Refusal(`Worker "${name}" not found. [code: 10007]`);
    return config;
  }

  #catalog(config: string): DatabaseSync {
    if (!this.#read(config).includes(this.#state.databases[0]?.uuid ?? "none"))
      throw new Refusal("no such D1 database. [code: 7404]");
    return new DatabaseSync(join(this.#options.folder, "catalog.sqlite"));
  }

  #migrate(config: string): void {
    const db = this.#catalog(config);
    db.exec("create table if not exists d1_migrations (name text primary key)");
    const path = "packages/catalog/migrations";
    for (const name of readdirSync(path).filter((one) => one.endsWith(".sql"))) {
      if (db.prepare("select 1 from d1_migrations where name = ?").get(name) !== undefined) continue;
      db.exec(readFileSync(join(path, name), "utf8"));
      db.prepare("insert into d1_migrations values (?)").run(name);
    }
    db.close();
  }

  #execute(rest: readonly string[]): string {
    const db = this.#catalog(option(rest, "--config"));
    try {
      if (rest.includes("--file")) {
        db.exec(this.#read(option(rest, "--file")));
        return "";
      }
      return JSON.stringify([{ results: db.prepare(option(rest, "--command")).all(), success: true }]);
    } catch (error) {
      throw new Refusal(`${error instanceof Error ? error.message : error}: SQLITE_ERROR`);
    } finally {
      db.close();
    }
  }

  #deploy(config: string): void {
    const { dryRunWith, folder } = this.#options;
    if (dryRunWith !== undefined) {
      const out = join(folder, "out", config.replaceAll("/", "-"));
      const args = ["deploy", "--dry-run", "--outdir", out, "--config", config];
      const done = spawnSync(dryRunWith, args, { encoding: "utf8" });
      if (done.status !== 0) throw new Refusal(`${done.stderr}\n${done.stdout}`);
    }
    const text = this.#read(config);
    this.#state.workers[/^name = "(.*)"/m.exec(text)?.[1] ?? ""] = text;
  }
}

/** What wrangler ends with, and a sentence. */
class Refusal extends Error {}

/** The words that name a command: as many as there is a command of. */
function commandOf(args: readonly string[], options: AccountOptions["options"]): string[] {
  for (let count = Math.min(4, args.length); count > 0; count -= 1) {
    const words = args.slice(0, count);
    if (options[words.join(" ")] !== undefined) return words;
  }
  throw new Refusal(`Unknown arguments: ${args.join(", ")}`);
}

/** `--name` and `-x` are options; a value that begins so is none that is passed here. */
function refuseUnknown(args: readonly string[], known: readonly string[]): void {
  const unknown = args.find((word) => /^--?[a-z]/.test(word) && !known.includes(word));
  if (unknown !== undefined) throw new Refusal(`Unknown argument: ${unknown}`);
}

function option(args: readonly string[], name: string): string {
  return args[args.indexOf(name) + 1] ?? "";
}
