import { Buffer } from "node:buffer";
import type { Content } from "./content.ts";
import { closing } from "./definition-text.ts";
import { hasFleetingCheck } from "./guard.ts";
import { insertHead } from "./insert-writer.ts";
import { quoteText, same } from "./name.ts";
import { MAX_STATEMENT_BYTES } from "./rows.ts";
import type { Definition, Schema } from "./schema.ts";
import { isComplete } from "./statements.ts";
import { contentTable } from "./virtual-table.ts";

/** What can be said of a schema before a row is read: what a dump will not carry, and where a restore needs care. */
export function warningsOf(schema: Schema, content: Content): string[] {
  return [
    ...foreignKeys(schema, content),
    ...virtualTables(schema, content),
    ...hiddenRowids(schema),
    ...texts(schema),
    ...longHeads(content),
    ...fleetingChecks(schema),
  ];
}

export function rowsOf(count: number): string {
  return count === 1 ? "1 row" : `${count} rows`;
}

function foreignKeys(schema: Schema, { cyclic }: Content): string[] {
  const warnings: string[] = [];
  if (cyclic.length > 0) {
    const names = cyclic.map(quoteText).join(", ");
    warnings.push(`Foreign keys form a circle between ${names}: a restore must be one transaction`);
  }
  for (const { name, parents } of schema.tables) {
    for (const parent of parents) {
      if (schema.tables.some((table) => same(table.name, parent))) continue;
      const keys = `Table ${quoteText(name)} has a foreign key to ${quoteText(parent)}, which does not exist`;
      warnings.push(`${keys}: only a restore that does not enforce foreign keys takes its rows`);
    }
  }
  return warnings;
}

function virtualTables(schema: Schema, { virtualTables: all }: Content): string[] {
  return all.flatMap(({ definition, kind }) => {
    const name = quoteText(definition.name);
    if (kind === "fts5-contentless") return [`The text indexed by contentless FTS5 table ${name} is not carried`];
    if (kind === "other") return [`The content of virtual table ${name} is not carried: its module is unknown`];
    if (kind === "fts5-external" && isContentMissing(schema, definition)) {
      return [`The index of FTS5 table ${name} is not carried: the table of its content does not exist`];
    }
    return [];
  });
}

/** Whether the table or view that an external-content FTS5 table is over is gone. */
export function isContentMissing(schema: Schema, definition: Definition): boolean {
  const content = contentTable(definition);
  if (content === null) return false;
  const all = [...schema.tables, ...schema.views, ...schema.virtualTables];
  return !all.some(({ name }) => same(name, content));
}

function hiddenRowids({ tables }: Schema): string[] {
  return tables
    .filter(({ key }) => key.by === "hidden")
    .map(
      ({ name }) => `Rowids of table ${quoteText(name)} are not carried: its columns are named rowid, oid and _rowid_`,
    );
}

/** Definitions that tools change on their way in. */
function texts({ tables, virtualTables: virtual, indexes, views, triggers }: Schema): string[] {
  const warnings: string[] = [];
  for (const { name, sql } of [...tables, ...virtual, ...indexes, ...views, ...triggers]) {
    if (sql.includes("\r\n")) {
      warnings.push(
        `The definition of ${quoteText(name)} has CR LF line ends: the sqlite3 shell and wrangler drop the CR`,
      );
    }
    if (closing(sql) === "*/") {
      warnings.push(`The definition of ${quoteText(name)} ends in an open comment: a restore closes it`);
    }
    if (sql.includes("BEGIN TRANSACTION") || sql.includes("COMMIT;")) {
      warnings.push(
        `The definition of ${quoteText(name)} names a transaction: wrangler refuses or changes such a file`,
      );
    }
    if (endsForShell(sql)) {
      warnings.push(
        `The definition of ${quoteText(name)} has a line of nothing but / or GO: the sqlite3 shell ends it there`,
      );
    }
  }
  return warnings;
}

function fleetingChecks({ tables }: Schema): string[] {
  return tables
    .filter(hasFleetingCheck)
    .map(({ name }) => `A CHECK of table ${quoteText(name)} asks for the time or for chance: a restore passes over it`);
}

/** The sqlite3 shell takes such a line for a semicolon, wherever one could stand. */
function endsForShell(sql: string): boolean {
  return [...sql.matchAll(/\n\s*(?:\/|go)\s*(?:--[^\n]*)?(?=\n)/gi)].some(({ index }) =>
    isComplete(`${sql.slice(0, index)};`),
  );
}

/** Tables of which a row, put together from the staging table, may still be a longer statement than D1 takes. */
function longHeads({ tables }: Content): string[] {
  return tables
    .filter(({ target }) => Buffer.byteLength(insertHead(target)) > MAX_STATEMENT_BYTES)
    .map(
      ({ target }) =>
        `The column names of table ${quoteText(target.name)} are so long that D1 may not take a statement with a row`,
    );
}
