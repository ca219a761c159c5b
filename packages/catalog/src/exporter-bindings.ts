import { asc, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { exporterBindings } from "./schema.ts";

/** What the exporter of one shard says of itself. */
export interface Published {
  readonly shard: number;
  /** Names of its D1 bindings, such as `DB_SHOP`. */
  readonly bindings: readonly string[];
  readonly publishedAt: number;
}

/** Writes down which D1 bindings the exporter of a shard has: only with one of them can a database be backed up. */
export async function publishBindings(catalog: Catalog, { shard, bindings, publishedAt }: Published): Promise<void> {
  const values = { bindings: [...bindings].sort(), publishedAt };
  await catalog
    .insert(exporterBindings)
    .values({ shard, ...values })
    // An invocation of the version before, which ends late, must not take its bindings back.
    .onConflictDoUpdate({
      target: exporterBindings.shard,
      set: values,
      setWhere: sql`${exporterBindings.publishedAt} <= ${publishedAt}`,
    });
}

/** What the exporters have published, by shard. */
export async function listPublished(catalog: Catalog): Promise<Published[]> {
  return await catalog.select().from(exporterBindings).orderBy(asc(exporterBindings.shard));
}
