import { listDatabases } from "@patina/catalog/databases";
import { type Job, lastEndedJob, runningJobs, taskCounts } from "@patina/catalog/jobs";
import { timestamp } from "@patina/core/date";
import { CRONS, nextRun } from "@patina/core/schedule";
import { Hono } from "hono";
import type { Api } from "../app.ts";
import { jobView } from "../views.ts";

/** What runs, what ran last, what comes next. */
export const status = new Hono<Api>().get("/", async (c) => {
  const { catalog, clock } = c.get("context");
  const now = clock();
  const running = await runningJobs(catalog);
  const counts = await taskCounts(
    catalog,
    running.map((job) => job.id),
  );
  const last = await lastEndedJob(catalog);
  const databases = await listDatabases(catalog);
  return c.json({
    now: timestamp(now),
    databases: databases.length,
    active_jobs: running.map((job) => ({ ...jobView(job), progress: progressOf(job, counts) })),
    last_completed: last === undefined ? null : jobView(last),
    next_scheduled: (["nightly", "weekly"] as const).map((name) => ({
      kind: name,
      cron: CRONS[name],
      at: timestamp(nextRun(CRONS[name], now)),
    })),
  });
});

function progressOf(job: Job, counts: Awaited<ReturnType<typeof taskCounts>>) {
  const of = (state: string) => counts.find((row) => row.jobId === job.id && row.state === state)?.count ?? 0;
  return { queued: of("queued"), running: of("running"), done: of("done"), failed: of("failed") };
}
