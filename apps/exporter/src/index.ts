import { createLog } from "@patina/worker/log";
import { consume, type ExporterEnv } from "./consume.ts";

const world = {
  clock: Date.now,
  sleep: (milliseconds: number) => scheduler.wait(milliseconds),
  random: Math.random,
  log: createLog("exporter"),
};

export default {
  queue: (batch, env) => consume(batch, env, world),
} satisfies ExportedHandler<ExporterEnv>;
