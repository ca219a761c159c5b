import { createHash } from "node:crypto";
import { folded, isInternalName } from "./name.ts";
import type { SchemaObject } from "./schema.ts";
import { shadowNames } from "./virtual-table.ts";

/** One definition of a schema: an index, a trigger, a view, or a table itself. */
export interface DefinitionDigest {
  readonly type: string;
  readonly name: string;
  /** The table that it belongs to; its own name for a table or a view. */
  readonly table: string;
  /** SHA-256 of its text. */
  readonly sha256: string;
}

/**
 * What a schema consists of, made from `sqlite_schema` alone: what the dump does with it is not involved, so a definition
 * that the dump loses shows as a difference between the source and a restored database.
 */
export interface SchemaDigest {
  /** SHA-256 of all definitions: another one means another schema. */
  readonly sha256: string;
  readonly definitions: readonly DefinitionDigest[];
}

/** The digest of a schema. It does not depend on the order in which the schema was made. */
export function schemaDigest(objects: readonly SchemaObject[]): SchemaDigest {
  const shadows = new Set(objects.flatMap(shadowsOf).map(folded));
  const definitions = objects
    .filter(({ name, table, sql }) => sql !== null && !isInternalName(name) && !shadows.has(folded(table)))
    .map(({ type, name, table, sql }) => ({ type, name, table, sha256: sha256(withoutEnd(sql ?? "")) }));
  const lines = definitions.map(({ type, name, table, sha256: of }) => JSON.stringify([type, name, table, of]));
  return { sha256: sha256(lines.sort().join("\n")), definitions };
}

/** The tables that a virtual table brings with it; their definitions are its module's. */
function shadowsOf({ name, sql }: SchemaObject): string[] {
  return /^\s*CREATE\s+VIRTUAL\s/i.test(sql ?? "") ? shadowNames({ name, sql: sql ?? "" }) : [];
}

/** A restore ends a definition that ends in a comment (definition-text.ts), and SQLite drops what is behind a view. */
function withoutEnd(sql: string): string {
  return sql
    .replace(/[\s;]+$/, "")
    .replace(/\*\/$/, "")
    .replace(/[\s;]+$/, "");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
