import type { Redaction, Rules } from "@patina/core/rules";
import { type Affinity, affinityOf } from "./affinity.ts";
import { quoteText, same } from "./name.ts";
import type { ForeignKeyFact, RuleFacts } from "./rule-facts.ts";
import type { Table } from "./schema.ts";

/** A redaction with its table and what is known of it. */
export interface ColumnRule {
  readonly redaction: Redaction;
  readonly table: Table;
  readonly facts: RuleFacts;
}

/** A column as messages name it. */
export function columnName({ table, column }: { table: string; column: string }): string {
  return `${quoteText(table)}.${quoteText(column)}`;
}

/** Why a column's own constraints do not allow its redaction. */
export function* keyRefusals({ redaction, table, facts }: ColumnRule): Generator<string> {
  const name = columnName(redaction);
  const { column, as } = redaction;
  const fact = facts.columns.find((one) => same(one.name, column));
  if (table.key.by === "rowid" && table.key.place === "column" && same(table.key.name, column)) {
    yield `${name} is an INTEGER PRIMARY KEY`;
  } else if (table.key.by === "key" && fact !== undefined && fact.keyPart > 0) {
    yield `${name} is part of the key of a WITHOUT ROWID table, by which its rows are ordered`;
  } else if (as === "null" && fact !== undefined && (fact.isNotNull || fact.keyPart > 0)) {
    yield `${name} is ${fact.isNotNull ? "NOT NULL" : "part of the primary key"} and cannot become NULL`;
  }
  const isUnique = facts.indexes.some(
    (index) => index.isUnique && index.columns.some((part) => part.name !== null && same(part.name, column)),
  );
  if (as === "text" && isUnique) yield `${name} is unique and cannot become one text in every row`;
}

interface Keys {
  readonly rules: Rules;
  readonly facts: ReadonlyMap<Table, RuleFacts>;
}

/**
 * Why foreign keys do not allow the rules: rows that stay must still refer to rows that stay. NULL refers to nothing; a
 * keyed digest refers to the same digest of an equal value.
 */
export function* foreignKeyRefusals({ rules, facts }: Keys): Generator<string> {
  for (const [child, { foreignKeys }] of facts) {
    if (isExcluded(rules, child.name)) continue;
    for (const key of foreignKeys) yield* keyRefusal({ child, key }, { rules, facts });
  }
}

function* keyRefusal({ child, key }: { child: Table; key: ForeignKeyFact }, { rules, facts }: Keys): Generator<string> {
  const parent = [...facts].find(([{ name }]) => same(name, key.parent));
  const pairs = key.pairs.map(({ from, to }, i) => {
    const primary = parent?.[1].columns.find(({ keyPart }) => keyPart === i + 1)?.name;
    return {
      from: findRedaction(rules, { table: child.name, column: from }),
      to: findRedaction(rules, { table: key.parent, column: to ?? primary ?? "" }),
    };
  });
  if (pairs.some(({ from }) => from?.as === "null")) return;
  const names = `${quoteText(child.name)} to ${quoteText(key.parent)}`;
  if (isExcluded(rules, key.parent)) {
    yield `rows of ${quoteText(child.name)} refer to rows of excluded table ${quoteText(key.parent)}`;
    return;
  }
  for (const { from, to } of pairs) {
    const touched = from ?? to;
    if (touched === undefined) continue;
    const what = `${columnName(touched)} is part of a foreign key from ${names}`;
    if (from?.as !== "digest" || to?.as !== "digest") yield `${what}: both of its sides need a digest`;
    else if (parent === undefined || !areComparable([child, from.column], [parent, to.column])) {
      yield `${what}: equal values of the two may have different digests, as their types or collation differ`;
    }
  }
}

/**
 * Whether values that the foreign key takes for equal are the same value: both columns convert what is stored alike, and
 * the parent's compares byte by byte.
 */
function areComparable([child, from]: [Table, string], [[parent, facts], to]: [[Table, RuleFacts], string]): boolean {
  const affinity = affinityIn(child, from);
  const collations = facts.indexes
    .flatMap(({ columns }) => columns)
    .filter(({ name }) => name !== null && same(name, to))
    .map(({ collation }) => collation.toUpperCase());
  // Without affinity, 1 and 1.0 are equal and yet of two types.
  const isAlike = affinity === affinityIn(parent, to) && affinity !== "none";
  return isAlike && collations.every((collation) => collation === "BINARY");
}

function affinityIn({ columns, strict }: Table, column: string): Affinity {
  const { type = "" } = columns.find(({ name }) => same(name, column)) ?? {};
  return strict && type.toUpperCase() === "ANY" ? "none" : affinityOf(type);
}

export function isExcluded({ excludedTables }: Rules, table: string): boolean {
  return excludedTables.some((name) => same(name, table));
}

export function findRedaction(
  { redactions }: Rules,
  { table, column }: { table: string; column: string },
): Redaction | undefined {
  return redactions.find((one) => same(one.table, table) && same(one.column, column));
}
