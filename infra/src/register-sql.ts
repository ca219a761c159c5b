import { PRIORITIES } from "@patina/core/job";
import type { Change } from "./plan.ts";

/** The SQL that brings the catalog's registry in line with the file. Run twice, it changes nothing the second time. */
export function registerSql(changes: readonly Change[], now: number): string {
  return changes.map((change) => `${statement(change, now)};\n`).join("");
}

function statement(change: Change, now: number): string {
  if (change.kind === "pause") {
    return `update databases set enabled = 0, updated_at = ${now} where name = ${quote(change.name)}`;
  }
  const { entry } = change;
  const values = {
    name: quote(entry.name),
    d1_id: entry.d1Id === null ? "null" : quote(entry.d1Id),
    binding: quote(entry.binding),
    description: quote(entry.description),
    priority: String(PRIORITIES.indexOf(entry.priority)),
    estimated_bytes: entry.estimatedBytes === null ? "null" : String(entry.estimatedBytes),
    certain: entry.certain ? "1" : "0",
    redactions: quote(JSON.stringify(entry.redactions)),
    excluded_tables: quote(JSON.stringify(entry.excludedTables)),
    retention: entry.retention === null ? "null" : quote(JSON.stringify(entry.retention)),
    updated_at: String(now),
  };
  const columns = Object.keys(values);
  const updates = columns.slice(1).map((column) => `${column} = excluded.${column}`);
  return `insert into databases (${columns.join(", ")}, created_at) values (${Object.values(values).join(", ")}, ${now})
  on conflict (name) do update set ${updates.join(", ")}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
