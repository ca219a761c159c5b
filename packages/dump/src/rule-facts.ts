import { PatinaError } from "@patina/core/error";
import { quoteName } from "./name.ts";
import type { Table } from "./schema.ts";
import { OBJECTS_QUERY, type ReadSchema, schemaIdentity } from "./schema-reader.ts";
import { number, type ResultSet, type Source, text, type Value } from "./source.ts";

/** What deciding about rules needs to know of a table beyond its place in the schema. */
export interface RuleFacts {
  readonly columns: readonly ColumnFact[];
  readonly indexes: readonly IndexFact[];
  readonly foreignKeys: readonly ForeignKeyFact[];
}

export interface ColumnFact {
  readonly name: string;
  readonly isNotNull: boolean;
  /** Its place in the primary key, from 1; 0 when it is not part of it. */
  readonly keyPart: number;
}

export interface IndexFact {
  readonly name: string;
  readonly isUnique: boolean;
  readonly isPartial: boolean;
  /** Its columns and their collations; null stands for an expression. */
  readonly columns: readonly { readonly name: string | null; readonly collation: string }[];
}

export interface ForeignKeyFact {
  readonly parent: string;
  /** `to` is null where the key means the parent's primary key. */
  readonly pairs: readonly { readonly from: string; readonly to: string | null }[];
}

/**
 * Reads the facts of tables, with plain pragmas: a user's table may hide their table-valued form.
 *
 * @throws {PatinaError} `schema_changed` when the schema is no longer the one that was read
 */
export async function readRuleFacts(
  source: Source,
  { identity, tables }: { identity: ReadSchema["identity"]; tables: readonly Table[] },
): Promise<ReadonlyMap<Table, RuleFacts>> {
  const pragma = (name: string, of: string) => ({ sql: `PRAGMA ${name}(${quoteName(of)})` });
  const asked = ["table_xinfo", "index_list", "foreign_key_list"];
  const [objects, ...lists] = await source.batch([
    OBJECTS_QUERY,
    ...tables.flatMap(({ name }) => asked.map((one) => pragma(one, name))),
  ]);
  const indexNames = tables.map((_, i) => (lists[asked.length * i + 1]?.rows ?? []).map(([, name]) => text(name)));
  const [again, ...infos] = await source.batch([
    OBJECTS_QUERY,
    ...indexNames.flat().map((name) => pragma("index_xinfo", name)),
  ]);
  if ([objects, again].some((result) => schemaIdentity(result) !== identity)) {
    throw new PatinaError("schema_changed", "Cannot apply the rules: the schema changed while it was read");
  }
  const facts = tables.map((table, i): [Table, RuleFacts] => {
    const [columns, indexes, keys] = lists.slice(asked.length * i, asked.length * (i + 1));
    const own = infos.splice(0, indexNames[i]?.length ?? 0);
    return [table, { columns: columnFacts(columns), indexes: indexFacts(indexes, own), foreignKeys: keyFacts(keys) }];
  });
  return new Map(facts);
}

/** Columns of table_xinfo: cid, name, type, notnull, dflt_value, pk, hidden. */
function columnFacts(result: ResultSet | undefined): ColumnFact[] {
  return (result?.rows ?? []).map(([, name, , notNull, , pk]) => ({
    name: text(name),
    isNotNull: notNull === 1,
    keyPart: number(pk),
  }));
}

/** Columns of index_list: seq, name, unique, origin, partial; of index_xinfo: seqno, cid, name, desc, coll, key. */
function indexFacts(list: ResultSet | undefined, infos: readonly ResultSet[]): IndexFact[] {
  return (list?.rows ?? []).map(([, name, unique, , partial], i) => ({
    name: text(name),
    isUnique: unique === 1,
    isPartial: partial === 1,
    columns: (infos[i]?.rows ?? [])
      .filter(([, , , , , key]) => key === 1)
      .map(([, , column, , collation]) => ({ name: nameOrNull(column), collation: text(collation) })),
  }));
}

/** Columns of foreign_key_list: id, seq, table, from, to, on_update, on_delete, match. */
function keyFacts(list: ResultSet | undefined): ForeignKeyFact[] {
  const keys = new Map<Value | undefined, { parent: string; pairs: { from: string; to: string | null }[] }>();
  for (const [id, , parent, from, to] of list?.rows ?? []) {
    const key = keys.get(id) ?? { parent: text(parent), pairs: [] };
    key.pairs.push({ from: text(from), to: nameOrNull(to) });
    keys.set(id, key);
  }
  return [...keys.values()];
}

function nameOrNull(value: Value | undefined): string | null {
  return typeof value === "string" ? value : null;
}
