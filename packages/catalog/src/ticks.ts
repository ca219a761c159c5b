import { type Ticks, ticksAfter } from "@patina/core/ticks";
import { eq } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { ticks } from "./schema.ts";

/** When the tick ran; null when it never did. */
export async function readTicks(catalog: Catalog): Promise<Ticks | null> {
  const [row] = await catalog.select({ last: ticks.last, since: ticks.since }).from(ticks).where(eq(ticks.id, 1));
  return row ?? null;
}

/** Notes a tick. Only whoever holds the tick's lease does. */
export async function noteTick(catalog: Catalog, now: number): Promise<void> {
  const values = ticksAfter(await readTicks(catalog), now);
  await catalog
    .insert(ticks)
    .values({ id: 1, ...values })
    .onConflictDoUpdate({ target: ticks.id, set: values });
}
