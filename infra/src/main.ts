import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ERROR_CODES, PatinaError } from "@patina/core/error";
import { apply, plan, type World } from "./apply.ts";
import { readRegistry } from "./registry.ts";
import { createWrangler } from "./wrangler.ts";

const ROOT = dirname(dirname(import.meta.dirname));

const USAGE = `npm run infra -- plan     show what would change in your account; changes nothing
npm run infra -- apply    create what is missing, apply migrations, deploy the Workers, register the databases

The databases are named in infra/databases.toml. wrangler must be logged in (npx wrangler login) or have
CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.
`;

const world: World = {
  wrangler: createWrangler({
    command: process.env["PATINA_WRANGLER"] ?? "wrangler",
    env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" },
  }),
  read: (path) => (existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), "utf8") : null),
  write(path, text) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
  },
  say: (line) => void process.stdout.write(`${line}\n`),
  clock: Date.now,
};

process.exitCode = await main(process.argv.slice(2));

async function main([command, ...rest]: readonly string[]): Promise<number> {
  if ((command !== "plan" && command !== "apply") || rest.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    const registry = readRegistry(world.read("infra/databases.toml") ?? "");
    process.chdir(ROOT);
    if (command === "plan") await plan(registry, world);
    else await apply(registry, world);
    return 0;
  } catch (error) {
    if (!(error instanceof PatinaError)) throw error;
    process.stderr.write(`${error.message}\nTry: ${ERROR_CODES[error.code].next}\n`);
    return ERROR_CODES[error.code].exit;
  }
}
