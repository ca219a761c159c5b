import { idleRebuild } from "@patina/catalog/rebuilds";
import { MINUTE } from "@patina/core/date";
import { encode, type RebuildCatalog } from "@patina/messages/message";
import type { DispatcherContext } from "./context.ts";

/** A rebuild that has not come further for so long is nobody's: a lease lasts 20 minutes. */
const IDLE_AFTER = 25 * MINUTE;

/** The tick's duty: a rebuild whose message is gone. As long as the queue has a backlog it may be waiting in it. */
export async function resumeLostRebuild({ catalog, upkeep, clock, log }: DispatcherContext): Promise<void> {
  const id = await idleRebuild(catalog, { now: clock(), since: clock() - IDLE_AFTER });
  if (id === null || (await upkeep.metrics()).backlogCount > 0) return;
  log.warn({ rebuild: id }, "Lost message was sent again");
  await upkeep.send(rebuildRequest(id));
}

export function rebuildRequest(rebuild: string): RebuildCatalog {
  return encode({ kind: "rebuild-catalog", version: 1, rebuild, snoozes: 0 });
}
