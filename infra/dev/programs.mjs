// Programs that the tests use beside npm's packages, from the distribution. What cannot be had is named, and the tests
// that need it say that they were skipped; nothing else needs it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const PROGRAMS = [
  {
    name: "Chromium",
    // Where tests/browser looks.
    places: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
    pkg: "chromium",
  },
  { name: "sqlite3", places: ["/usr/bin/sqlite3", "/usr/local/bin/sqlite3"], pkg: "sqlite3" },
  { name: "bsdtar", places: ["/usr/bin/bsdtar", "/bin/bsdtar"], pkg: "libarchive-tools" },
];

/** Installs through apt what is missing, when this user may. */
export function providePrograms() {
  const missing = PROGRAMS.filter(({ places }) => !places.some((path) => existsSync(path)));
  const isRoot = process.getuid?.() === 0;
  if (missing.length === 0 || !isRoot || !existsSync("/usr/bin/apt-get")) return;
  process.stderr.write(`Installing ${missing.map(({ name }) => name).join(", ")} for the tests (once) ...\n`);
  const options = { stdio: "ignore", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  const apt = (...args) => spawnSync("apt-get", args, options).status === 0;
  const install = ({ pkg }) => apt("install", "-y", "--no-install-recommends", pkg);
  const left = missing.filter((program) => !install(program));
  if (left.length > 0) apt("update");
  for (const program of left) {
    if (!install(program)) process.stderr.write(`Cannot install ${program.name}: tests that need it are skipped.\n`);
  }
}
