import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { wranglerOptions } from "../wrangler/options.ts";

/**
 * Runs every command of the runbooks. A block headed `sh` is run in a folder with real backups, one after the other as a
 * reader would; a block headed `console` needs an account and is only held against what wrangler and patina know.
 */

const ROOT = dirname(dirname(import.meta.dirname));
const RUNBOOKS = join(ROOT, "docs/runbooks");
const folder = mkdtempSync(join(tmpdir(), "patina-runbooks-"));
const hasShell = spawnSync("sqlite3", ["--version"]).status === 0;
if (!hasShell) process.stderr.write("\nSKIPPED: sqlite3 is not on this machine; commands that call it are not run\n");

const environment = {
  ...process.env,
  PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
  PATINA_SOURCE: join(folder, "backups"),
};

beforeAll(() => {
  mkdirSync(join(folder, "bin"));
  const command = join(folder, "bin", "patina");
  writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, "apps/cli/src/main.ts")}" "$@"\n`);
  chmodSync(command, 0o755);
  const run = spawnSync(
    "patina",
    ["up", "--once", "--state", join(folder, "state"), "--out", join(folder, "backups"), "--port", "0"],
    {
      env: environment,
      encoding: "utf8",
      cwd: ROOT,
    },
  );
  expect(run.stderr + run.stdout).toContain("6 of 6 databases backed up");
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Block {
  readonly kind: string;
  readonly text: string;
}

function blocksOf(file: string): Block[] {
  const text = readFileSync(join(RUNBOOKS, file), "utf8");
  return [...text.matchAll(/^ *```(\w+)\n([\s\S]*?)^ *```$/gm)].map(([, kind = "", body = ""]) => ({
    kind,
    text: body,
  }));
}

const files = readdirSync(RUNBOOKS).filter((name) => name.endsWith(".md"));

test.each(files)("every command in %s that needs no account runs", (file) => {
  const here = mkdtempSync(join(folder, "reader-"));
  cpSync(join(folder, "backups"), join(here, "backups"), { recursive: true });
  for (const { kind, text } of blocksOf(file)) {
    expect(["sh", "console"], text).toContain(kind);
    if (kind !== "sh" || (!hasShell && text.includes("sqlite3"))) continue;
    const run = spawnSync("bash", ["-e", "-o", "pipefail", "-c", text], {
      cwd: here,
      env: environment,
      encoding: "utf8",
    });
    expect(run.status, `${file}:\n${text}\n${run.stdout}${run.stderr}`).toBe(0);
    expect(run.stdout, text).not.toContain("FAILED");
  }
});

test("every option of wrangler that a runbook names is one that wrangler has", () => {
  const options = wranglerOptions();
  const seen = new Set<string>();
  for (const { text } of files.flatMap(blocksOf)) {
    for (const [, line = ""] of text.matchAll(/npx wrangler ([^\n|]+)/g)) {
      const words = line.split(" ");
      const command = words.slice(0, words[1] === "time-travel" ? 3 : 2).join(" ");
      seen.add(command);
      for (const option of words.filter((word) => word.startsWith("--"))) {
        expect(options[command], line).toContain(option.replace(/=.*/, ""));
      }
    }
  }
  expect(seen.size).toBeGreaterThan(3);
});
