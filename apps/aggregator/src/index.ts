import { catalogFailure } from "@patina/catalog/failure";
import { backoffSeconds, outcomeOf } from "@patina/core/outcome";
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
        return await deadLetters(batch, env);
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

/**
 * A letter has nowhere further to go: all of a batch are delivered again until they are recorded. Later each time, up to
 * an hour: the hundred attempts then last as long as the queue keeps a message, which is four days.
 */
async function deadLetters(batch: MessageBatch, env: AggregatorEnv): Promise<void> {
  try {
    await handleDeadLetters(batch.messages, { queue: batch.queue, ...(await resultsContext(env)) });
  } catch (thrown) {
    log.error({ queue: batch.queue, error: catalogFailure(thrown) }, "Dead letters could not be recorded yet");
    for (const message of batch.messages) message.retry({ delaySeconds: backoffSeconds(message.attempts) });
  }
}
