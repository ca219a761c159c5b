import { consume } from "@patina/exporter/consume";
import exporter, { Preflights } from "@patina/exporter/worker";
import { createLog } from "@patina/worker/log";
import { hasty } from "../hasty-batch.ts";

export { Preflights };

/**
 * The exporter on a bad day: nothing waits, and retries come at once; the database behind DB_BROKEN never answers; the
 * first message for the database "lost" disappears.
 */
const world = { clock: Date.now, sleep: async () => undefined, random: Math.random, log: createLog("exporter") };

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
    await consume(hasty(batch, messages), bindings, world);
  },
} satisfies ExportedHandler<Bindings>;
