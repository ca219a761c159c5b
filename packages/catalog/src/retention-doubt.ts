import { doubtOf } from "@patina/core/retention";
import type { RetentionPolicy } from "@patina/core/retention-policy";
import type { Catalog } from "./catalog.ts";
import { removalDoubt } from "./rebuilds.ts";
import { newestBackup } from "./stored-dumps.ts";
import { readTicks } from "./ticks.ts";

/** Why nothing may be removed at a moment, as far as the catalog knows; null when there is no such reason. */
export async function doubtNow(
  catalog: Catalog,
  { policy, now }: { policy: RetentionPolicy; now: number },
): Promise<string | null> {
  const doubt = doubtOf(policy, { now, ticks: await readTicks(catalog), newest: await newestBackup(catalog) });
  return doubt ?? (await removalDoubt(catalog));
}
