import { parse } from "smol-toml";
import * as v from "valibot";
import { DEPLOYMENT_FILES } from "./deployment-files.ts";

const Binding = v.looseObject({ binding: v.string() });
const Named = v.looseObject({ name: v.string() });

const Config = v.looseObject({
  name: v.string(),
  d1_databases: v.optional(v.array(Binding), []),
  r2_buckets: v.optional(v.array(Binding), []),
  services: v.optional(v.array(Binding), []),
  ratelimits: v.optional(v.array(Named), []),
  durable_objects: v.optional(v.looseObject({ bindings: v.optional(v.array(Named), []) }), {}),
  vars: v.optional(v.record(v.string(), v.unknown()), {}),
  queues: v.optional(
    v.looseObject({
      producers: v.optional(v.array(Binding), []),
      consumers: v.optional(v.array(v.looseObject({ queue: v.string() })), []),
    }),
    {},
  ),
});

/** What a Worker has to have in an account. */
export interface ExpectedWorker {
  readonly name: string;
  readonly bindings: readonly string[];
  readonly consumes: readonly string[];
}

/** The Workers of a deployment as their wrangler.toml files have them; the exporter's source databases come on top. */
export function expectedWorkers(files: readonly string[] = DEPLOYMENT_FILES): ExpectedWorker[] {
  return files.map((text) => {
    const config = v.parse(Config, parse(text));
    const { producers = [], consumers = [] } = config.queues;
    const bound = [...config.d1_databases, ...config.r2_buckets, ...config.services, ...producers];
    const named = [...config.ratelimits, ...(config.durable_objects.bindings ?? [])];
    return {
      name: config.name,
      bindings: [
        ...bound.map(({ binding }) => binding),
        ...named.map(({ name }) => name),
        // Cloudflare keeps none that is empty.
        ...Object.keys(config.vars).filter((name) => config.vars[name] !== ""),
      ].sort(),
      consumes: consumers.map(({ queue }) => queue).sort(),
    };
  });
}
