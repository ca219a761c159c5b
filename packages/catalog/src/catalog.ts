import { PatinaError } from "@patina/core/error";
import { sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import * as schema from "./schema.ts";

export type Catalog = DrizzleD1Database<typeof schema> & { readonly $client: D1Database };

/** The newest migration that this code needs. A catalog that lacks it is refused; one that has more is not. */
export const NEEDED_MIGRATION = "0008_custody.sql";

/**
 * Opens the catalog.
 *
 * @throws {PatinaError} `catalog_outdated` when the migrations of this version have not been applied
 * @throws {PatinaError} `catalog_unavailable` when the database does not answer
 */
export async function openCatalog(database: D1Database): Promise<Catalog> {
  const catalog = drizzle(database, { schema });
  const [found] = await reading(() =>
    catalog.all<{ name: string }>(sql`select name from d1_migrations where name = ${NEEDED_MIGRATION}`),
  );
  if (found === undefined) throw outdated();
  return catalog;
}

function outdated(): PatinaError {
  return new PatinaError(
    "catalog_outdated",
    `Cannot use the catalog: migration "${NEEDED_MIGRATION}" has not been applied to it`,
  );
}

async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (/no such table: d1_migrations/.test(textOf(cause))) throw outdated();
    throw new PatinaError("catalog_unavailable", "Cannot reach the catalog", { cause });
  }
}

/** drizzle wraps D1's error; the text that tells them apart is the innermost. */
function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause === undefined ? thrown.message : `${thrown.message} ${textOf(thrown.cause)}`;
}
