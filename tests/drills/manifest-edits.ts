import type { Manifest } from "@patina/archive/manifest";
import { any, type Random } from "./random.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A manifest that can be changed. */
export interface Edited extends Omit<Writable<Manifest>, "schema" | "tables"> {
  tables: (Omit<Writable<Manifest["tables"][number]>, "columns"> & {
    columns: { name: string; fingerprint: string }[];
  })[];
  schema: { sha256: string; definitions: { type: string; name: string; table: string; sha256: string }[] };
}

interface Edit {
  readonly what: string;
  /** Whether it is about a table, which has to be named. */
  readonly isOfTable: boolean;
  readonly make: (edited: Edited, options: { table: Edited["tables"][number]; at: Random }) => void;
}

/** Another last digit. */
function otherDigit(digest: string): string {
  return `${digest.slice(0, -1)}${digest.endsWith("0") ? "1" : "0"}`;
}

function ofTable(what: string, make: Edit["make"]): Edit {
  return { what, isOfTable: true, make };
}

function ofAll(what: string, make: Edit["make"]): Edit {
  return { what, isOfTable: false, make };
}

/** Everything in a manifest that says something of the backup's content. */
export const EDITS: readonly Edit[] = [
  ofTable("rows of a table", (_, { table }) => {
    table.rows += 1;
  }),
  ofTable("rows of a table and of all", (edited, { table }) => {
    table.rows += 1;
    edited.rows += 1;
  }),
  ofTable("the digest of a table", (_, { table }) => {
    table.digest = otherDigit(table.digest);
  }),
  ofTable("what was counted of a column", (_, { table, at }) => {
    any(table.columns, at).fingerprint += ", 1 blob";
  }),
  ofTable("a column that was never counted", (_, { table }) => {
    table.columns.push({ name: "x", fingerprint: "" });
  }),
  ofTable("a counter", (_, { table }) => {
    table.counter = "12345";
  }),
  ofTable("where a table ends", (_, { table }) => {
    table.end -= 1;
  }),
  ofTable("where a table begins", (_, { table }) => {
    table.start += 1;
  }),
  ofTable("the name of a table", (_, { table }) => {
    table.name += "_";
  }),
  ofTable("a table left out", (edited, { table }) => {
    edited.tables = edited.tables.filter((one) => one !== table);
    edited.rows -= table.rows;
  }),
  ofTable("the digest of a definition", (edited, { at }) => {
    const definition = any(edited.schema.definitions, at);
    definition.sha256 = otherDigit(definition.sha256);
  }),
  ofTable("a definition left out", (edited) => {
    edited.schema.definitions.shift();
  }),
  ofAll("rows of all tables", (edited) => {
    edited.rows += 1;
  }),
  ofAll("the digest of the object", ({ object }) => {
    object.sha256 = otherDigit(object.sha256);
  }),
  ofAll("the size of the object", ({ object }) => {
    object.bytes += 1;
  }),
  ofAll("the digest of the SQL", ({ sql }) => {
    sql.sha256 = otherDigit(sql.sha256);
  }),
  ofAll("the size of the SQL", ({ sql }) => {
    sql.bytes -= 1;
  }),
  ofAll("the digest of the body", ({ sql }) => {
    sql.body.sha256 = otherDigit(sql.body.sha256);
  }),
  ofAll("where the body begins", ({ sql }) => {
    sql.body.start -= 1;
  }),
  ofAll("where the body ends", ({ sql }) => {
    sql.body.end += 1;
  }),
  ofAll("a restart point", ({ restartPoints }, { at }) => {
    any(restartPoints, at)[1] += 1;
  }),
  ofAll("the database", (edited) => {
    edited.database = "other";
  }),
];
