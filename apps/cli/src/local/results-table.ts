import { amount, bytes, count, duration } from "@patina/core/wording";
import { isTerminal, note, printData, type Tone, tone } from "../output/print.ts";
import { type Column, table } from "../output/table.ts";
import type { JobView, TaskView } from "./job-view.ts";

/**
 * Tells how a job ended: its databases as a table, then totals and the reason of each failure. Where the table is piped
 * into a program, these go to standard error.
 */
export function printResults(job: JobView): void {
  const rest = [totals(job), ...notes(job)];
  if (job.tasks.length > 0) printData(table(job.tasks, COLUMNS));
  if (isTerminal()) printData(["", ...rest].join("\n"));
  else for (const line of rest) note(line);
}

type Result = NonNullable<TaskView["result"]>;

const TONES: Readonly<Record<TaskView["state"], Tone>> = {
  queued: "quiet",
  running: "strong",
  done: "good",
  failed: "bad",
};

function statusOf({ state }: TaskView): string {
  return state === "done" ? "succeeded" : state;
}

/** A column about what a task has made; `-` as long as it has made nothing. */
function made(head: string, value: (result: Result) => string | number, show?: (result: Result) => string) {
  return {
    head,
    value: ({ result }: TaskView) => (result === null ? "-" : value(result)),
    ...(show === undefined ? {} : { show: ({ result }: TaskView) => (result === null ? "-" : show(result)) }),
  };
}

const COLUMNS: readonly Column<TaskView>[] = [
  { head: "database", value: ({ database }) => database },
  { head: "status", value: statusOf, show: (task) => tone(TONES[task.state], statusOf(task)) },
  made("consistency", ({ consistency }) => consistency),
  made(
    "tables",
    ({ tables }) => tables,
    ({ tables }) => count(tables),
  ),
  made(
    "rows",
    ({ rows }) => rows,
    ({ rows }) => count(rows),
  ),
  made(
    "raw",
    ({ raw_bytes }) => raw_bytes,
    ({ raw_bytes }) => bytes(raw_bytes),
  ),
  made(
    "stored",
    ({ stored_bytes }) => stored_bytes,
    ({ stored_bytes }) => bytes(stored_bytes),
  ),
  made(
    "duration",
    ({ duration_ms }) => duration_ms,
    ({ duration_ms }) => duration(duration_ms),
  ),
  made(
    "sha256",
    ({ stored_digest }) => stored_digest,
    ({ stored_digest }) => stored_digest.slice(0, 12),
  ),
  made("key", ({ key }) => key),
];

function totals(job: JobView): string {
  const lasted = Date.parse(job.finished_at ?? job.started_at) - Date.parse(job.started_at);
  const counts = `${job.succeeded} of ${job.databases} databases backed up`;
  const sizes = `${amount(job.rows, "row")}, ${bytes(job.raw_bytes)} as ${bytes(job.stored_bytes)} stored`;
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
