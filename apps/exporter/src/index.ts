import { createLog } from "@patina/worker/log";
import { publish } from "./bindings.ts";
import { consume, type ExporterEnv } from "./consume.ts";

export { Preflights } from "./preflights.ts";

const world = {
  clock: Date.now,
  sleep: (milliseconds: number) => scheduler.wait(milliseconds),
  random: Math.random,
  log: createLog("exporter"),
};

export default {
  queue: (batch, env) => consume(batch, env, world),
  scheduled: (_, env) => publish(env, world),
} satisfies ExportedHandler<ExporterEnv>;
