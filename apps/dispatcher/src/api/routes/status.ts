import { listDatabases } from "@patina/catalog/databases";
import { type Job as CatalogJob, lastEndedJob, runningJobs, taskCounts } from "@patina/catalog/jobs";
import { timestamp } from "@patina/core/date";
import { CRONS, nextRun } from "@patina/core/schedule";
import * as v from "valibot";
import { Count, Time } from "../fields.ts";
import { operation } from "../operation.ts";
import { Job, jobView } from "../views/job.ts";

const Progress = v.strictObject({ queued: Count, running: Count, done: Count, failed: Count });

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
    const databases = await listDatabases(catalog);
    return {
      now: timestamp(now),
      databases: databases.length,
      active_jobs: running.map((job) => ({ ...jobView(job), progress: progressOf(job, counts) })),
      last_completed: last === undefined ? null : jobView(last),
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
