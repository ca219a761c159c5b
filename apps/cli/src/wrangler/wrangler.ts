import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { refusalOf } from "@patina/dump/refusal";
import { CommandError, EXIT } from "../failure.ts";

/** The wrangler of a project, run as its people run it: with their login, their account and their configuration. */
export class Wrangler {
  readonly #binary: string;
  readonly #project: string;

  constructor(project: string) {
    this.#project = resolve(project);
    this.#binary = binaryFor(this.#project);
  }

  /**
   * Runs one command to its end; what it wrote to standard output.
   *
   * @throws {CommandError} when it fails, with wrangler's own reason as far as it holds no data
   */
  async run(args: readonly string[]): Promise<string> {
    const child = spawn(this.#binary, args, {
      cwd: this.#project,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { exit, out, err } = await ended(child);
    if (exit === 0) return out;
    const what = args.slice(0, 3).join(" ");
    const said = `${out}\n${err}`;
    if (/not logged in|CLOUDFLARE_API_TOKEN|Authentication error|code: 10000\b/i.test(said)) {
      throw new CommandError(`Cannot run wrangler ${what}: Cloudflare does not know who is asking`, {
        exit: EXIT.unauthorized,
        hint: "npx wrangler login, or set CLOUDFLARE_API_TOKEN to a token with D1 Edit.",
      });
    }
    if (/Couldn't find (a )?D1 DB|database .*not found|could not be found/i.test(said)) {
      throw new CommandError(`Cannot find the D1 database: wrangler ${what} does not know it`, {
        exit: EXIT.notFound,
        hint: `npx wrangler d1 create ${args[2] ?? "shop"}, or another name.`,
      });
    }
    throw new CommandError(`Cannot run wrangler ${what}: ${refusalOf(said)}`, {
      hint: "Run npx wrangler d1 list in the project, which shows whether wrangler itself works.",
    });
  }

  /** Runs one command that answers with JSON. */
  async json(args: readonly string[]): Promise<unknown> {
    const out = await this.run([...args, "--json"]);
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
}

async function ended(child: ChildProcess): Promise<{ exit: number | null; out: string; err: string }> {
  const parts = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    parts.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    parts.err += text;
  });
  return await new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (exit) => done({ exit, ...parts }));
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
  throw new CommandError(`Cannot reach D1: there is no wrangler in ${project}`, {
    hint: "npm install --save-dev wrangler, or name the project with --project.",
  });
}
