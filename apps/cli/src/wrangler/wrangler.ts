import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { refusalOf } from "@patina/dump/refusal";
import { CommandError, EXIT } from "../failure.ts";

/** What wrangler says of something that is not there. Anything else, such as no network, must not be taken for that. */
const MISSING =
  /Couldn't find (a )?D1 DB|not found|could not be found|does ?n[o']t exist|has no deployments|\b(10006|10007|7404|11000)\b/i;

const UNAUTHORIZED =
  /not logged in|not authenticated|CLOUDFLARE_API_TOKEN|Authentication error|code: (10000|10001|9109)\b/i;

const UNREACHABLE = /fetch failed|connectivity issue|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/;

/** How one call of wrangler ended: its standard output, and everything that it said. */
export interface Called {
  readonly code: number | null;
  readonly out: string;
  readonly said: string;
}

/**
 * The wrangler of a project, run as its people run it: with their login, their account and their configuration.
 *
 * @throws {CommandError} when there is none in the project, above it or on the PATH
 */
export function wranglerOf(project: string): Wrangler {
  const cwd = resolve(project);
  const binary = binaryFor(cwd);
  return new Wrangler(async (args) => {
    const child = spawn(binary, args, {
      cwd,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { code, out, err } = await ended(child);
    return { code, out, said: `${out}\n${err}` };
  });
}

/** wrangler, however it is called. */
export class Wrangler {
  readonly #call: (args: readonly string[]) => Promise<Called>;

  constructor(call: (args: readonly string[]) => Promise<Called>) {
    this.#call = call;
  }

  /**
   * Runs one command to its end; what it wrote to standard output.
   *
   * @throws {CommandError} when it fails, with wrangler's own reason as far as it holds no data
   */
  async run(args: readonly string[]): Promise<string> {
    const { code, out, said } = await this.#call(args);
    if (code === 0) return out;
    if (MISSING.test(said) && !UNAUTHORIZED.test(said)) {
      throw new CommandError(`Cannot find the D1 database: wrangler ${wordsOf(args)} does not know it`, {
        exit: EXIT.notFound,
        hint: `npx wrangler d1 create ${args[2] ?? "shop"}, or another name.`,
      });
    }
    throw failed(args, said);
  }

  /**
   * Runs one command that looks at something; what it wrote to standard output, or null when there is no such thing.
   *
   * @throws {CommandError} exit 12 when Cloudflare does not let it look
   */
  async find(args: readonly string[]): Promise<string | null> {
    const { code, out, said } = await this.#call(args);
    if (code === 0) return out;
    if (MISSING.test(said) && !UNAUTHORIZED.test(said)) return null;
    throw failed(args, said);
  }

  /** Runs one command that answers with JSON. */
  async json(args: readonly string[]): Promise<unknown> {
    return jsonOf(args, await this.run([...args, "--json"]));
  }

  /** As find(), of a command that answers with JSON. */
  async findJson(args: readonly string[]): Promise<unknown> {
    const out = await this.find([...args, "--json"]);
    return out === null ? null : jsonOf(args, out);
  }
}

function failed(args: readonly string[], said: string): CommandError {
  if (UNAUTHORIZED.test(said)) {
    return new CommandError(`Cannot run wrangler ${wordsOf(args)}: Cloudflare does not know who is asking`, {
      exit: EXIT.unauthorized,
      hint: "npx wrangler login, or set CLOUDFLARE_API_TOKEN to a token with D1 Edit.",
    });
  }
  if (UNREACHABLE.test(said)) {
    return new CommandError(`Cannot run wrangler ${wordsOf(args)}: Cloudflare cannot be reached`, {
      exit: EXIT.unreachable,
      hint: "Check the network, then run the command again.",
    });
  }
  // What wrangler says of a statement may quote it.
  const [, reason = refusalOf(said)] = args[1] === "execute" ? [] : (/\[ERROR\]\s*(.+?)\.?$/m.exec(said) ?? []);
  return new CommandError(`Cannot run wrangler ${wordsOf(args)}: ${reason}`, {
    hint: "Run npx wrangler d1 list in the project, which shows whether wrangler itself works.",
  });
}

function wordsOf(args: readonly string[]): string {
  return args.slice(0, 3).join(" ");
}

function jsonOf(args: readonly string[], out: string): unknown {
  try {
    // Warnings may come before the document.
    return JSON.parse(out.slice(Math.max(0, out.search(/^[[{]/m))));
  } catch (cause) {
    throw new CommandError(`Cannot understand wrangler ${args.slice(0, 2).join(" ")}: it answered without JSON`, {
      hint: "Update wrangler in the project.",
      cause,
    });
  }
}

async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  const parts = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    parts.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    parts.err += text;
  });
  return await new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done({ code, ...parts }));
  });
}

/** `node_modules/.bin/wrangler` of the project or a folder above it, else the one on the PATH. */
function binaryFor(project: string): string {
  for (let at = project; ; at = dirname(at)) {
    const binary = join(at, "node_modules", ".bin", "wrangler");
    if (existsSync(binary)) return binary;
    if (at === dirname(at)) break;
  }
  const onPath = (process.env["PATH"] ?? "").split(":").find((folder) => existsSync(join(folder, "wrangler")));
  if (onPath !== undefined) return join(onPath, "wrangler");
  throw new CommandError(`Cannot reach Cloudflare: there is no wrangler in ${project}`, {
    hint: "npm install --save-dev wrangler, or name the project with --project.",
  });
}
