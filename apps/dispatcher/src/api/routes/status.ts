import { type FleetEntry, fleetEntries } from "@patina/catalog/fleet";
import { type Job as CatalogJob, lastEndedJob, runningJobs, taskCounts } from "@patina/catalog/jobs";
import { timestamp } from "@patina/core/date";
import { CRONS, nextRun } from "@patina/core/schedule";
import { needsAttention, STANDINGS } from "@patina/core/standing";
import * as v from "valibot";
import { Count, DatabaseName, Time } from "../fields.ts";
import { operation } from "../operation.ts";
import { Database, failureOf, goodOf, standingOfEntry } from "../views/database.ts";
import { Job, jobView } from "../views/job.ts";

const Progress = v.strictObject({ queued: Count, running: Count, done: Count, failed: Count });

const Attention = v.strictObject({
  database: DatabaseName,
  standing: v.picklist(STANDINGS),
  failures_since: Count,
  last_good: Database.entries.last_good,
  last_failure: Database.entries.last_failure,
});

export const status = operation({
  method: "GET",
  path: "/status",
  tag: "Service",
  summary: "What runs, what ran last, what comes next",
  answer: v.strictObject({
    now: Time,
    databases: Count,
    active_jobs: v.array(v.strictObject({ ...Job.entries, progress: Progress })),
    last_completed: v.nullable(Job),
    needs_attention: v.pipe(v.array(Attention), v.description("Databases that are failing or overdue, by name.")),
    next_scheduled: v.array(v.strictObject({ kind: v.picklist(["nightly", "weekly"]), cron: v.string(), at: Time })),
  }),
  async handle(c) {
    const { catalog, clock } = c.get("context");
    const now = clock();
    const running = await runningJobs(catalog);
    const counts = await taskCounts(
      catalog,
      running.map((job) => job.id),
    );
    const last = await lastEndedJob(catalog);
    const fleet = await fleetEntries(catalog);
    return {
      now: timestamp(now),
      databases: fleet.length,
      active_jobs: running.map((job) => ({ ...jobView(job), progress: progressOf(job, counts) })),
      last_completed: last === undefined ? null : jobView(last),
      needs_attention: fleet.flatMap((entry) => attentionView(entry, now)),
      next_scheduled: (["nightly", "weekly"] as const).map((kind) => ({
        kind,
        cron: CRONS[kind],
        at: timestamp(nextRun(CRONS[kind], now)),
      })),
    };
  },
});

function progressOf(job: CatalogJob, counts: Awaited<ReturnType<typeof taskCounts>>): v.InferOutput<typeof Progress> {
  const of = (state: string) => counts.find((row) => row.jobId === job.id && row.state === state)?.count ?? 0;
  return { queued: of("queued"), running: of("running"), done: of("done"), failed: of("failed") };
}

function attentionView(entry: FleetEntry, now: number): v.InferOutput<typeof Attention>[] {
  const standing = standingOfEntry(entry, now);
  if (!needsAttention(standing)) return [];
  const { name: database, failures: failures_since } = entry;
  return [{ database, standing, failures_since, last_good: goodOf(entry), last_failure: failureOf(entry) }];
}
