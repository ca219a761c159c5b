// Brings a bare clone to the point where everything runs: pinned pnpm through npx, dependencies, the project's own
// Node 24. Runs on Node 20 and newer and imports nothing but Node itself.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const PNPM = "pnpm@12.21.0";
const STAMP = join(ROOT, "node_modules", ".patina-installed");

/** The project's own Node (24), there once setup() has run. */
export const NODE = join(ROOT, "node_modules", "node", "bin", "node");

/** What children of the project inherit: no telemetry, no update checks, the project's Node first on the PATH. */
export function environment() {
  return {
    ...process.env,
    PATH: `${dirname(NODE)}:${join(ROOT, "node_modules", ".bin")}:${process.env.PATH}`,
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
    TURBO_TELEMETRY_DISABLED: "1",
    TURBO_NO_UPDATE_NOTIFIER: "1",
    DO_NOT_TRACK: "1",
  };
}

/** Installs what the lockfile says, unless exactly that is installed already. Exits with a sentence when it cannot. */
export function setup() {
  const lock = readFileSync(join(ROOT, "pnpm-lock.yaml"));
  const wanted = createHash("sha256").update(lock).digest("hex");
  if (existsSync(STAMP) && existsSync(NODE) && readFileSync(STAMP, "utf8") === wanted) return;
  process.stderr.write("Installing dependencies (once, about half a minute) ...\n");
  const install = spawnSync("npx", ["-y", PNPM, "install", "--frozen-lockfile", "--reporter=append-only"], {
    cwd: ROOT,
    env: environment(),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (install.status !== 0) {
    process.stderr.write(`${install.stdout ?? ""}${install.stderr ?? ""}\n`);
    process.stderr.write("Cannot install dependencies: see the lines above. The npm registry has to be reachable.\n");
    process.exit(1);
  }
  writeFileSync(STAMP, wanted);
}

/** Runs one command of the project to its end and gives back its exit code (130 when a signal ended it). */
export function run(command, args, options = {}) {
  const child = spawnSync(command, args, { cwd: ROOT, env: environment(), stdio: "inherit", ...options });
  if (child.error) throw child.error;
  return child.status ?? 130;
}

/** Runs tasks of all packages through turbo, which skips what it has done before. turbo itself wants pnpm on the PATH. */
export function turbo(tasks, options = {}) {
  const args = ["-y", PNPM, "exec", "turbo", "run", ...tasks, "--output-logs=errors-only", "--log-order=grouped"];
  return spawnSync("npx", args, { cwd: ROOT, env: environment(), encoding: "utf8", ...options });
}

/** Bundles every Worker with wrangler. */
export function buildWorkers() {
  const built = turbo(["build"]);
  if (built.status === 0) return;
  process.stderr.write(`${built.stdout ?? ""}${built.stderr ?? ""}\nCannot bundle the Workers: see the lines above.\n`);
  process.exit(1);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) setup();
