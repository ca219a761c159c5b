import { openCatalog } from "@patina/catalog/catalog";
import { catalogFailure } from "@patina/catalog/failure";
import type { Channels } from "@patina/worker/channels";
import { createLog } from "@patina/worker/log";
import type { Preflights } from "@patina/worker/preflights";
import type { Vault } from "@patina/worker/vault";
import type { AuthSettings } from "./api/auth.ts";
import type { DispatcherContext } from "./context.ts";
import { createFront } from "./front.ts";
import { scheduled } from "./scheduled.ts";

const log = createLog("dispatcher");
const front = createFront();

export default {
  async fetch(request, env, ctx) {
    const bindings = {
      clock: Date.now,
      auth: authOf(env),
      access: ctx.access,
      attempts: env.ATTEMPTS,
      vault: env.VAULT as unknown as Vault,
      channels: env.CHANNELS as unknown as Channels,
      preflights: env.PREFLIGHTS as unknown as Preflights,
      log,
      environment: env.ENVIRONMENT,
      open: () => context(env),
    };
    return await front.fetch(request, bindings, ctx);
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

/** Each of these is optional by itself: the API refuses to serve, and says why, only when all of them are missing. */
interface Secrets {
  readonly ADMIN_TOKEN?: string;
  readonly READ_TOKEN?: string;
}

function authOf(env: Env & Secrets): AuthSettings {
  return { adminToken: env.ADMIN_TOKEN, readToken: env.READ_TOKEN, accessAudience: env.ACCESS_AUD };
}

async function context(env: Env): Promise<DispatcherContext> {
  return {
    catalog: await openCatalog(env.CATALOG),
    exports: env.EXPORTS,
    results: env.RESULTS,
    alerts: env.ALERTS,
    upkeep: env.UPKEEP,
    clock: Date.now,
    holder: crypto.randomUUID(),
    log,
  };
}
