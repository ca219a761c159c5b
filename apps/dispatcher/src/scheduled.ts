import type { Catalog } from "@patina/catalog/catalog";
import { openScheduledJob } from "@patina/catalog/jobs";
import { handOverAlerts } from "@patina/catalog/outbox";
import { dateOf } from "@patina/core/date";
import { type JobTrigger, scheduledJobId } from "@patina/core/job";
import { type CronName, cronName } from "@patina/core/schedule";
import type { AlertDue, ExportRequested, MessageOn, UpkeepMessage } from "@patina/messages/message";
import type { QUEUES } from "@patina/messages/queues";
import type { Log } from "@patina/worker/log";
import { fanOut } from "./fan-out.ts";
import { tick } from "./tick.ts";
import { startWeekly } from "./weekly.ts";

export interface DispatcherContext {
  readonly catalog: Catalog;
  readonly exports: Queue<ExportRequested>;
  readonly results: Queue<MessageOn[typeof QUEUES.results]>;
  readonly alerts: Queue<AlertDue>;
  readonly upkeep: Queue<UpkeepMessage>;
  readonly clock: () => number;
  /** Names this invocation in leases; unlike any other. */
  readonly holder: string;
  readonly log: Log;
}

/** Handles one firing of a cron. `scheduledTime` decides which run it is, never the clock. */
export async function scheduled(
  { cron, scheduledTime }: { cron: string; scheduledTime: number },
  context: DispatcherContext,
): Promise<void> {
  const name: CronName | null = cronName(cron);
  switch (name) {
    case "nightly":
      await startNightly(scheduledTime, { ...context, trigger: "cron" });
      return;
    case "weekly":
      return await startWeekly(scheduledTime, { ...context, trigger: "cron" });
    case "tick":
      return await tick(context);
    case null:
      context.log.error({ cron }, "Cron is not one of Patina's: check [triggers] in wrangler.toml");
  }
}

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
