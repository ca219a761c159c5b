import { bytes, count, duration } from "@patina/core/wording";
import Table from "cli-table3";
import { BORDERLESS } from "../output/table.ts";
import type { JobView, TaskView } from "./job-view.ts";

/** How a job ended, as a table with totals, and the reason of each failure below it. */
export function resultsTable(job: JobView): string {
  const table = new Table({
    head: ["database", "status", "consistency", "tables", "rows", "raw", "stored", "duration", "sha256", "key"],
    colAligns: ["left", "left", "left", "right", "right", "right", "right", "right", "left", "left"],
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 2 },
    chars: BORDERLESS,
  });
  for (const task of job.tasks) table.push(row(task));
  return [table.toString(), "", totals(job), ...notes(job)].join("\n");
}

function row({ database, state, result }: TaskView): string[] {
  if (result === null) return [database, state === "failed" ? "failed" : state, ...Array<string>(8).fill("-")];
  return [
    database,
    "succeeded",
    result.consistency,
    count(result.tables),
    count(result.rows),
    bytes(result.raw_bytes),
    bytes(result.stored_bytes),
    duration(result.duration_ms),
    result.stored_digest.slice(0, 12),
    result.key,
  ];
}

function totals(job: JobView): string {
  const lasted = Date.parse(job.finished_at ?? job.started_at) - Date.parse(job.started_at);
  const counts = `${job.succeeded} of ${job.databases} databases backed up`;
  const sizes = `${count(job.rows)} rows, ${bytes(job.raw_bytes)} as ${bytes(job.stored_bytes)} stored`;
  return `Job ${job.id} ${job.status} in ${duration(lasted)}: ${counts}; ${sizes}.`;
}

function notes(job: JobView): string[] {
  return job.tasks.flatMap(({ database, error, result, attempt }) => {
    const warnings = (result?.warnings ?? []).map((warning) => `Note on ${database}: ${warning}.`);
    if (result !== null || error === null) return warnings;
    const tried = attempt > 1 ? ` (${attempt} attempts)` : "";
    const next = error.next === null ? [] : [`  Next: ${error.next}`];
    return [`Failed ${database}: ${error.message ?? error.code}${tried}.`, ...next];
  });
}
