// Chromium for the tests of the dashboard, from the distribution. Where it cannot be had those tests say that they were
// skipped; nothing else needs it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Where tests/browser looks. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Installs Chromium through apt when it is missing and this user may. */
export function provideChromium() {
  const isRoot = process.getuid?.() === 0;
  if (PLACES.some((path) => existsSync(path)) || !isRoot || !existsSync("/usr/bin/apt-get")) return;
  process.stderr.write("Installing Chromium for the tests of the dashboard (once) ...\n");
  const options = { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  const install = () => spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "chromium"], options).status;
  if (install() === 0) return;
  spawnSync("apt-get", ["update"], options);
  if (install() !== 0) process.stderr.write("Cannot install Chromium: the tests in a browser will be skipped.\n");
}
