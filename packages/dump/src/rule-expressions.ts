import type { Rules } from "@patina/core/rules";
import { generatedExpressions } from "./definition-text.ts";
import { indexedPart, isHarmless, mentions } from "./expression.ts";
import { quoteName, quoteText, same } from "./name.ts";
import type { IndexFact } from "./rule-facts.ts";
import { type ColumnRule, columnName, findRedaction } from "./rule-keys.ts";
import type { Index, Table } from "./schema.ts";
import { columns } from "./source.ts";

/**
 * Expressions that a restore computes over what stands in place of a column: CHECK constraints, generated columns, and
 * indexes with expressions or conditions. Of NULL an expression gives NULL or something harmless; of a text it may fail
 * (`json_extract()` does), and every row of a restore with it.
 */

/** Why the expressions over a column do not allow its redaction. */
export function* expressionRefusals(rule: ColumnRule, indexes: readonly Index[]): Generator<string> {
  const { redaction, table } = rule;
  const computed = computedFrom(table, redaction.column);
  for (const one of computed) yield* generatedRefusals(rule, one);
  if (redaction.as !== "null" && table.checks.some((check) => mentions(check, redaction.column))) {
    yield `${columnName(redaction)} has a CHECK constraint, which ${another(redaction.as)} may violate`;
  }
  yield* indexRefusals(rule, { names: [redaction.column, ...computed.map(({ column }) => column)], indexes });
}

function* generatedRefusals({ redaction, table, facts }: ColumnRule, computed: Computed): Generator<string> {
  const { column, expression } = computed;
  const what = `generated column ${quoteText(column)}, which is computed from ${columnName(redaction)},`;
  const fact = facts.columns.find((one) => same(one.name, column));
  if (fact?.isNotNull === true) yield `${what} is NOT NULL`;
  if (facts.indexes.some((index) => index.isUnique && hasColumn(index, column))) yield `${what} is unique`;
  if (table.checks.some((check) => mentions(check, column))) yield `${what} has a CHECK constraint`;
  if (facts.foreignKeys.some(({ pairs }) => pairs.some(({ from }) => same(from, column)))) {
    yield `${what} is part of a foreign key`;
  }
  if (redaction.as !== "null" && (table.strict || !isHarmless(expression))) {
    yield `${what} may not be computable from ${another(redaction.as)}`;
  }
}

function* indexRefusals(
  rule: ColumnRule,
  { names, indexes }: { names: readonly string[]; indexes: readonly Index[] },
): Generator<string> {
  const { redaction, facts } = rule;
  const name = columnName(redaction);
  for (const index of facts.indexes) {
    const part = indexedPart(indexes.find((one) => same(one.name, index.name))?.sql ?? "");
    const isComputed = index.isPartial || index.columns.some((column) => column.name === null);
    if (!isComputed || !names.some((one) => mentions(part, one))) continue;
    if (index.isUnique && !staysUnique(index, { part, rule })) {
      yield `unique index ${quoteText(index.name)} is computed from ${name}`;
    } else if (redaction.as !== "null" && !isHarmless(part)) {
      yield `index ${quoteText(index.name)} may not be computable from ${another(redaction.as)} in place of ${name}`;
    }
  }
}

function another(as: "text" | "digest"): string {
  return as === "text" ? "another text" : "a digest";
}

function hasColumn({ columns: parts }: IndexFact, column: string): boolean {
  return parts.some(({ name }) => name !== null && same(name, column));
}

/** Of different digests `lower(c)` and its like are different, and of NULLs they are NULL. */
function staysUnique(index: IndexFact, { part, rule }: { part: string; rule: ColumnRule }): boolean {
  if (rule.redaction.as === "text" || index.isPartial || index.columns.length !== 1) return false;
  const [, column] = /^\(\s*(?:lower|upper|trim|ltrim|rtrim)\s*\(([^()]*)\)[^()]*\)\s*$/i.exec(part) ?? [];
  return column !== undefined && mentions(column, rule.redaction.column);
}

/** A generated column that is computed from a column, perhaps by way of another generated one. */
interface Computed {
  readonly column: string;
  readonly expression: string;
}

export function computedFrom(table: Table, column: string): Computed[] {
  const expressions = generatedExpressions(table.sql);
  // When they cannot be told apart, each may be computed from anything.
  const all = table.generated.map((name, i): Computed => {
    return { column: name, expression: (expressions.length === table.generated.length && expressions[i]) || table.sql };
  });
  const found: Computed[] = [];
  for (let sources = [column]; sources.length > 0; ) {
    const next = all.filter((one) => !found.includes(one) && sources.some((name) => mentions(one.expression, name)));
    found.push(...next);
    sources = next.map((one) => one.column);
  }
  return found;
}

/** Something that only SQLite can decide. */
export interface Question {
  /** One row and one column: 1 where nothing is wrong. */
  readonly sql: string;
  readonly refusal: string;
}

/** Whether CHECK constraints of a column that becomes NULL hold of NULL, as far as they are about such columns alone. */
export function* nullQuestions({ redaction, table }: ColumnRule, rules: Rules): Generator<Question> {
  if (redaction.as !== "null") return;
  const names = [...table.columns.map(({ name }) => name), ...table.generated];
  for (const check of table.checks) {
    if (!mentions(check, redaction.column)) continue;
    const used = names.filter((column) => mentions(check, column));
    const refusal = `${columnName(redaction)} has a CHECK constraint, which NULL may violate`;
    const isNull = (column: string) => findRedaction(rules, { table: table.name, column })?.as === "null";
    const nulls = used.map((column) => `NULL AS ${quoteName(column)}`).join(",");
    const holds = columns([`((${check}) IS NOT FALSE)`]);
    yield {
      sql: used.every(isNull) ? `SELECT ${holds} FROM (SELECT ${nulls}) AS ${quoteName(table.name)}` : "SELECT 0 AS c0",
      refusal,
    };
  }
}
