import type { Redaction } from "@patina/core/rules";
import { asc, eq, sql } from "drizzle-orm";
import type { Catalog } from "./catalog.ts";
import { databases } from "./schema.ts";

/** One database of the registry, as registered. */
export interface Registration {
  readonly name: string;
  readonly binding: string;
  readonly priority: number;
  readonly description: string;
  readonly d1Id?: string;
  readonly environment?: string;
  readonly estimatedBytes?: number;
  /** What its backups do not carry as it is; absent leaves what is registered. */
  readonly redactions?: readonly Redaction[];
  readonly excludedTables?: readonly string[];
  /** Why an export must fail without being tried; absent when nothing is known against it. */
  readonly blockedReason?: string;
}

export type RegisteredDatabase = typeof databases.$inferSelect;

/** Adds what the registry file says of a database, or brings it up to date; whether it is paused stays as it is. */
export async function registerDatabase(catalog: Catalog, entry: Registration, now: number): Promise<void> {
  const values = {
    ...entry,
    blockedReason: entry.blockedReason ?? null,
    owner: "registry" as const,
    updatedAt: now,
  };
  await catalog
    .insert(databases)
    .values({ ...values, createdAt: now })
    .onConflictDoUpdate({ target: databases.name, set: values });
}

export async function listDatabases(catalog: Catalog): Promise<RegisteredDatabase[]> {
  return await catalog.select().from(databases).orderBy(asc(databases.priority), asc(databases.name));
}

export async function findDatabase(catalog: Catalog, name: string): Promise<RegisteredDatabase | undefined> {
  const [found] = await catalog.select().from(databases).where(eq(databases.name, name));
  return found;
}

/** How many of these names are not in the registry. */
export async function countUnknown(catalog: Catalog, names: readonly string[]): Promise<number> {
  const [row] = await catalog.all<{ unknown: number }>(
    sql`select count(distinct value) as "unknown" from json_each(${JSON.stringify(names)})
        where value not in (select name from ${databases})`,
  );
  return row?.unknown ?? 0;
}

/** Takes every database out of the schedule that is not named; their backups stay. */
export async function disableOthers(catalog: Catalog, names: readonly string[], now: number): Promise<void> {
  await catalog.run(
    sql`update ${databases} set enabled = name in (select value from json_each(${JSON.stringify(names)})), updated_at = ${now}`,
  );
}
