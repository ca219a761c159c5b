import type { Rules } from "@patina/core/rules";
import type { DumpSummary } from "./dump.ts";

/** Version of the dump format, see docs/format/dump.md. */
export const DUMP_FORMAT = 1;

/** Statements of a header, and of a footer. */
export const FRAME_STATEMENTS = 2;

/** What a dump says of itself. */
export interface DumpInfo {
  readonly database: string;
  readonly environment: string;
  readonly job: string;
  /** When reading began, RFC 3339. */
  readonly startedAt: string;
}

/**
 * The beginning of a dump. Its first two lines are how newer sqlite3 shells recognise a dump, whereupon they accept
 * double-quoted strings in old definitions; nothing may stand before them. Wrangler takes the first of each transaction
 * line out of a file and refuses it when it finds another, in a comment too: the commands must not name them.
 */
export function header(info: DumpInfo & { mode: "snapshot" | "paged"; tables: number; rows: number | null }): string {
  const name = info.database;
  const rows = info.rows === null ? "" : `\n-- Rows: ${info.rows}`;
  return `PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
-- Patina dump, format ${DUMP_FORMAT}
-- Database: ${name}
-- Environment: ${info.environment}
-- Job: ${info.job}
-- Started: ${info.startedAt}
-- Mode: ${info.mode}
-- Tables: ${info.tables}${rows}
-- Restore into a new SQLite file:  gunzip -c ${name}.sql.gz | sqlite3 -bail ${name}.sqlite
-- Restore into D1:  gunzip -c ${name}.sql.gz | sed '2d;/^COMMIT.$/d' > ${name}.sql && npx wrangler d1 execute ${name} --remote --file ${name}.sql
`;
}

/** The end of a dump. A file that lacks its last line is cut off. */
export function footer(
  summary: Pick<DumpSummary, "consistency" | "tables" | "rows"> & { readonly rules: Rules },
): string {
  const { consistency, tables, rows, rules } = summary;
  const lines = [
    ...tables.map((table) => `-- Table ${JSON.stringify(table.name)}: ${table.rows} rows\n`),
    ...rules.excludedTables.map((name) => `-- Excluded: ${JSON.stringify(name)}\n`),
    ...rules.redactions.map(
      ({ table, column, as }) => `-- Redacted: ${JSON.stringify(table)}.${JSON.stringify(column)} as ${as}\n`,
    ),
  ];
  return `COMMIT;
PRAGMA foreign_keys=ON;
-- Consistency: ${consistency}
${lines.join("")}-- Rows: ${rows}
-- end
`;
}
