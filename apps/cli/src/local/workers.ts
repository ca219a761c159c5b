import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare";
import { type Unstable_Config as Config, unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { CommandError } from "../failure.ts";

/** The project's own folder, in which the Workers lie. */
export const PROJECT = join(import.meta.dirname, "..", "..", "..", "..");

/** The catalog's id in wrangler.toml until infra fills in the real one. */
export const CATALOG_ID = "00000000-0000-0000-0000-000000000000";

export const MIGRATIONS = join(PROJECT, "packages", "catalog", "migrations");

/** How many databases the local run exports at once, and how many pieces of upkeep it does. */
const CONCURRENCY = 3;

const WORKERS = {
  dispatcher: { config: "wrangler.toml", bundle: "apps/dispatcher/dist/index.js" },
  exporter: { config: "apps/exporter/wrangler.toml", bundle: "apps/exporter/dist/index.js" },
  aggregator: { config: "apps/aggregator/wrangler.toml", bundle: "apps/aggregator/dist/index.js" },
  archiver: { config: "apps/archiver/wrangler.toml", bundle: "apps/archiver/dist/index.js" },
} as const;

type WorkerName = keyof typeof WORKERS;

export interface WorkersOptions {
  readonly resources: string;
  readonly port: number;
  /** Local D1 databases that the exporter is to have, by binding. */
  readonly databases: Readonly<Record<string, string>>;
  /** Secrets and further variables by Worker. */
  readonly variables: Readonly<Partial<Record<WorkerName, Record<string, string>>>>;
  readonly onLog: (line: { level: string; message: string }) => void;
  /** Other bundles than the Workers' own, for tests that need one to behave badly. */
  readonly bundles?: Readonly<Partial<Record<WorkerName, string>>>;
}

/** Starts all Workers in workerd, as their wrangler.toml files configure them, with local D1, R2 and queues. */
export async function startWorkers(options: WorkersOptions): Promise<Miniflare> {
  const workers = (Object.keys(WORKERS) as WorkerName[]).map((name) => workerOptions(name, options));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers,
      host: "127.0.0.1",
      port: options.port,
      // Otherwise it asks Cloudflare for an example of request.cf.
      cf: false,
      logRequests: false,
      resourcePersistencePath: options.resources,
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: options.onLog,
    }),
  );
  try {
    await miniflare.ready;
    return miniflare;
  } catch (cause) {
    await miniflare.dispose().catch(() => undefined);
    throw new CommandError("Cannot start the Workers: workerd does not start", {
      cause,
      hint: "Run npm run setup -- and look at its messages.",
    });
  }
}

function workerOptions(name: WorkerName, options: WorkersOptions): V4WorkerOptions {
  const { config: path, bundle } = WORKERS[name];
  const script = options.bundles?.[name] ?? join(PROJECT, bundle);
  if (!existsSync(script)) {
    throw new CommandError(`Cannot start the ${name}: it is not bundled`, { hint: "npm start bundles it first." });
  }
  const config = unstable_readConfig({ config: join(PROJECT, path) }, { hideWarnings: true });
  const local = withLocalQueues(name === "exporter" ? withDatabases(config, options.databases) : config);
  // Secrets come from here and not from a .dev.vars file, which wrangler would miss aloud.
  const { secrets: _, ...rest } = local;
  const { workerOptions: shared } = unstable_getMiniflareWorkerOptions(rest as Config);
  return {
    ...shared,
    name: config.name ?? name,
    rootPath: PROJECT,
    // By its content: a module outside of the root folder makes workerd fail with an internal error.
    modules: [{ type: "ESModule", path: `${name}.js`, contents: readFileSync(script, "utf8") }],
    bindings: { ...config.vars, ...options.variables[name], ENVIRONMENT: "local" },
  };
}

/**
 * Queues that hand over at once. Nobody pays for batches here; and only without a timeout does miniflare never start a
 * second batch of a queue beside one that is running. Local queues ignore max_concurrency, but a batch of three that a
 * Worker handles at once comes to the same as three of one message.
 */
function withLocalQueues(config: Config): Config {
  const consumers = (config.queues.consumers ?? []).map((consumer) => ({
    ...consumer,
    max_batch_timeout: 0,
    ...(consumer.max_concurrency === CONCURRENCY ? { max_batch_size: CONCURRENCY } : {}),
  }));
  return { ...config, queues: { ...config.queues, consumers } };
}

/** The exporter with the databases of this machine. */
function withDatabases(config: Config, databases: WorkersOptions["databases"]): Config {
  const bindings = Object.entries(databases).map(([binding, id]) => ({ binding, database_name: id, database_id: id }));
  return { ...config, d1_databases: [...config.d1_databases, ...bindings] };
}
