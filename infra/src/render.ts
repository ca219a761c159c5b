import { PatinaError } from "@patina/core/error";
import { parse, stringify, type TomlTable } from "smol-toml";

import { CATALOG_BINDING, type Registry } from "./registry.ts";
import { WORKERS, type WorkerName } from "./workers.ts";

/** Where a Worker's own file lies, and the one that is deployed: beside it, because the paths in it are relative. */
export const CONFIGS: Readonly<Record<WorkerName, { source: string; rendered: string }>> = {
  dispatcher: { source: "wrangler.toml", rendered: "wrangler.deploy.toml" },
  exporter: { source: "apps/exporter/wrangler.toml", rendered: "apps/exporter/wrangler.deploy.toml" },
  archiver: { source: "apps/archiver/wrangler.toml", rendered: "apps/archiver/wrangler.deploy.toml" },
  aggregator: { source: "apps/aggregator/wrangler.toml", rendered: "apps/aggregator/wrangler.deploy.toml" },
};

const NOTE = "# Rendered by `npm run infra`, from the wrangler.toml beside it and infra/databases.toml. Do not edit.\n";

/** Files by their path in the repository. */
export interface Files {
  readonly read: (path: string) => string | null;
  readonly write: (path: string, text: string) => void;
}

/** Writes the file that is deployed for every Worker. */
export function renderAll(registry: Registry, { catalogId, read, write }: Files & { catalogId: string }): void {
  for (const worker of WORKERS) {
    const { source, rendered } = CONFIGS[worker];
    const text = read(source);
    if (text === null) throw new PatinaError("not_found", `Cannot deploy: there is no ${source}`);
    write(rendered, render(worker, { text, registry, catalogId }));
  }
}

/** A Worker's file with the account's catalog and bucket, and for the exporter a binding for every source database. */
export function render(worker: WorkerName, options: { text: string; registry: Registry; catalogId: string }): string {
  const { text, registry, catalogId } = options;
  const config = parse(text);
  const databases = tables(config["d1_databases"]).map((entry) =>
    entry["binding"] === CATALOG_BINDING
      ? { ...entry, database_name: registry.catalog, database_id: catalogId }
      : entry,
  );
  const sources = registry.databases.flatMap(({ name, binding, d1Id }) =>
    d1Id === null ? [] : [{ binding, database_name: name, database_id: d1Id }],
  );
  const all = worker === "exporter" ? [...databases, ...sources] : databases;
  const buckets = tables(config["r2_buckets"]).map((entry) => ({ ...entry, bucket_name: registry.bucket.name }));
  return `${NOTE}${stringify({
    ...config,
    ...(all.length > 0 ? { d1_databases: all } : {}),
    ...(buckets.length > 0 ? { r2_buckets: buckets } : {}),
  })}\n`;
}

function tables(value: unknown): TomlTable[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every(isTable)) return value;
  throw new PatinaError("invalid_request", "Cannot render wrangler.toml: its bindings are no tables");
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
