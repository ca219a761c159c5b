import aggregator from "@patina/aggregator/worker";
import { hasty } from "../hasty-batch.ts";

export { Channels } from "@patina/aggregator/worker";

/** The aggregator, but that retries come at once. */
export default {
  async queue(batch, env) {
    await aggregator.queue(hasty(batch), env);
  },
} satisfies ExportedHandler<Parameters<typeof aggregator.queue>[1]>;
