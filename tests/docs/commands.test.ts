import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "@patina/cli/program";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COMMAND } from "../cli/command.ts";
import { wranglerOptions } from "../wrangler/options.ts";
import { blocksOf, DOCUMENTS, inlineCommands, linesOf, ROOT } from "./documents.ts";

/**
 * Runs every command of the documents. A block headed `sh` is run in a folder with real backups, one after the other as a
 * reader would; a block headed `console` needs an account or a clone, and is only held against what wrangler, npm and
 * patina know.
 */

const folder = mkdtempSync(join(tmpdir(), "patina-documents-"));
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
  writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${COMMAND}" "$@"\n`);
  chmodSync(command, 0o755);
  // The published command comes without the Workers.
  const run = spawnSync(
    process.execPath,
    [
      join(ROOT, "apps/cli/src/main.ts"),
      "up",
      "--once",
      "--state",
      join(folder, "state"),
      "--out",
      join(folder, "backups"),
      "--port",
      "0",
    ],
    { env: environment, encoding: "utf8", cwd: ROOT },
  );
  expect(run.stderr + run.stdout).toContain("6 of 6 databases backed up");
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runnable = DOCUMENTS.filter((document) => blocksOf(document).some(({ kind }) => kind === "sh"));

test.each(runnable)("every command in %s that needs no account runs", (document) => {
  const here = mkdtempSync(join(folder, "reader-"));
  cpSync(join(folder, "backups"), join(here, "backups"), { recursive: true });
  for (const { kind, text } of blocksOf(document)) {
    if (kind !== "sh" || (!hasShell && text.includes("sqlite3"))) continue;
    const run = spawnSync("bash", ["-e", "-o", "pipefail", "-c", text], {
      cwd: here,
      env: environment,
      encoding: "utf8",
    });
    expect(run.status, `${document}:\n${text}\n${run.stdout}${run.stderr}`).toBe(0);
    expect(run.stdout, text).not.toContain("FAILED");
  }
});

test("a block in a runbook is for a shell", () => {
  const kinds = DOCUMENTS.filter((name) => name.startsWith("docs/runbooks/"))
    .flatMap(blocksOf)
    .map(({ kind }) => kind);
  expect([...new Set(kinds)].sort()).toEqual(["console", "sh"]);
});

test("every option of wrangler that a document names is one that wrangler has", () => {
  const options = wranglerOptions();
  const seen = new Set<string>();
  for (const line of DOCUMENTS.flatMap(blocksOf).flatMap(linesOf)) {
    for (const [, typed = ""] of line.matchAll(/npx wrangler ([^|&>]+)/g)) {
      const words = typed.trim().split(/\s+/);
      const command = [3, 2, 1].map((length) => words.slice(0, length).join(" ")).find((name) => name in options);
      expect(command, line).toBeDefined();
      seen.add(command ?? "");
      for (const option of words.filter((word) => word.startsWith("--"))) {
        expect(options[command ?? ""], line).toContain(option.replace(/=.*/, ""));
      }
    }
  }
  expect(seen.size).toBeGreaterThan(5);
});

test("every npm script that a document names is one of the project's", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
  const lines = [
    ...DOCUMENTS.flatMap(blocksOf).flatMap(linesOf),
    ...DOCUMENTS.flatMap((document) => inlineCommands(document, "npm")),
  ];
  const named = lines.flatMap((line) =>
    [...line.matchAll(/\bnpm (?:run (?:-s )?)?([\w:]+)/g)].map(([, name = ""]) => name),
  );
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...new Set(named)].filter((name) => !OWN.has(name))));
});

/** What npm does by itself. */
const OWN = new Set(["pack", "install", "publish"]);

test("every command and option of patina that a document names is one that it has", () => {
  const root = program();
  const lines = [
    ...DOCUMENTS.flatMap(blocksOf).flatMap(linesOf),
    ...DOCUMENTS.flatMap((document) => inlineCommands(document, "patina")),
  ];
  const seen = new Set<string>();
  for (const line of lines) {
    for (const [, typed = ""] of line.matchAll(/(?:^|[\s(])patina ((?:[^|&>;)]|<[^>]+>)+)/g)) {
      seen.add(check(root, { words: typed.replace(/["']/g, "").trim().split(/\s+/), line }));
    }
  }
  const all = root.commands.map((command) => command.name()).filter((name) => name !== "complete");
  expect([...seen]).toEqual(expect.arrayContaining(all));
});

/** Follows the words down to the command that they name, and looks for each option there; the first word of it. */
function check(root: ReturnType<typeof program>, { words, line }: { words: readonly string[]; line: string }): string {
  let command = root;
  for (const word of words) {
    const below = command.commands.find((candidate) => candidate.name() === word);
    if (below !== undefined) command = below;
    else if (word.startsWith("--") && word !== "--") {
      const name = word.replace(/[=,.)].*/, "");
      const known = [...command.options.map(({ long }) => long), "--help", "--version"];
      expect(known, `${line}: ${command.name()}`).toContain(name);
    }
  }
  const isPlaceholder = /^[<.[]/.test(words[0] ?? "") || words[0]?.startsWith("--") === true;
  if (!isPlaceholder) expect(command, line).not.toBe(root);
  return words[0] ?? "";
}

test("the README's permissions are those of the deployment", () => {
  const rows = (document: string) => readFileSync(join(ROOT, document), "utf8").match(/^\| \S.*: Edit +\|.*$/gm) ?? [];
  const words = (row: string) => row.replace(/ +/g, " ");
  expect(rows("README.md").length).toBeGreaterThan(3);
  expect(rows("README.md").map(words)).toEqual(rows("docs/deploy.md").map(words));
});

test("every link of a document to another one leads somewhere", () => {
  for (const document of DOCUMENTS) {
    const text = readFileSync(join(ROOT, document), "utf8");
    for (const [, target = "", anchor] of text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)/g)) {
      const path = target === "" ? join(ROOT, document) : join(ROOT, document, "..", target);
      const where = `${document}: ${target}#${anchor ?? ""}`;
      if (anchor === undefined) expect(readdirSync(join(path, "..")), where).toContain(path.split("/").at(-1));
      else expect(anchorsOf(readFileSync(path, "utf8")), where).toContain(anchor);
    }
  }
});

/** What a heading is called in a link: `## How long it takes` is `how-long-it-takes`. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}
