import { openCatalog } from "@patina/catalog/catalog";
import { catalogFailure } from "@patina/catalog/failure";
import { outcomeOfDelivery } from "@patina/core/outcome";
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
        .catch((thrown: unknown) => outcomeOfDelivery(catalogFailure(thrown), { attempts, snoozes: body.snoozes }));
      await settle(delivery, { outcome, exits });
    }),
  );
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
