import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "./case.ts";
import { CORPUS, THEMES } from "./corpus.ts";

/** The README beside this file. `node tests/corpus/readme.ts` writes it; corpus.test.ts checks that it is current. */
const PATH = join(import.meta.dirname, "README.md");

const LEAD = `# The corpus

Small databases, each of them legal in D1, that break tools which dump and restore SQLite.
Patina has to be exact in all of them; where SQL text itself cannot carry something, the case says what.

\`CORPUS\` (corpus.ts) is the list of cases, grouped over the other files by theme.
A case is a name, one line on what it breaks elsewhere, and the statements that build it, one per call.
\`build(case)\` (build.ts) makes it with node:sqlite; \`startLocalD1(cases)\` (local-d1.ts) makes it in workerd.
Both give the same contents, and every statement is accepted by local D1: corpus.test.ts runs them all.
To see whether a restored database is equal to the source, use \`compare()\` of ../compare.

This file is written by \`node tests/corpus/readme.ts\`.
`;

/** The whole text of the README. */
export function renderReadme(): string {
  const sections = Object.entries(THEMES).map(([theme, cases]) => {
    const rows = cases.map((entry) => [entry.name, cell(breaksOf(entry))] as const);
    return `## ${theme}\n\n${table([["Case", "What it breaks elsewhere"], ...rows])}`;
  });
  return `${LEAD}\n${CORPUS.length} cases.\n\n${sections.join("\n")}`;
}

/** A Markdown table as Biome formats it: every column as wide as its widest cell. */
function table(rows: readonly (readonly [string, string])[]): string {
  const left = Math.max(...rows.map(([cell]) => cell.length));
  const right = Math.max(...rows.map(([, cell]) => cell.length));
  const lines = rows.map((row) => `| ${row[0].padEnd(left)} | ${row[1].padEnd(right)} |`);
  return `${[lines[0], `| ${"-".repeat(left)} | ${"-".repeat(right)} |`, ...lines.slice(1)].join("\n")}\n`;
}

export function readReadme(): string {
  return readFileSync(PATH, "utf8");
}

function breaksOf(entry: Case): string {
  const notes = [entry.breaks];
  if (entry.loses !== undefined) notes.push(`Not carried: ${entry.loses.join("; ")}`);
  if (entry.enforced !== undefined) notes.push(`With foreign keys enforced: ${entry.enforced}`);
  if (entry.shell !== undefined) notes.push(`Not for the sqlite3 shell: ${entry.shell}`);
  return notes.join(". ");
}

/** Text in a cell of a Markdown table, with nothing in it that Markdown would take for markup. */
function cell(text: string): string {
  return text.replaceAll(/[\\`*_<>|[\]]/g, (mark) => `\\${mark}`);
}

if (import.meta.main) writeFileSync(PATH, renderReadme());
