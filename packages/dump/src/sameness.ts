import type { Check } from "@patina/core/drill";
import { checkOf } from "./check.ts";
import type { Counters } from "./counters.ts";
import type { TableSummary } from "./dump.ts";
import { type Expected, type ExpectedTable, isWhole } from "./expected.ts";
import type { ColumnFingerprint } from "./fingerprint.ts";
import type { DefinitionDigest, SchemaDigest } from "./schema-digest.ts";
import { rowsOf } from "./warnings.ts";

/** Whether a restored database is what was backed up: pure comparisons, each finding a sentence that names the table. */

/** The rows of all tables, by what dumping them again has shown: how many there are, and whether they are the same. */
export function sameRows(found: readonly TableSummary[], expected: Expected): Check[] {
  const restored = new Map(found.map((table) => [table.name, table]));
  const rows: string[] = [];
  const lost: string[] = [];
  const digests: string[] = [];
  for (const table of expected.tables) {
    const { name } = table;
    const there = restored.get(name);
    restored.delete(name);
    const missing = expected.uninsertable.get(name) ?? 0;
    if (missing > 0) lost.push(`${rowsOf(missing)} of table "${name}" cannot be inserted: a generated column fails`);
    if (there === undefined) {
      rows.push(`Table "${name}" is missing`);
    } else if (!expected.refused.has(name) && there.rows !== table.rows - missing) {
      rows.push(`Table "${name}" has ${there.rows} rows, and had ${table.rows} when it was backed up`);
    } else if (isWhole(table, expected)) {
      digests.push(...otherContent(there, table));
    }
  }
  for (const name of restored.keys()) rows.push(`Table "${name}" was not in the backup's manifest`);
  return [checkOf("rows", { faults: rows, flaws: lost }), checkOf("digests", { faults: digests })];
}

function otherContent(there: TableSummary, { name, digest, start, end }: ExpectedTable): string[] {
  if (there.digest !== digest) return [`The rows of table "${name}" are not those that were backed up`];
  if (there.end - there.start === end - start) return [];
  return [`The rows of table "${name}" do not stand in the dump where the manifest says`];
}

/** Everything but rows: definitions by name, counters by table, and the text of the dump without its tables' rows. */
export function sameDefinitions(
  found: { readonly schema: SchemaDigest; readonly counters: Counters; readonly text: string },
  expected: Expected,
): Check {
  const faults = expected.schema === undefined ? [] : otherDefinitions(found.schema, expected.schema);
  for (const { name, counter } of expected.tables) {
    if (counter === undefined || found.counters.get(name) === counter) continue;
    faults.push(`The AUTOINCREMENT counter of table "${name}" is not the one that was backed up`);
  }
  if (found.text !== expected.definitions) {
    faults.push("In the text of the dump, definitions, counters or statistics differ");
  }
  return checkOf("definitions", { faults });
}

function otherDefinitions(found: SchemaDigest, expected: SchemaDigest): string[] {
  const restored = new Map(found.definitions.map((one) => [keyOf(one), one]));
  const findings: string[] = [];
  for (const one of expected.definitions) {
    const there = restored.get(keyOf(one));
    restored.delete(keyOf(one));
    if (there === undefined) findings.push(`${titleOf(one)} is missing`);
    else if (there.sha256 !== one.sha256) findings.push(`${titleOf(one)} is not defined as it was`);
  }
  for (const one of restored.values()) findings.push(`${titleOf(one)} was not in the source`);
  return findings;
}

function keyOf({ type, name }: DefinitionDigest): string {
  return `${type} ${name}`;
}

function titleOf({ type, name, table }: DefinitionDigest): string {
  const what = `${type.charAt(0).toUpperCase()}${type.slice(1)} "${name}"`;
  return type === "index" || type === "trigger" ? `${what} of table "${table}"` : what;
}

/** The columns of a table of which SQLite counts something else than it counted in the source. */
export function otherColumns(counted: readonly ColumnFingerprint[], { name, columns }: ExpectedTable): string[] {
  const byName = new Map(counted.map((column) => [column.name, column.fingerprint]));
  const differing = columns.filter((column) => byName.get(column.name) !== column.fingerprint);
  if (counted.length !== columns.length && differing.length === 0) {
    return [`Table "${name}" has other columns than were counted in the source`];
  }
  return differing.map(
    (column) => `In column "${column.name}" of table "${name}" SQLite does not count what it counted in the source`,
  );
}
