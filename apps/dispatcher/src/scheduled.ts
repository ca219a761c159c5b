import { type CronName, cronName } from "@patina/core/schedule";
import type { DispatcherContext } from "./context.ts";
import { startNightly } from "./nightly.ts";
import { tick } from "./tick.ts";
import { startWeekly } from "./weekly.ts";

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
