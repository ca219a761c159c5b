import { CRONS, type CronName } from "@patina/core/schedule";
import { Cron } from "croner";

/** What fires a cron: the local run. */
interface Firing {
  fire(cron: CronName, scheduledTime: number): Promise<void>;
}

/** Fires the crons at their times, as Cloudflare does: UTC, weekdays counted from Sunday as 1. */
export function startCrons(patina: Firing, { onError }: { onError: (error: unknown) => void }): () => void {
  const crons = (Object.keys(CRONS) as CronName[]).map(
    (name) =>
      new Cron(CRONS[name], { timezone: "UTC", alternativeWeekdays: true }, (self: Cron) => {
        // The time it was due, not the moment this runs: the run is named after it.
        const due = self.currentRun() ?? new Date();
        patina.fire(name, due.getTime()).catch(onError);
      }),
  );
  return () => {
    for (const cron of crons) cron.stop();
  };
}
