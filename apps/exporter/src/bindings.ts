import { openCatalog } from "@patina/catalog/catalog";
import { publishBindings } from "@patina/catalog/exporter-bindings";
import { catalogFailure } from "@patina/catalog/failure";
import { PatinaError } from "@patina/core/error";
import type { World } from "./consume.ts";
import { isDatabase } from "./d1-source.ts";

/** Says in the catalog which databases this exporter could back up. */
export async function publish(env: Env, { clock, log }: Pick<World, "clock" | "log">): Promise<void> {
  try {
    const shard = shardOf(env.SHARD);
    const bindings = databaseBindings({ ...env });
    await publishBindings(await openCatalog(env.CATALOG), { shard, bindings, publishedAt: clock() });
  } catch (thrown) {
    // Thrown on, so that Cloudflare counts the run as failed; the next one is five minutes away.
    log.error({ error: catalogFailure(thrown) }, "Bindings were not published");
    throw thrown;
  }
}

/** Names of the D1 bindings that this Worker has: only what is behind one of them can be backed up. */
export function databaseBindings(bindings: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(bindings).filter((name) => isDatabase(bindings[name]));
}

/** The shard of the registry that this exporter serves, from its variable SHARD. */
export function shardOf(variable: string): number {
  if (!/^\d{1,3}$/.test(variable)) {
    throw new PatinaError("not_configured", "Cannot serve a shard: SHARD in the exporter's wrangler.toml is no number");
  }
  return Number(variable);
}
