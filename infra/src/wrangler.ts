import { execFile } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { PatinaError } from "@patina/core/error";

/** wrangler, as a person would call it. */
export interface Wrangler {
  /** Standard output. @throws {PatinaError} `wrangler_failed` with what wrangler said */
  run(args: readonly string[]): Promise<string>;
  /** Standard output, or null when what was asked for does not exist. */
  find(args: readonly string[]): Promise<string | null>;
  exists(args: readonly string[]): Promise<boolean>;
}

/**
 * What wrangler says of something that is not there. Anything else (not logged in, no network, no permission) must not be
 * taken for that: it would be created a second time, or reported as missing.
 */
const MISSING = /not found|does ?n[o']t exist|couldn't find|could not find|no such table|\b(10006|7404|11000)\b/i;

/** What wrangler says when nobody is logged in. */
const STRANGER = /not logged in|necessary to set a CLOUDFLARE_API_TOKEN/i;

/** How one call of wrangler ended: its standard output, and everything that it said. */
export interface Called {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

/** wrangler as a program of its own. */
export function createWrangler({ command, env }: { command: string; env: NodeJS.ProcessEnv }): Wrangler {
  return wranglerOver(
    (args) =>
      new Promise((resolve) => {
        execFile(command, args, { env, maxBuffer: 64 * 1_048_576 }, (error, out, err) => {
          const code = error === null ? 0 : 1;
          resolve({ code, out, said: `${err}\n${out}`.trim() });
        });
      }),
  );
}

/** wrangler, however it is called. */
export function wranglerOver(call: (args: readonly string[]) => Promise<Called>): Wrangler {
  const find = async (args: readonly string[]) => {
    const { code, out, said } = await call(args);
    if (code === 0) return out;
    if (MISSING.test(said)) return null;
    throw failed(args, said);
  };
  return {
    find,
    exists: async (args) => (await find(args)) !== null,
    async run(args) {
      const { code, out, said } = await call(args);
      if (code !== 0) throw failed(args, said);
      return out;
    },
  };
}

function failed(args: readonly string[], said: string): PatinaError {
  const command = args.slice(0, 4).join(" ");
  if (STRANGER.test(said)) {
    const how = "npx wrangler login, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID";
    return new PatinaError("wrangler_failed", `Cannot run "wrangler ${command}": nobody is logged in. ${how}.`);
  }
  // A program that is not on a terminal should not colour what it says, and wrangler does.
  const lines = stripVTControlCharacters(said)
    .split("\n")
    .filter((line) => /\S/.test(line));
  return new PatinaError("wrangler_failed", `Cannot run "wrangler ${command}": ${lines.slice(0, 6).join("\n  ")}`);
}
