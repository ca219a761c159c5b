import { openCatalog } from "@patina/catalog/catalog";
import { catalogFailure } from "@patina/catalog/failure";
import { outcomeOf } from "@patina/core/outcome";
import { QUEUES } from "@patina/messages/queues";
import { decodeBatch, settle } from "@patina/worker/delivery";
import { createLog } from "@patina/worker/log";
import { deliverAlert } from "./alerts.ts";
import { channelsOf } from "./channels.ts";
import { handleDeadLetters } from "./dead-letters.ts";
import { type AggregatorContext, handleResults } from "./results.ts";

const log = createLog("aggregator");

export default {
  async queue(batch, env) {
    switch (batch.queue) {
      case QUEUES.results:
        return await results(batch, env);
      case QUEUES.alerts:
        return await alerts(batch, env);
      default:
        // A failure here throws: the whole batch of letters is delivered again until it is recorded.
        await handleDeadLetters(batch.messages, { queue: batch.queue, ...(await context(env)) });
    }
  },
} satisfies ExportedHandler<AggregatorEnv>;

/** The secrets are optional, so wrangler does not know them. */
type AggregatorEnv = Env & { readonly DISCORD_WEBHOOK_URL?: string; readonly ALERT_WEBHOOK_URL?: string };

async function results(batch: MessageBatch, env: AggregatorEnv): Promise<void> {
  const exits = { queue: QUEUES.results, dead: env.RESULTS_DEAD, log } as const;
  const deliveries = await decodeBatch(batch, exits);
  const outcomes = await context(env)
    .then((ready) => handleResults(deliveries, ready))
    .catch((thrown: unknown) => deliveries.map(({ attempts }) => outcomeOf(catalogFailure(thrown), attempts)));
  for (const [i, delivery] of deliveries.entries()) {
    const outcome = outcomes[i];
    if (outcome !== undefined) await settle(delivery, { outcome, exits });
  }
}

async function alerts(batch: MessageBatch, env: AggregatorEnv): Promise<void> {
  const exits = { queue: QUEUES.alerts, dead: env.ALERTS_DEAD, log } as const;
  for (const delivery of await decodeBatch(batch, exits)) {
    const { attempts, body } = delivery;
    const outcome = await context(env)
      .then((ready) => deliverAlert(body, { ...ready, attempts, environment: env.ENVIRONMENT, fetch: request }))
      .catch((thrown: unknown) => outcomeOf(catalogFailure(thrown), attempts));
    await settle(delivery, { outcome, exits });
  }
}

async function context(env: AggregatorEnv): Promise<AggregatorContext> {
  return {
    catalog: await openCatalog(env.CATALOG),
    bucket: env.BUCKET,
    alerts: env.ALERTS,
    channels: channelsOf(env),
    clock: Date.now,
    holder: crypto.randomUUID(),
    log,
  };
}

/** fetch() must not be called as a method of anything else. */
function request(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  return fetch(input, init);
}
