import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

/** Every document that tells somebody what to type, by its path in the project. */
export const DOCUMENTS: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
    .sort(),
];

/** One fenced block: `sh` is run, `console` needs an account, a clone or time, anything else is not for a shell. */
export interface Block {
  readonly kind: string;
  readonly text: string;
}

function textOf(document: string): string {
  return readFileSync(join(ROOT, document), "utf8");
}

export function blocksOf(document: string): Block[] {
  return [...textOf(document).matchAll(/^ *```(\w+)\n([\s\S]*?)^ *```$/gm)].map(([, kind = "", text = ""]) => ({
    kind,
    text,
  }));
}

/** The commands of a block for a shell, one a line; continued lines are put together, comments and here-documents left out. */
export function linesOf({ kind, text }: Block): string[] {
  if (kind !== "sh" && kind !== "console") return [];
  return text
    .replace(/<<'?(\w+)'?\n[\s\S]*?^\s*\1$/gm, "\n")
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*/, "").trim())
    .filter((line) => line !== "");
}

/** What a document says between backticks and begins with a word: `patina list`. */
export function inlineCommands(document: string, word: string): string[] {
  const prose = textOf(document).replace(/^ *```[\s\S]*?^ *```$/gm, "");
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code).filter((code) => code.startsWith(`${word} `));
}
