import { createHash } from "node:crypto";
import type { Check } from "@patina/core/drill";
import { PatinaError } from "@patina/core/error";
import { NO_RULES } from "@patina/core/rules";
import { contentOf } from "./content.ts";
import { isContentReadable } from "./doubts.ts";
import { dump, SNAPSHOT_BYTES, type TableSummary } from "./dump.ts";
import { quoteName } from "./name.ts";
import type { Output } from "./output.ts";
import type { Schema } from "./schema.ts";
import { readSchema } from "./schema-reader.ts";
import type { Source } from "./source.ts";
import { isContentMissing, rowsOf } from "./warnings.ts";

/** What a backup's manifest says of its content. */
export interface Expected extends Content {
  /** Rows of a table that the dump only holds as comments, because no INSERT takes them. */
  readonly uninsertable: ReadonlyMap<string, number>;
}

interface Content {
  readonly tables: readonly Pick<TableSummary, "name" | "rows" | "digest">[];
  /** SHA-256 of the dump's body. */
  readonly body: string;
}

/** How many findings of a check are told; the rest is counted. */
const MAX_FINDINGS = 20;

/**
 * Looks at a database that was restored from a backup: whether it is sound, and whether it is what was backed up. To
 * know that, it is dumped again: the same data gives the same dump. Nobody may write to it meanwhile.
 */
export async function prove(source: Source, expected: Expected): Promise<Check[]> {
  const { schema } = await readSchema(source);
  return [
    await quickCheck(source),
    await foreignKeys(source),
    ...(await sameContent(source, expected)),
    await fullText(source, schema),
  ];
}

function check(name: Check["name"], { flaws = [], faults = [] }: { flaws?: string[]; faults?: string[] }): Check {
  const all = [...faults, ...flaws];
  const findings = all.slice(0, MAX_FINDINGS);
  if (all.length > findings.length) findings.push(`... and ${all.length - findings.length} more`);
  return { name, end: faults.length > 0 ? "failed" : flaws.length > 0 ? "flawed" : "passed", findings };
}

/** SQLite's own check, which passes over CHECK constraints as long as they are switched off. */
async function quickCheck(source: Source): Promise<Check> {
  await source.batch([{ sql: "PRAGMA ignore_check_constraints=OFF" }]);
  const rows = await asked(source, "PRAGMA quick_check");
  if (rows === null)
    return check("quick_check", { flaws: ["An expression of a constraint or an index fails over a row"] });
  const complaints = rows.map(([row]) => String(row)).filter((row) => row !== "ok");
  const isFlaw = (complaint: string) => complaint.startsWith("CHECK constraint failed in ");
  return check("quick_check", {
    flaws: unique(complaints.filter(isFlaw)),
    faults: unique(complaints.filter((complaint) => !isFlaw(complaint))),
  });
}

/** Rows whose parent is missing, counted by table and parent. */
async function foreignKeys(source: Source): Promise<Check> {
  const rows = await asked(source, "PRAGMA foreign_key_check");
  if (rows === null) return check("foreign_keys", { flaws: ["A foreign key points at columns that are not unique"] });
  const counts = new Map<string, number>();
  for (const [table, , parent] of rows) {
    const pair = `of table "${table}" have no row in "${parent}"`;
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return check("foreign_keys", { flaws: [...counts].map(([pair, count]) => `${rowsOf(count)} ${pair}`) });
}

async function sameContent(source: Source, expected: Expected): Promise<Check[]> {
  const again = await dumpAgain(source);
  const found = new Map(again.tables.map((table) => [table.name, table]));
  const rows: string[] = [];
  const lost: string[] = [];
  const digests: string[] = [];
  for (const table of expected.tables) {
    const restored = found.get(table.name);
    found.delete(table.name);
    const missing = expected.uninsertable.get(table.name) ?? 0;
    if (missing > 0)
      lost.push(`${rowsOf(missing)} of table "${table.name}" cannot be inserted: a generated column fails`);
    if (restored === undefined) {
      rows.push(`Table "${table.name}" is missing`);
    } else if (restored.rows !== table.rows - missing) {
      rows.push(`Table "${table.name}" has ${restored.rows} rows, and had ${table.rows} when it was backed up`);
    } else if (restored.digest !== table.digest && missing === 0) {
      digests.push(`The rows of table "${table.name}" are not those that were backed up`);
    }
  }
  for (const name of found.keys()) rows.push(`Table "${name}" was not in the backup's manifest`);
  const isTold = rows.length > 0 || lost.length > 0 || digests.length > 0;
  const isSame = isTold || again.body === expected.body;
  const definitions = isSame ? [] : ["Tables have the same rows, but definitions, counters or statistics differ"];
  return [
    check("rows", { faults: rows, flaws: lost }),
    check("digests", { faults: digests }),
    check("definitions", { faults: definitions }),
  ];
}

/** Dumps a database and keeps only what it is compared by. */
async function dumpAgain(source: Source): Promise<Content> {
  const hash = createHash("sha256");
  let position = 0;
  let isBody = false;
  const output: Output = {
    get position() {
      return position;
    },
    write(bytes) {
      position += bytes.length;
      if (isBody) hash.update(bytes);
    },
    endStatement() {},
    beginBody() {
      isBody = true;
    },
    endBody() {
      isBody = false;
    },
  };
  const info = { database: "scratch", environment: "scratch", job: "drill", startedAt: "" };
  // What rules took out of the backup is gone from the database as well.
  const run = dump(source, { ...info, rules: NO_RULES, redactionKey: null, snapshotBytes: SNAPSHOT_BYTES, output });
  let step = await run.next();
  while (!step.done) step = await run.next();
  return { tables: step.value.tables, body: hash.digest("hex") };
}

/** Lets every FTS5 index compare itself with what it indexes. */
async function fullText(source: Source, schema: Schema): Promise<Check> {
  const faults: string[] = [];
  for (const { definition, kind } of contentOf(schema).virtualTables) {
    if (!kind.startsWith("fts5") || kind === "fts5vocab" || isContentMissing(schema, definition)) continue;
    if (kind === "fts5-external" && !(await isContentReadable(source, definition))) continue;
    const name = quoteName(definition.name);
    // A rank above 0 compares with the content too, which a contentless table has not.
    const command =
      kind === "fts5-contentless"
        ? `INSERT INTO ${name}(${name}) VALUES('integrity-check')`
        : `INSERT INTO ${name}(${name},rank) VALUES('integrity-check',1)`;
    if ((await asked(source, command)) === null) {
      faults.push(`The full-text index of table "${definition.name}" does not fit its content`);
    }
  }
  return check("fts", { faults });
}

/** The rows of one statement; null when SQLite refuses it. */
async function asked(source: Source, sql: string) {
  try {
    const [result] = await source.batch([{ sql }]);
    return result?.rows ?? [];
  } catch (error) {
    if (error instanceof PatinaError && error.code === "source_failed") return null;
    throw error;
  }
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
