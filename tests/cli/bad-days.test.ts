import { spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { store } from "./bucket-folder.ts";
import { type Answer, COMMAND, onTerminal, patina, start, testFolder } from "./command.ts";
import { large, makeDatabase, SHOP } from "./databases.ts";
import { makeArchive } from "./weekly.ts";

/** Every command that writes or waits, on a full disk, in a closed folder, without a reader, and with Ctrl-C. */

const folder = testFolder();
const bucket = join(folder, "bucket");
const lone = join(folder, "lone.sql.gz");
const DATE = "2026-11-20";
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
let big: string;
let live: string;

beforeAll(async () => {
  chmodSync(folder, 0o755);
  big = makeDatabase(join(folder, "original", "big.sqlite"), large(3));
  live = makeDatabase(join(folder, "live.sqlite"), large(2));
  await store(bucket, { ref: { kind: "daily", date: DATE, database: "big" }, sql: large(3), snapshotBytes: 0 });
  await store(bucket, { ref: { kind: "daily", date: DATE, database: "shop" }, sql: SHOP });
  // Without its manifest nobody knows beforehand how large it is going to be.
  copyFileSync(join(bucket, "daily", DATE, "big.sql.gz"), lone);
  const backups = [{ date: DATE, database: "big" }];
  makeArchive(bucket, "2026-W47", backups);
});

function run(args: readonly string[], options: Parameters<typeof patina>[1] = {}): Promise<Answer> {
  return patina(args, { cwd: folder, ...options, env: { PATINA_SOURCE: bucket, ...options.env } });
}

/** What a command may be told to write to, in a folder where that fails. */
function writers(to: string): Record<string, { args: string[]; env?: Record<string, string>; isUnpacked?: true }> {
  const unpacked = { env: { TMPDIR: to }, isUnpacked: true } as const;
  return {
    dump: { args: ["dump", big, "--to", join(to, "deep")] },
    "restore of a size that nobody knows": { args: ["restore", lone, "--to", join(to, "big.sqlite")] },
    "restore as SQL": { args: ["restore", "big", "--to", join(to, "deep", "big.sql")] },
    "restore --replace, whose emergency backup goes there": {
      args: ["restore", "shop", "--to", live, "--replace", "--yes", "--emergency", join(to, "deep")],
    },
    download: { args: ["download", "big", "--to", `${to}/`] },
    "download --sql": { args: ["download", "big", "--sql", "--to", `${to}/`] },
    "archive extract": { args: ["archive", "extract", "2026-W47", "--to", to] },
    query: { args: ["query", lone, "SELECT 1"], ...unpacked },
    diff: { args: ["diff", lone, "big"], ...unpacked },
    drill: { args: ["drill", lone], ...unpacked },
  };
}

const NAMES = Object.keys(writers(""));

describe("on a full disk", () => {
  const full = join(folder, "full");
  mkdirSync(full);
  const isMounted =
    isRoot && spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=755", "patina-test", full]).status === 0;
  if (!isMounted) process.stderr.write("\nSKIPPED: a small file system cannot be mounted here to fill it up\n");
  afterAll(() => {
    if (isMounted) spawnSync("umount", [full]);
  });

  test.skipIf(!isMounted).each(NAMES)("%s says so, and leaves nothing", async (name) => {
    const before = readFileSync(live);
    const { args = [], env = {} } = writers(full)[name] ?? {};
    const { exit, out, err } = await run(args, { env });
    expect(err).toMatch(/(there is no space left|at least .* are required, .* are available)\.\nTry: Free some, or /);
    expect({ exit, out }).toEqual({ exit: 1, out: "" });
    expect(readdirSync(full)).toEqual([]);
    expect(readFileSync(live).equals(before)).toBe(true);
  });
});

test.skipIf(!existsSync("/proc/self")).each(["/proc/patina/", "/proc/patina/deep/big.sql.gz"])(
  "a place that takes no folders, %s, is refused by name, where Node itself would try for ever",
  async (to) => {
    const { exit, out, err } = await run(["download", "big", "--to", to]);
    expect(err).toMatch(/^Cannot make the folder \/proc\/patina: .*\nTry: Choose another place\.\n$/);
    expect({ exit, out }).toEqual({ exit: 1, out: "" });
  },
);

describe("in a folder that may not be written to", () => {
  const closed = join(folder, "closed");
  mkdirSync(closed);
  chmodSync(closed, 0o555);

  test.each(NAMES)("%s says so, and leaves nothing", async (name) => {
    chmodSync(live, 0o666);
    const before = readFileSync(live);
    const { args = [], env = {} } = writers(closed)[name] ?? {};
    const { exit, out, err } = await run(args, { env, ...(isRoot ? { uid: NOBODY } : {}) });
    expect(err).toMatch(/Cannot use .*closed.*: permission denied\.\nTry: Choose a place that you may write to\.\n$/);
    expect({ exit, out }).toEqual({ exit: 1, out: "" });
    expect(readdirSync(closed)).toEqual([]);
    expect(readFileSync(live).equals(before)).toBe(true);
  });

  test("a database that may not be written to is not replaced, and is not asked about", async () => {
    chmodSync(live, 0o444);
    const { exit, err } = await run(["restore", "shop", "--to", live, "--replace"], isRoot ? { uid: NOBODY } : {});
    chmodSync(live, 0o666);
    expect(err).toMatch(/^Cannot use .*live\.sqlite: permission denied\.\nTry: /);
    expect(exit).toBe(1);
  });
});

test
  .skipIf(!existsSync("/dev/full"))
  .each([["list"], ["list", "--json"], ["restore", "big", "--to", "-"], ["query", "shop", "SELECT 1"]])(
  "patina %s %s into a full device says so and ends with 1",
  async (...args) => {
    const line = `exec "${process.execPath}" "${COMMAND}" ${args.map((word) => `"${word}"`).join(" ")} >/dev/full`;
    const child = spawnSync("sh", ["-c", line], { env: { ...process.env, PATINA_SOURCE: bucket }, encoding: "utf8" });
    expect(child.stderr).toContain("Cannot write: there is no space left.\nTry: Free some, or write elsewhere.\n");
    expect(child.status).toBe(1);
  },
);

describe("Ctrl-C", () => {
  const scratch = join(folder, "scratch");
  mkdirSync(scratch);

  /** Starts a command, and interrupts it as soon as it has begun to write into a folder. */
  async function interrupted(args: readonly string[], home: string) {
    const running = start(args, { cwd: folder, env: { PATINA_SOURCE: bucket, TMPDIR: scratch } });
    while (readdirSync(home, { recursive: true }).length === 0) {
      if (running.child.exitCode !== null) throw new Error(`It has ended already: ${running.said()}`);
      await new Promise((go) => setTimeout(go, 1));
    }
    running.child.kill("SIGINT");
    return await running.ended;
  }

  test.each([
    ["drill", "big"],
    ["diff", "big", "big"],
  ])("patina %s that is interrupted ends with 130 and leaves no scratch database", async (...args) => {
    const { exit, err } = await interrupted(args, scratch);
    expect(exit, err).toBe(130);
    expect(err).toContain("Interrupted. Nothing was left behind.");
    expect(readdirSync(scratch)).toEqual([]);
  });

  test("patina archive extract that is interrupted ends with 130 and leaves nothing", async () => {
    const to = join(folder, "extracted");
    mkdirSync(to);
    const { exit, err } = await interrupted(["archive", "extract", "2026-W47", "--to", to], to);
    expect(exit, err).toBe(130);
    expect(readdirSync(to)).toEqual([]);
  });

  test("patina restore --replace that is interrupted while it asks has changed nothing", async () => {
    const before = readFileSync(live);
    const emergency = join(folder, "emergency");
    const args = ["restore", "shop", "--source", bucket, "--to", live, "--replace", "--emergency", emergency];
    const { exit, said } = await onTerminal(args, { typed: "\u0003", at: /to replace it:/, cwd: folder });
    expect(exit, said).toBe(130);
    expect(said).toContain("Interrupted.");
    expect(readFileSync(live).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes(".partial"))).toEqual([]);
  });

  test("patina alerts add that is interrupted while it asks sends nothing", async () => {
    const args = ["alerts", "add", "ops", "--kind", "webhook", "--api", "http://127.0.0.1:9"];
    const { exit, said } = await onTerminal(args, { typed: "https://x\u0003", at: /[Aa]ddress/, cwd: folder });
    expect(exit, said).toBe(130);
    expect(said).not.toContain("https://x");
  });

  test("patina up that is interrupted before it has begun ends with 130, and nothing of it goes on running", async () => {
    const state = join(folder, "state");
    const child = spawn(
      process.execPath,
      [join(COMMAND, "..", "..", "src", "main.ts"), "up", "--state", state, "--port", "0"],
      { cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (text.includes("Starting Patina")) child.kill("SIGINT");
    });
    const exit = await new Promise<number | null>((ended) => child.on("close", ended));
    expect(exit, said).toBe(130);
  });
});

test("without a terminal no command waits for an answer", async () => {
  writeFileSync(join(folder, "empty"), "");
  for (const args of [
    ["restore", "shop", "--to", live, "--replace"],
    ["dead-letters", "discard", "1", "--reason", "old", "--api", "http://127.0.0.1:9"],
    ["alerts", "add", "ops", "--api", "http://127.0.0.1:9"],
  ]) {
    const { exit, err } = await run(args);
    expect(err, args.join(" ")).toContain("Try: ");
    expect([2, 13], err).toContain(exit);
  }
});
