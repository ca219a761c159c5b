import type { TaskEventRow } from "@patina/catalog/task-events";

/** What a task did over a stretch of time. */
export type Doing = "waiting" | "exporting" | "failed" | "reporting";

export interface Stretch {
  readonly doing: Doing;
  readonly from: number;
  readonly to: number;
}

/**
 * Turns the timeline of a task into the bars of a waterfall. An attempt that failed is a bar of its own, up to the moment
 * it gave the task back; what is still under way reaches until `now`.
 */
export function stretches(events: readonly TaskEventRow[], now: number): Stretch[] {
  const found: Stretch[] = [];
  let doing: Doing | null = null;
  let from = 0;
  for (const { event, at } of events) {
    if (doing !== null && at > from) found.push({ doing: ended(doing, event), from, to: at });
    doing = AFTER[event];
    from = at;
  }
  if (doing !== null && now > from) found.push({ doing, from, to: now });
  return found;
}

/** What a task does after an event; null once it has ended. */
const AFTER: Record<TaskEventRow["event"], Doing | null> = {
  queued: "waiting",
  resent: "waiting",
  started: "exporting",
  retried: "waiting",
  paused: "waiting",
  exported: "reporting",
  dead: "reporting",
  abandoned: "reporting",
  done: null,
  failed: null,
};

/** An attempt that did not export anything was for nothing. */
function ended(doing: Doing, event: TaskEventRow["event"]): Doing {
  const isLost = event === "retried" || event === "dead" || event === "failed" || event === "started";
  return doing === "exporting" && isLost ? "failed" : doing;
}
