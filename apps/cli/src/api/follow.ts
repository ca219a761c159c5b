import { setTimeout as wait } from "node:timers/promises";
import { EXIT } from "../failure.ts";
import { whenInterrupted } from "../interruption.ts";
import type { JobView } from "../local/job-view.ts";
import { Progress } from "../local/progress.ts";
import type { ApiClient } from "./client.ts";
import { jobOf } from "./jobs.ts";
import { goesOn } from "./patiently.ts";

/** How often a job that runs is asked for. */
const POLL_MS = 1_000;

/** Tells how a job goes until it has ended. */
export async function follow(api: ApiClient, id: string): Promise<JobView> {
  const progress = new Progress(process.stderr);
  const forget = whenInterrupted(() => goesOn(`patina status ${id}`));
  try {
    for (;;) {
      const job = await jobOf(api, id);
      progress.show(job);
      if (job.status !== "running") return job;
      await wait(POLL_MS);
    }
  } finally {
    forget();
    progress.end();
  }
}

/** A job that failed has failed in part: every database that could be backed up was. */
export function exitOfJob({ status }: JobView): number {
  return status === "failed" ? EXIT.partly : EXIT.ok;
}
