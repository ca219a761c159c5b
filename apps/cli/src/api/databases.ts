import { isDatabaseName } from "@patina/core/job";
import * as v from "valibot";
import { choose } from "../choice.ts";
import type { ApiClient } from "./client.ts";

/** One database of the registry, as the API shows it. */
export const DatabaseView = v.object({
  name: v.string(),
  environment: v.string(),
  binding: v.string(),
  d1_id: v.nullable(v.string()),
  description: v.string(),
  priority: v.string(),
  estimated_bytes: v.nullable(v.number()),
  enabled: v.boolean(),
  owner: v.string(),
  blocked_reason: v.nullable(v.string()),
  standing: v.string(),
  last_good: v.nullable(
    v.object({
      job: v.string(),
      at: v.string(),
      consistency: v.string(),
      stored_bytes: v.number(),
      duration_ms: v.number(),
    }),
  ),
  failures_since: v.number(),
  last_failure: v.nullable(
    v.object({ job: v.string(), at: v.string(), error: v.nullable(v.object({ message: v.nullable(v.string()) })) }),
  ),
});
export type DatabaseView = v.InferOutput<typeof DatabaseView>;

const Page = v.object({ databases: v.array(DatabaseView), next_cursor: v.nullable(v.string()) });

/** Every database of the registry, by name. */
export async function databasesOf(api: ApiClient, filter: { standing?: string } = {}): Promise<DatabaseView[]> {
  const query = new URLSearchParams({ ...filter, limit: "100" });
  const found: DatabaseView[] = [];
  for await (const { databases } of api.pages(`/databases?${query}`, Page)) found.push(...databases);
  return found;
}

/**
 * The database that somebody means by its name or the beginning of it.
 *
 * @throws {CommandError} exit 10 when there is none, exit 2 when there are several
 */
export async function databaseMeant(api: ApiClient, typed: string): Promise<DatabaseView> {
  const exact = isDatabaseName(typed) ? await api.find(`/databases/${typed}`, DatabaseView) : null;
  if (exact !== null) return exact;
  const all = await databasesOf(api);
  const name = choose(typed, { names: all.map((database) => database.name), thing: "database" });
  const [found] = all.filter((database) => database.name === name);
  if (found === undefined) throw new TypeError(`Cannot choose database "${name}": it is not in the list`);
  return found;
}
