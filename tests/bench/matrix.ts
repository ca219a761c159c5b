import { unstable_splitSqlQuery as splitSqlQuery } from "wrangler";
import { compare } from "../compare/compare.ts";
import { openDatabaseFile } from "../compare/d1-file.ts";
import { build } from "../corpus/build.ts";
import type { Case } from "../corpus/case.ts";
import { CORPUS } from "../corpus/corpus.ts";
import { startLocalD1 } from "../corpus/local-d1.ts";
import { CorpusD1, type RemoteDatabase } from "./corpus-d1.ts";
import { printTable } from "./report.ts";
import { type Dumped, type Tool, toolsOf } from "./tools.ts";
import type { Workshop } from "./workshop.ts";

/** What came of one case with one tool. `warned`: not the same, and the dump says so. */
type Verdict = "exact" | "warned" | "CHANGED" | "no import" | "no dump";

/**
 * Every tool over every case of the corpus: dumped from local D1, imported into an empty local D1 as
 * `wrangler d1 execute --local --file` does it (split by wrangler, run as one batch), and compared by tests/compare.
 */
export async function measureMatrix(shop: Workshop): Promise<void> {
  const tools = await toolsOf(shop);
  const dumps = await dumpAll(tools);
  const verdicts = new Map<string, Verdict>();
  for (const [i, tool] of tools.entries()) {
    for (const [key, verdict] of await importAll(tool, { dumps, folder: shop.path(`matrix-${i}`) })) {
      verdicts.set(key, verdict);
    }
  }
  const rows = CORPUS.map((entry) => [entry.name, ...tools.map((tool) => verdicts.get(keyOf(tool, entry)) ?? "")]);
  const sums = (["exact", "warned", "CHANGED", "no import", "no dump"] as const).map((verdict) => [
    `${verdict}, of ${CORPUS.length}`,
    ...tools.map((_, i) => String(rows.filter((row) => row[i + 1] === verdict).length)),
  ]);
  printTable("Dumped, and imported into an empty D1", [["", ...tools.map(({ name }) => name)], ...rows]);
  printTable("Together", [["", ...tools.map(({ name }) => name)], ...sums]);
}

type Dumps = ReadonlyMap<string, Dumped | null>;

async function dumpAll(tools: readonly Tool[]): Promise<Dumps> {
  const sources = await startLocalD1(CORPUS);
  const dumps = new Map<string, Dumped | null>();
  try {
    const refused = await sources.build();
    if (refused.length > 0) throw new Error(`Local D1 refuses cases: ${refused.join("; ")}`);
    await sources.stop();
    const d1 = new CorpusD1(sources.folder);
    for (const entry of CORPUS) {
      for (const tool of tools) {
        const dump = await tool.dump(entry, d1.database(entry.name)).catch(() => null);
        dumps.set(keyOf(tool, entry), dump);
      }
    }
    await d1.stop();
  } finally {
    await sources.remove();
  }
  return dumps;
}

function keyOf(tool: Tool, { name }: Case): string {
  return `${tool.name} ${name}`;
}

async function importAll(
  tool: Tool,
  { dumps, folder }: { dumps: Dumps; folder: string },
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  const d1 = new CorpusD1(folder);
  for (const entry of CORPUS) {
    const dump = dumps.get(keyOf(tool, entry)) ?? null;
    if (dump === null) verdicts.set(keyOf(tool, entry), "no dump");
    else if (!(await isImported(d1.database(entry.name), dump.sql))) {
      verdicts.set(keyOf(tool, entry), dump.isWarned ? "warned" : "no import");
    }
  }
  await d1.stop();
  for (const entry of CORPUS) {
    const key = keyOf(tool, entry);
    if (verdicts.has(key)) continue;
    const isWarned = dumps.get(key)?.isWarned === true;
    verdicts.set(key, isEqual(entry, d1.file(entry.name)) ? "exact" : isWarned ? "warned" : "CHANGED");
  }
  return verdicts;
}

async function isImported(database: RemoteDatabase, sql: string): Promise<boolean> {
  try {
    // A first statement of its own: of an empty database even an empty dump is right.
    await database.batch(["SELECT 1"]);
    const statements = splitSqlQuery(sql);
    if (statements.length > 0) await database.batch(statements);
    return true;
  } catch {
    return false;
  }
}

function isEqual(entry: Case, path: string): boolean {
  const source = build(entry);
  const restored = openDatabaseFile(path);
  try {
    return compare(source, restored).length === 0;
  } finally {
    source.close();
    restored.close();
  }
}
