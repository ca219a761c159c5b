import { openCatalog } from "@patina/catalog/catalog";
import { createLog } from "@patina/worker/log";
import type { AlertContext } from "./alerts.ts";
import { homeOf } from "./home.ts";
import type { AggregatorContext } from "./results.ts";
import type { AlertSecrets } from "./secrets.ts";

/** The secrets are optional, so wrangler does not know them. */
export type AggregatorEnv = Env & AlertSecrets;

export const log = createLog("aggregator");

export async function resultsContext(env: AggregatorEnv): Promise<AggregatorContext> {
  return {
    catalog: await openCatalog(env.CATALOG),
    bucket: env.BUCKET,
    alerts: env.ALERTS,
    secrets: env,
    clock: Date.now,
    holder: crypto.randomUUID(),
    log,
  };
}

export async function alertContext(env: AggregatorEnv): Promise<AlertContext> {
  const home = homeOf(env.PUBLIC_URL);
  return {
    catalog: await openCatalog(env.CATALOG),
    secrets: env,
    environment: env.ENVIRONMENT,
    home: home.is === "set" ? home.url : null,
    fetch: request,
    clock: Date.now,
    log,
  };
}

/** fetch() must not be called as a method of anything else. */
function request(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  return fetch(input, init);
}
