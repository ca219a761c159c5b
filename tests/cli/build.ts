import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Bundles the command once for all tests: what they run is what is published. */
export function setup(): void {
  execFileSync(process.execPath, [join(import.meta.dirname, "..", "..", "apps", "cli", "build.mjs")]);
}
