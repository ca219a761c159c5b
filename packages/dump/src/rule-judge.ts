import type { Redaction, Rules } from "@patina/core/rules";
import { affinityOf, looksNumeric } from "./affinity.ts";
import { mentions } from "./expression.ts";
import { quoteText, same } from "./name.ts";
import { expressionRefusals, nullQuestions, type Question } from "./rule-expressions.ts";
import type { RuleFacts } from "./rule-facts.ts";
import { columnName, foreignKeyRefusals, isExcluded, keyRefusals } from "./rule-keys.ts";
import type { Schema, Table, VirtualTable } from "./schema.ts";
import { virtualKind } from "./virtual-table.ts";

/**
 * Whether rules can be applied: whether what they name exists, whether a dump of what they leave can be restored, and
 * whether what they hide is hidden everywhere. In doubt the answer is no, with a reason: another rule can be chosen (NULL
 * for a text, the table for a column), while a restore that fails comes too late.
 */
export interface Judgement {
  /** What rules name and does not exist. */
  readonly missing: readonly string[];
  /** What a restore would fail over, or what would still be seen. */
  readonly refusals: readonly string[];
  /** What only SQLite can decide. */
  readonly questions: readonly Question[];
}

export function judgeRules(
  schema: Schema,
  { rules, facts }: { rules: Rules; facts: ReadonlyMap<Table, RuleFacts> },
): Judgement {
  const missing: string[] = [];
  const refusals: string[] = [...foreignKeyRefusals({ rules, facts })];
  const questions: Question[] = [];
  for (const name of rules.excludedTables) {
    const table = findTable(schema, name);
    if (table === undefined) missing.push(`table ${quoteText(name)} does not exist`);
    else if (!hasRows(table)) refusals.push(`table ${quoteText(name)} has no rows of its own that could be left out`);
  }
  for (const redaction of rules.redactions) {
    const table = findTable(schema, redaction.table);
    const known = [...facts].find(([one]) => one === table);
    if (table === undefined) missing.push(`table ${quoteText(redaction.table)} does not exist`);
    else if (known?.[0].generated.some((name) => same(name, redaction.column))) {
      refusals.push(`${columnName(redaction)} is generated: redact what it is computed from`);
    } else if (!table.columns.some(({ name }) => same(name, redaction.column))) {
      missing.push(`column ${columnName(redaction)} does not exist`);
    } else if (known === undefined) {
      refusals.push(...virtualRefusals(redaction, table));
    } else {
      const rule = { redaction, table: known[0], facts: known[1] };
      refusals.push(...keyRefusals(rule), ...typeRefusals(redaction, known[0]));
      refusals.push(...expressionRefusals(rule, schema.indexes), ...copyRefusals(schema, { redaction, rules }));
      questions.push(...nullQuestions(rule, rules));
    }
  }
  return { missing: [...new Set(missing)], refusals: [...new Set(refusals)], questions };
}

/** A table or virtual table. */
function findTable(schema: Schema, name: string): Table | VirtualTable | undefined {
  return [...schema.tables, ...schema.virtualTables].find((table) => same(table.name, name));
}

function* typeRefusals(redaction: Redaction, { columns, strict }: Table): Generator<string> {
  const { type = "" } = columns.find(({ name }) => same(name, redaction.column)) ?? {};
  if (redaction.as === "null") return;
  if (strict && !/^(TEXT|ANY)$/i.test(type)) yield `${columnName(redaction)} is STRICT ${type} and takes no text`;
  if (strict || redaction.as === "digest") return;
  const takesNumbers = !["text", "none"].includes(affinityOf(type));
  if (takesNumbers && looksNumeric(redaction.text)) {
    yield `${columnName(redaction)} of type ${type} would store the text as a number`;
  }
}

function hasRows(table: Table | VirtualTable): boolean {
  return "key" in table || ["fts5", "rtree"].includes(virtualKind(table));
}

function* virtualRefusals(redaction: Redaction, table: VirtualTable | Table): Generator<string> {
  const kind = virtualKind(table);
  if (kind === "fts5") return;
  const why = kind === "rtree" ? "is of an R*Tree: exclude that" : "is of a virtual table without content of its own";
  yield `${columnName(redaction)} ${why}`;
}

/** FTS5 tables with a text of their own into which a trigger copies what is redacted, and that no rule names. */
function* copyRefusals(
  schema: Schema,
  { redaction, rules }: { redaction: Redaction; rules: Rules },
): Generator<string> {
  const { table, column } = redaction;
  for (const { name } of schema.virtualTables.filter((virtual) => virtualKind(virtual) === "fts5")) {
    if (isExcluded(rules, name) || rules.redactions.some((one) => same(one.table, name))) continue;
    for (const trigger of schema.triggers) {
      if (!mentions(trigger.sql, name)) continue;
      const view = schema.views.find((one) => same(one.name, trigger.table));
      const readsTable = mentions(trigger.sql, table) || (view !== undefined && mentions(view.sql, table));
      if (!same(trigger.table, table) && !(readsTable && mentions(trigger.sql, column))) continue;
      const copy = `trigger ${quoteText(trigger.name)} copies into FTS5 table ${quoteText(name)}`;
      yield `${columnName(redaction)} has a copy, which ${copy}: name that in a rule too`;
    }
  }
}
