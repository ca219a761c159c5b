import { QUEUES } from "@patina/messages/queues";
import * as v from "valibot";
import type { Registry } from "./registry.ts";
import { CONFIGS, type Files, renderAll } from "./render.ts";
import type { Wrangler } from "./wrangler.ts";

/** One database as the catalog has it. */
export interface Registered {
  readonly name: string;
  readonly d1Id: string | null;
  readonly binding: string;
  readonly description: string;
  readonly priority: number;
  readonly estimatedBytes: number | null;
  readonly certain: boolean;
  /** As the catalog keeps them: JSON. */
  readonly redactions: string;
  readonly excludedTables: string;
  readonly retention: string | null;
  readonly enabled: boolean;
}

/** What is there already. */
export interface Account {
  readonly bucket: boolean;
  /** Names of the bucket's lifecycle and lock rules that are Patina's. */
  readonly rules: readonly string[];
  readonly queues: readonly string[];
  readonly catalogId: string | null;
  /** Null where the catalog does not exist or has no table yet. */
  readonly databases: readonly Registered[] | null;
  /** Whether the dispatcher has its ADMIN_TOKEN; without it the API refuses to serve. */
  readonly hasToken: boolean;
}

export const RULES = { uploads: "patina-uploads", scratch: "patina-scratch" } as const;

/** Names of the lock rules, one for each prefix that holds backups. */
export const LOCKS = {
  daily: "patina-lock-daily",
  manual: "patina-lock-manual",
  weekly: "patina-lock-weekly",
} as const;

const Secrets = v.array(v.object({ name: v.string() }));
const Databases = v.array(v.object({ uuid: v.string(), name: v.string() }));
const Rows = v.array(
  v.object({
    results: v.array(
      v.object({
        name: v.string(),
        d1_id: v.nullable(v.string()),
        binding: v.string(),
        description: v.string(),
        priority: v.number(),
        estimated_bytes: v.nullable(v.number()),
        certain: v.number(),
        redactions: v.string(),
        excluded_tables: v.string(),
        // What a later version reads is not yet there before its migrations are applied.
        retention: v.optional(v.nullable(v.string()), null),
        enabled: v.number(),
      }),
    ),
  }),
);

/** Looks, through wrangler, and changes nothing in the account. */
export async function readAccount(
  registry: Registry,
  { wrangler, ...files }: Files & { wrangler: Wrangler },
): Promise<Account> {
  const { bucket, catalog } = registry;
  const hasBucket = await wrangler.exists(["r2", "bucket", "info", bucket.name, "--json"]);
  const queues: string[] = [];
  for (const queue of Object.values(QUEUES)) {
    if (await wrangler.exists(["queues", "info", queue])) queues.push(queue);
  }
  const catalogId = await findCatalog(wrangler, catalog);
  if (catalogId !== null) renderAll(registry, { catalogId, ...files });
  return {
    bucket: hasBucket,
    rules: hasBucket ? await rulesOf(wrangler, bucket.name) : [],
    queues,
    catalogId,
    databases: catalogId === null ? null : await databasesOf(wrangler),
    hasToken: await hasToken(wrangler),
  };
}

/**
 * The id of the catalog's database; null when there is none. `wrangler d1 info` would answer with what wrangler.toml says
 * instead of asking.
 */
export async function findCatalog(wrangler: Wrangler, name: string): Promise<string | null> {
  const all = v.parse(Databases, JSON.parse(await wrangler.run(["d1", "list", "--json"])));
  return all.find((database) => database.name === name)?.uuid ?? null;
}

async function hasToken(wrangler: Wrangler): Promise<boolean> {
  const found = await wrangler.find(["secret", "list", "--name", "patina-dispatcher", "--format", "json"]);
  return found !== null && v.parse(Secrets, JSON.parse(found)).some(({ name }) => name === "ADMIN_TOKEN");
}

/** The rules are found by their names in what wrangler prints for people: it has no JSON for them. */
async function rulesOf(wrangler: Wrangler, bucket: string): Promise<string[]> {
  const lifecycle = await wrangler.run(["r2", "bucket", "lifecycle", "list", bucket]);
  const locks = await wrangler.run(["r2", "bucket", "lock", "list", bucket]);
  const words = `${lifecycle}\n${locks}`.split(/\s+/);
  return [...Object.values(RULES), ...Object.values(LOCKS)].filter((name) => words.includes(name));
}

const SELECT = "select * from databases";

async function databasesOf(wrangler: Wrangler): Promise<Registered[] | null> {
  const config = ["--config", CONFIGS.dispatcher.rendered];
  const answer = await wrangler.find([
    "d1",
    "execute",
    "CATALOG",
    "--remote",
    "--json",
    "--command",
    SELECT,
    ...config,
  ]);
  if (answer === null) return null;
  return v.parse(Rows, JSON.parse(answer)).flatMap(({ results }) =>
    results.map((row) => ({
      name: row.name,
      d1Id: row.d1_id,
      binding: row.binding,
      description: row.description,
      priority: row.priority,
      estimatedBytes: row.estimated_bytes,
      certain: row.certain === 1,
      redactions: row.redactions,
      excludedTables: row.excluded_tables,
      retention: row.retention,
      enabled: row.enabled === 1,
    })),
  );
}
