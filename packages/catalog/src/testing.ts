import { applyD1Migrations, env } from "cloudflare:test";
import { bindingOf } from "@patina/core/job";
import { type Catalog, openCatalog } from "./catalog.ts";
import { registerDatabase } from "./databases.ts";

/** For tests inside workerd: an empty catalog with every migration applied. Tests of a file share it: call it before each. */
export async function emptyCatalog(): Promise<Catalog> {
  const database = env.CATALOG;
  await applyD1Migrations(database, env.MIGRATIONS);
  const tables = await database
    .prepare(
      `select name from sqlite_schema where type = 'table' and name <> 'd1_migrations'
         and substr(name, 1, 7) <> 'sqlite_' and substr(name, 1, 4) <> '_cf_'`,
    )
    .all<{ name: string }>();
  const statements = tables.results.map(({ name }) => database.prepare(`delete from "${name}"`));
  await database.batch([database.prepare("pragma defer_foreign_keys = on"), ...statements]);
  return await openCatalog(database);
}

/** Registers databases in the order of their priority: the first is critical, the second high, the rest normal. */
export async function register(catalog: Catalog, names: readonly string[]): Promise<void> {
  for (const [i, name] of names.entries()) {
    const priority = Math.min(i, 2);
    await registerDatabase(
      catalog,
      { name, binding: bindingOf(name), priority, description: "", environment: "local" },
      0,
    );
  }
}
