import type { DatabaseDrill } from "@patina/catalog/drill-list";
import type { DrillRow } from "@patina/catalog/drills";
import { timestamp } from "@patina/core/date";
import { CHECKS, VERDICTS } from "@patina/core/drill";
import { CAUSES } from "@patina/core/drill-schedule";
import { provenOf } from "@patina/core/proven";
import * as v from "valibot";
import { Count, DatabaseName, Day, Sha256, Time } from "../fields.ts";

export const DRILL_STATES = ["queued", "running", "done"] as const;

const Verdict = v.pipe(
  v.picklist(VERDICTS),
  v.description(
    "passed: as it was in the source. flawed: all of it is there, and breaks constraints that the source breaks too. unprovable: a limit of the platform kept it from being restored. failed: not what was backed up.",
  ),
);

/** One drill, as the API shows it in lists. */
export const Drill = v.strictObject({
  id: v.string(),
  database: DatabaseName,
  date: v.pipe(v.nullable(Day), v.description("Of the backup; null until it is found, or without any.")),
  job: v.nullable(v.string()),
  key: v.pipe(
    v.nullable(v.string()),
    v.description("The object that is restored: a backup's own, or a weekly archive."),
  ),
  cause: v.picklist(CAUSES),
  state: v.picklist(DRILL_STATES),
  verdict: v.nullable(Verdict),
  reason: v.pipe(v.nullable(v.string()), v.description("Why it did not pass.")),
  rows: v.nullable(Count),
  bytes: v.pipe(v.nullable(Count), v.description("Bytes of SQL restored.")),
  rows_written: v.pipe(Count, v.description("As the platform bills them, so far.")),
  restore_ms: v.nullable(Count),
  schema_digest: v.nullable(Sha256),
  created_at: Time,
  started_at: v.nullable(Time),
  finished_at: v.nullable(Time),
});

/** The same with what it looked at. */
export const DrillWithChecks = v.strictObject({
  ...Drill.entries,
  checks: v.array(
    v.strictObject({ name: v.picklist(CHECKS), end: v.picklist(VERDICTS), findings: v.array(v.string()) }),
  ),
});

export function drillView(row: DrillRow): v.InferOutput<typeof Drill> {
  return {
    id: row.id,
    database: row.database,
    date: row.date,
    job: row.jobId,
    key: row.key,
    cause: row.cause,
    state: row.state,
    verdict: row.verdict,
    reason: row.reason,
    rows: row.rows,
    bytes: row.bytes,
    rows_written: row.rowsWritten,
    restore_ms: row.restoreMs,
    schema_digest: row.schemaDigest,
    created_at: timestamp(row.createdAt),
    started_at: time(row.startedAt),
    finished_at: time(row.finishedAt),
  };
}

export function drillWithChecksView(row: DrillRow): v.InferOutput<typeof DrillWithChecks> {
  const checks = (row.checks ?? []).map(({ name, end, findings }) => ({ name, end, findings: [...findings] }));
  return { ...drillView(row), checks };
}

/** What the drills say of a database. */
export const Proven = v.strictObject({
  phrase: v.pipe(v.string(), v.description("In words: restorable, proven 3 days ago.")),
  last_drill: v.nullable(
    v.strictObject({
      id: v.string(),
      at: Time,
      verdict: Verdict,
      reason: v.nullable(v.string()),
      date: v.nullable(Day),
      restore_ms: v.nullable(Count),
    }),
  ),
});

export function provenView(drill: DatabaseDrill | null, now: number): v.InferOutput<typeof Proven> {
  const { phrase } = provenOf(drill, now);
  if (drill === null) return { phrase, last_drill: null };
  const { id, at, verdict, reason, date, restoreMs } = drill;
  return { phrase, last_drill: { id, at: timestamp(at), verdict, reason, date, restore_ms: restoreMs } };
}

function time(value: number | null): string | null {
  return value === null ? null : timestamp(value);
}
