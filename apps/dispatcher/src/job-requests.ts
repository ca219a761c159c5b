import { createHash } from "node:crypto";
import { openJobRequests, openRequestedJob } from "@patina/catalog/job-requests";
import { handOverAlerts } from "@patina/catalog/outbox";
import { dateOf } from "@patina/core/date";
import { manualJobId } from "@patina/core/job";
import type { DispatcherContext } from "./context.ts";
import { fanOut } from "./fan-out.ts";

/**
 * The tick's duty: opens a manual job for the backups that were asked for by those who may open none, such as the
 * archiver when it has found a damaged one.
 */
export async function openRequestedJobs(context: DispatcherContext): Promise<void> {
  const { catalog, clock, log } = context;
  const requests = await openJobRequests(catalog);
  const [first] = requests;
  if (first === undefined) return;
  const now = clock();
  // Named after what it was opened for: done again in the same second, it is the same job.
  const id = manualJobId(now, createHash("sha256").update(first.id).digest());
  const others = new Set(requests.map(({ database }) => database)).size - 1;
  const reason = others === 0 ? first.reason : `${first.reason}, and ${others} more were asked for`;
  const job = { id, kind: "manual", trigger: "tick", reason, date: dateOf(now), scheduledFor: now, now } as const;
  const opened = await openRequestedJob(catalog, { job, requests });
  if (opened === 0) return;
  // Stopping before this loses no message: the tick sends what was never sent.
  const sent = await fanOut(id, context);
  await handOverAlerts(catalog, { queue: context.alerts, now: clock() });
  log.info({ job: id, requests: requests.length, sent }, "Job opened for backups that were asked for");
}
