import type { VerifyRun as CatalogRun } from "@patina/catalog/verify-runs";
import { timestamp } from "@patina/core/date";
import * as v from "valibot";
import { Count, DatabaseName, Day, Time } from "../fields.ts";

/** One verification of stored backups, and how far it came. */
export const VerifyRun = v.strictObject({
  id: v.string(),
  scope: v.pipe(
    v.picklist(["due", "asked"]),
    v.description("What has waited longest, within the run's bytes; or all that was asked for."),
  ),
  database: v.nullable(DatabaseName),
  date: v.nullable(Day),
  state: v.picklist(["running", "done"]),
  total: v.pipe(v.nullable(Count), v.description("Backups that it was to look at; null until it has begun.")),
  checked: Count,
  damaged: Count,
  unread: v.pipe(Count, v.description("Backups that the bucket did not give: nothing is known of them.")),
  bytes: v.pipe(Count, v.description("Stored bytes that were read.")),
  postponed: v.pipe(Count, v.description("Backups that were due and had to wait: the run's bytes were used up.")),
  started_at: Time,
  updated_at: Time,
  finished_at: v.nullable(Time),
});

/** A run with what it found. */
export const VerifyRunWithFindings = v.strictObject({
  ...VerifyRun.entries,
  findings: v.pipe(
    v.array(v.strictObject({ key: v.string(), damage: v.string() })),
    v.description("The first 50 of what it found to be damaged."),
  ),
  waiting: v.pipe(v.array(v.string()), v.description("The first ten keys of what had to wait.")),
});

export function verifyRunView(run: CatalogRun): v.InferOutput<typeof VerifyRun> {
  return {
    id: run.id,
    scope: run.scope,
    database: run.database,
    date: run.date,
    state: run.state,
    total: run.total,
    checked: run.checked,
    damaged: run.damaged,
    unread: run.unread,
    bytes: run.bytes,
    postponed: run.postponed,
    started_at: timestamp(run.startedAt),
    updated_at: timestamp(run.updatedAt),
    finished_at: run.finishedAt === null ? null : timestamp(run.finishedAt),
  };
}

export function verifyRunWithFindings(run: CatalogRun): v.InferOutput<typeof VerifyRunWithFindings> {
  const findings = run.findings.map(({ key, damage }) => ({ key, damage }));
  return { ...verifyRunView(run), findings, waiting: [...run.waiting] };
}
