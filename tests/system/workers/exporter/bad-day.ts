import exporter from "@patina/exporter/worker";
import { hasty } from "../hasty-batch.ts";

/**
 * The exporter on a bad day: retries come at once; the database behind DB_BROKEN never answers; the first message for
 * the database "lost" disappears.
 */
let lost = false;

type Bindings = Parameters<typeof exporter.queue>[1];

export default {
  ...exporter,
  async queue(batch, env) {
    const messages = batch.messages.filter((message) => {
      const isLost = !lost && (message.body as { database?: string }).database === "lost";
      if (isLost) {
        lost = true;
        message.ack();
      }
      return !isLost;
    });
    const broken = {
      prepare: () => ({}),
      batch: () => Promise.reject(new Error("D1_ERROR: Network connection lost.")),
    };
    const bindings = "DB_BROKEN" in env ? { ...env, DB_BROKEN: broken } : env;
    await exporter.queue(hasty(batch, messages), bindings);
  },
} satisfies ExportedHandler<Bindings>;
