import { catalogFailure } from "@patina/catalog/failure";
import { outcomeOf } from "@patina/core/outcome";
import { QUEUES } from "@patina/messages/queues";
import { decodeBatch, settle } from "@patina/worker/delivery";
import { deliverAlert } from "./alerts.ts";
import { type AggregatorEnv, alertContext, log, resultsContext } from "./context.ts";
import { handleDeadLetters } from "./dead-letters.ts";
import { handleResults } from "./results.ts";

export { Channels } from "./channels.ts";

export default {
  async queue(batch, env) {
    switch (batch.queue) {
      case QUEUES.results:
        return await results(batch, env);
      case QUEUES.alerts:
        return await alerts(batch, env);
      default:
        // A failure here throws: the whole batch of letters is delivered again until it is recorded.
        await handleDeadLetters(batch.messages, { queue: batch.queue, ...(await resultsContext(env)) });
    }
  },
} satisfies ExportedHandler<AggregatorEnv>;

async function results(batch: MessageBatch, env: AggregatorEnv): Promise<void> {
  const exits = { queue: QUEUES.results, dead: env.RESULTS_DEAD, log } as const;
  const deliveries = await decodeBatch(batch, exits);
  const outcomes = await resultsContext(env)
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
    const outcome = await alertContext(env)
      .then((ready) => deliverAlert(body, { ...ready, attempts }))
      .catch((thrown: unknown) => outcomeOf(catalogFailure(thrown), attempts));
    await settle(delivery, { outcome, exits });
  }
}
