import { openCatalog } from "@patina/catalog/catalog";
import { catalogFailure } from "@patina/catalog/failure";
import { createLog } from "@patina/worker/log";
import { createApp } from "./api/app.ts";
import { type DispatcherContext, scheduled } from "./scheduled.ts";

const log = createLog("dispatcher");
const app = createApp();

export default {
  async fetch(request, env, ctx) {
    return await app.fetch(request, { token: env.ADMIN_TOKEN, log, open: () => context(env) }, ctx);
  },

  async scheduled({ cron, scheduledTime }, env) {
    try {
      await scheduled({ cron, scheduledTime }, await context(env));
    } catch (thrown) {
      // Thrown on, so that Cloudflare counts the run as failed; the tick makes up for it.
      log.error({ cron, error: catalogFailure(thrown) }, "Cron failed");
      throw thrown;
    }
  },
} satisfies ExportedHandler<Env>;

async function context(env: Env): Promise<DispatcherContext> {
  return {
    catalog: await openCatalog(env.CATALOG),
    exports: env.EXPORTS,
    results: env.RESULTS,
    alerts: env.ALERTS,
    clock: Date.now,
    holder: crypto.randomUUID(),
    log,
  };
}
