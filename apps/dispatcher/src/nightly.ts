import { openScheduledJob } from "@patina/catalog/jobs";
import { handOverAlerts } from "@patina/catalog/outbox";
import { dateOf } from "@patina/core/date";
import { type JobTrigger, scheduledJobId } from "@patina/core/job";
import type { DispatcherContext } from "./context.ts";
import { fanOut } from "./fan-out.ts";

/** Opens the nightly job of a date, unless it is open already, and sends its messages. */
export async function startNightly(
  scheduledFor: number,
  { trigger, ...context }: DispatcherContext & { readonly trigger: JobTrigger },
): Promise<string> {
  const { catalog, clock, log } = context;
  const date = dateOf(scheduledFor);
  const id = scheduledJobId("nightly", date);
  const opened = await openScheduledJob(catalog, { id, kind: "nightly", trigger, date, scheduledFor, now: clock() });
  const sent = await fanOut(id, context);
  await handOverAlerts(catalog, { queue: context.alerts, now: clock() });
  log.info({ job: id, opened, sent }, opened ? "Job opened" : "Job was open already");
  return id;
}
