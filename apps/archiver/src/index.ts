import { openCatalog } from "@patina/catalog/catalog";
import { catalogFailure } from "@patina/catalog/failure";
import { outcomeOfDelivery } from "@patina/core/outcome";
import { QUEUES } from "@patina/messages/queues";
import { decodeBatch, settle } from "@patina/worker/delivery";
import { createLog } from "@patina/worker/log";
import { archiveWeek } from "./archive-week.ts";
import { Budget } from "./budget.ts";
import { drill } from "./drill.ts";
import { prune } from "./prune.ts";
import { rebuildCatalog } from "./rebuild-catalog.ts";
import type { ScratchDatabase } from "./scratch-state.ts";
import { type ArchiverContext, type Handlers, handleUpkeep } from "./upkeep.ts";
import { verify } from "./verify.ts";

export { Scratch } from "./scratch.ts";
export { Vault } from "./vault.ts";

const log = createLog("archiver");

/** What is done for each kind of message. */
const handlers: Handlers = { "archive-week": archiveWeek, "rebuild-catalog": rebuildCatalog, drill, prune, verify };

export default {
  async queue(batch, env) {
    const exits = { queue: QUEUES.upkeep, later: env.UPKEEP, dead: env.UPKEEP_DEAD, log } as const;
    const deliveries = await decodeBatch(batch, exits);
    // One message in production (max_batch_size = 1); the local run hands over three at a time.
    await Promise.all(
      deliveries.map(async (delivery) => {
        const { attempts, body } = delivery;
        const outcome = await context(env)
          .then((ready) => handleUpkeep(body, { ...ready, attempts, handlers }))
          .catch((thrown: unknown) => outcomeOfDelivery(catalogFailure(thrown), { attempts, snoozes: body.snoozes }));
        await settle(delivery, { outcome, exits });
      }),
    );
  },
} satisfies ExportedHandler<Env>;

async function context(env: Env): Promise<ArchiverContext> {
  return {
    catalog: await openCatalog(env.CATALOG),
    bucket: env.BUCKET,
    upkeep: env.UPKEEP,
    results: env.RESULTS,
    scratch: (name) => env.SCRATCH.getByName(name) as unknown as ScratchDatabase,
    budget: new Budget(Date.now),
    environment: env.ENVIRONMENT,
    clock: Date.now,
    holder: crypto.randomUUID(),
    log,
  };
}
