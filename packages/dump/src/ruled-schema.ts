import { PatinaError } from "@patina/core/error";
import { hasRules, type Rules } from "@patina/core/rules";
import { mentions } from "./expression.ts";
import { folded, same } from "./name.ts";
import { computedFrom } from "./rule-expressions.ts";
import { readRuleFacts } from "./rule-facts.ts";
import { judgeRules } from "./rule-judge.ts";
import { findRedaction, isExcluded } from "./rule-keys.ts";
import { type Column, NO_ROW, type Schema, type Table } from "./schema.ts";
import { type ReadSchema, readSchema } from "./schema-reader.ts";
import type { Source } from "./source.ts";

/**
 * Reads the schema and puts the rules into it: columns know what stands in place of their values, excluded tables have no
 * rows. Every query that reads rows is made from this schema.
 *
 * @throws {PatinaError} `rule_outdated` when a rule names what does not exist, `rule_refused` when it cannot be applied
 */
export async function readRuledSchema(source: Source, rules: Rules): Promise<ReadSchema> {
  const read = await readSchema(source);
  if (!hasRules(rules)) return read;
  const { schema, identity } = read;
  const facts = await readRuleFacts(source, { identity, tables: concernedTables(schema, rules) });
  const { missing, refusals, questions } = judgeRules(schema, { rules, facts });
  if (missing.length > 0) throw new PatinaError("rule_outdated", `Cannot apply the rules: ${missing.join("; ")}`);
  const all = new Set(refusals);
  for (const { sql, refusal } of questions) if (!(await holds(source, sql))) all.add(refusal);
  if (all.size > 0) throw new PatinaError("rule_refused", `Cannot apply the rules: ${[...all].join("; ")}`);
  return { schema: withRules(schema, rules), identity };
}

/** The tables that rules name, and those that refer to them. */
function concernedTables({ tables }: Schema, { redactions, excludedTables }: Rules): Table[] {
  const named = new Set([...redactions.map(({ table }) => table), ...excludedTables].map(folded));
  const isNamed = (name: string) => named.has(folded(name));
  return tables.filter(({ name, parents }) => isNamed(name) || parents.some(isNamed));
}

async function holds(source: Source, sql: string): Promise<boolean> {
  try {
    const [result] = await source.batch([{ sql }]);
    return result?.rows[0]?.[0] === 1;
  } catch (error) {
    if (error instanceof PatinaError && error.code === "source_failed") return false;
    throw error;
  }
}

function withRules(schema: Schema, rules: Rules): Schema {
  const redact = (table: string, columns: readonly Column[]) =>
    columns.map((column): Column => {
      const redacted = findRedaction(rules, { table, column: column.name });
      return redacted === undefined ? column : { ...column, redacted };
    });
  return {
    ...schema,
    tables: schema.tables.map((table) => withoutRedactedGuards(table, redact(table.name, table.columns), rules)),
    virtualTables: schema.virtualTables.map((table) => ({
      ...table,
      columns: redact(table.name, table.columns),
      isExcluded: isExcluded(rules, table.name),
    })),
  };
}

/** The guard is about values as they are stored: it says nothing of what stands in their place. */
function withoutRedactedGuards(table: Table, columns: readonly Column[], rules: Rules): Table {
  const names = columns.filter(({ redacted }) => redacted !== undefined).map(({ name }) => name);
  const computed = names.flatMap((name) => computedFrom(table, name)).map(({ column }) => column);
  return {
    ...table,
    columns,
    checks: table.checks.filter((check) => !names.some((name) => mentions(check, name))),
    generated: table.generated.filter((name) => !computed.some((one) => same(one, name))),
    ...(isExcluded(rules, table.name) ? { only: NO_ROW } : {}),
  };
}
