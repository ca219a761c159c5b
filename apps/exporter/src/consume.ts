import { openCatalog } from "@patina/catalog/catalog";
import { catalogFailure } from "@patina/catalog/failure";
import type { PatinaError } from "@patina/core/error";
import { backoffSeconds, type Outcome, outcomeOf } from "@patina/core/outcome";
import { QUEUES } from "@patina/messages/queues";
import { decodeBatch, settle } from "@patina/worker/delivery";
import type { Log } from "@patina/worker/log";
import { type ExportContext, exportTask } from "./export-task.ts";
import { redactionKeyOf } from "./rules.ts";

/** Time, chance and the log. */
export interface World extends Pick<ExportContext, "clock" | "sleep" | "random"> {
  readonly log: Log;
}

/** The secret is optional, so wrangler does not know it. */
export type ExporterEnv = Env & { readonly REDACTION_KEY?: string };

/** Handles a batch of `patina-exports`. */
export async function consume(batch: MessageBatch, env: ExporterEnv, world: World): Promise<void> {
  const exits = { queue: QUEUES.exports, later: env.EXPORTS, dead: env.EXPORTS_DEAD, log: world.log } as const;
  const deliveries = await decodeBatch(batch, exits);
  // One message in production (max_batch_size = 1); the local run hands over three at a time.
  await Promise.all(
    deliveries.map(async (delivery) => {
      const { attempts, body } = delivery;
      const outcome = await contextOf(env, world)
        .then((context) => exportTask(body, { ...context, attempts }))
        .catch((thrown: unknown) => outcomeWithout(catalogFailure(thrown), { attempts, snoozes: body.snoozes }));
      await settle(delivery, { outcome, exits });
    }),
  );
}

/** How often a message waits for a catalog that does not answer: a minute, then eight, then an hour. */
const MAX_CATALOG_SNOOZES = 3;

/**
 * Without the catalog no attempt has begun, so it costs none: three are used up within a minute, and a catalog that was away
 * for a minute would fail a whole night.
 */
function outcomeWithout(error: PatinaError, { attempts, snoozes }: { attempts: number; snoozes: number }): Outcome {
  const isCatalog = error.code === "catalog_unavailable" || error.code === "catalog_outdated";
  if (!isCatalog || snoozes >= MAX_CATALOG_SNOOZES) return outcomeOf(error, attempts);
  return { end: "snooze", delaySeconds: backoffSeconds(3 * snoozes + 3) };
}

async function contextOf(env: ExporterEnv, world: World): Promise<ExportContext> {
  return {
    ...world,
    catalog: await openCatalog(env.CATALOG),
    bucket: env.BUCKET,
    results: env.RESULTS,
    exports: env.EXPORTS,
    bindings: { ...env },
    environment: env.ENVIRONMENT,
    redactionKey: redactionKeyOf(env.REDACTION_KEY),
    limits: { milliseconds: 1_000 * Number(env.EXPORT_SECONDS), queries: Number(env.EXPORT_QUERIES) },
    holder: crypto.randomUUID(),
  };
}
