import type { DatabaseSync } from "node:sqlite";
import { type Check, type Verdict, verdictOf } from "@patina/core/drill";
import { NO_RULES } from "@patina/core/rules";
import { dump, SNAPSHOT_BYTES } from "@patina/dump/dump";
import { prove } from "@patina/dump/proof";
import type { Source } from "@patina/dump/source";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { rowsOf } from "@patina/dump/warnings";
import { breathe } from "../interruption.ts";
import type { Content, Expected, ExpectedTable } from "./content.ts";

export const INTEGRITY_CHECKS = ["full", "quick"] as const;
/** `full` is SQLite's integrity_check, `quick` its quick_check, which does not look into indexes. */
export type IntegrityCheck = (typeof INTEGRITY_CHECKS)[number];

/** What a restored database is worth: the same checks that a drill makes. */
export interface Proof {
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
}

/** Proves a restored SQLite database against what its content says. Every row of it is read again. */
export async function proofOf(
  db: DatabaseSync,
  { content, check }: { content: Content; check: IntegrityCheck },
): Promise<Proof> {
  const checks = await compareTo(interruptible(sqliteSource(db)), content);
  if (check === "full") checks.push(integrity(db));
  return { verdict: verdictOf(checks), checks };
}

/** A SQLite file answers at once: without this no signal would be noticed before the end. */
function interruptible(source: Source): Source {
  return {
    ...source,
    async batch(queries) {
      await breathe();
      return await source.batch(queries);
    },
  };
}

/** Compares a database with what was restored into it. */
export async function compareTo(source: Source, content: Content): Promise<Check[]> {
  const { whole } = content.expected();
  return whole === null ? await compareTables(source, content.expected()) : await prove(source, whole);
}

/** Compares some tables: what else is in the database is not looked at. */
async function compareTables(source: Source, { tables, uninsertable }: Expected): Promise<Check[]> {
  const found = new Map((await tablesOf(source)).map((table) => [table.name, table]));
  const faults: string[] = [];
  const lost: string[] = [];
  const digests: string[] = [];
  for (const { name, rows, digest } of tables) {
    const restored = found.get(name);
    const missing = uninsertable.get(name) ?? 0;
    if (missing > 0) lost.push(`${rowsOf(missing)} of table "${name}" cannot be inserted: a generated column fails`);
    if (restored === undefined) faults.push(`Table "${name}" is missing`);
    else if (restored.rows !== rows - missing) {
      faults.push(`Table "${name}" has ${restored.rows} rows, and had ${rows} when it was backed up`);
    } else if (digest !== null && restored.digest !== digest && missing === 0) {
      digests.push(`The rows of table "${name}" are not those that were backed up`);
    }
  }
  const isProvable = tables.every(({ digest }) => digest !== null);
  return [
    checkOf("rows", { faults, flaws: lost }),
    isProvable
      ? checkOf("digests", { faults: digests, flaws: [] })
      : { name: "digests", end: "unprovable", findings: ["Without a manifest rows were counted, not compared"] },
  ];
}

function checkOf(name: Check["name"], { faults, flaws }: { faults: string[]; flaws: string[] }): Check {
  const end = faults.length > 0 ? "failed" : flaws.length > 0 ? "flawed" : "passed";
  return { name, end, findings: [...faults, ...flaws] };
}

/** Rows and digests of every table, as a dump of the database would have them. */
async function tablesOf(source: Source): Promise<readonly ExpectedTable[]> {
  const nowhere = { position: 0, write() {}, endStatement() {}, beginBody() {}, endBody() {} };
  const info = { database: "check", environment: "check", job: "check", startedAt: "" };
  const options = { rules: NO_RULES, redactionKey: null, snapshotBytes: SNAPSHOT_BYTES };
  const run = dump(source, { ...info, ...options, output: nowhere });
  let step = await run.next();
  while (!step.done) step = await run.next();
  return step.value.tables;
}

/** How many findings of SQLite's own check are told. */
const MAX_FINDINGS = 20;

function integrity(db: DatabaseSync): Check {
  // Rows were compared already; a CHECK that fails over one instead of saying no would end the whole check.
  db.exec("PRAGMA ignore_check_constraints=ON");
  try {
    const rows = db.prepare(`PRAGMA integrity_check(${MAX_FINDINGS})`).all();
    const lines = rows.map((row) => String(Object.values(row)[0])).filter((line) => line !== "ok");
    return checkOf("integrity_check", {
      faults: lines.filter((line) => !isOfSource(line)),
      flaws: lines.filter(isOfSource),
    });
  } finally {
    db.exec("PRAGMA ignore_check_constraints=OFF");
  }
}

/** Rows that violate a constraint are carried over as they were; anything else is damage. */
function isOfSource(line: string): boolean {
  return /^(NULL value in|CHECK constraint failed in|non-unique entry)/.test(line);
}
