import type { Manifest } from "@patina/archive/manifest";
import type { RebuildStep } from "@patina/catalog/rebuilds";
import {
  databaseStatements,
  type RebuiltDatabase,
  type UnregisteredDatabase,
  unregisteredDatabases,
} from "@patina/catalog/rebuilt-databases";
import { PatinaError } from "@patina/core/error";
import { bindingOf } from "@patina/core/job";
import { faultOf } from "@patina/core/retention-policy";
import type { Rules } from "@patina/core/rules";
import { findBackup } from "./find-backup.ts";
import { inTurn } from "./in-turn.ts";
import type { ArchiverContext } from "./upkeep.ts";

/** Databases that are registered in one step. */
const PAGE = 200;

/** One step through the databases that have backups and are not registered: as the newest manifest of each has them. */
export async function rebuildDatabases(after: string | null, context: ArchiverContext): Promise<RebuildStep> {
  const { catalog, budget, clock } = context;
  const found = await unregisteredDatabases(catalog, { after, limit: PAGE });
  const entries = await inTurn(found, async (one) => entryOf(one.database, await newestManifest(one, context)));
  budget.spend({ queries: 1 + 2 * found.length, requests: 2 * found.length });
  const last = found.at(-1);
  return {
    next: last === undefined ? { phase: "end" } : { after: last.database },
    statements: databaseStatements(entries, clock()),
    counts: { addedDatabases: entries.length },
  };
}

/** Null where it cannot be read: the database must be backed up all the same. */
async function newestManifest(
  { database, date, job }: UnregisteredDatabase,
  context: ArchiverContext,
): Promise<Manifest | null> {
  try {
    return (await findBackup({ database, date, job }, context))?.manifest ?? null;
  } catch (error) {
    if (error instanceof PatinaError && UNREADABLE.has(error.code)) return null;
    throw error;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(["manifest_invalid", "backup_damaged"]);

/** What an old manifest does not say is what an entry has by default; the registry file says it again when it is applied. */
function entryOf(name: string, manifest: Manifest | null): RebuiltDatabase {
  const rules = rulesOf(manifest);
  const facts = manifest?.catalog?.database;
  if (facts === undefined) return { name, ...DEFAULTS, binding: bindingOf(name), ...rules };
  const { retention } = facts;
  return { name, ...facts, retention: retention !== null && faultOf(retention) === null ? retention : null, ...rules };
}

/** The rules as they were applied: what was redacted must not appear because the catalog was lost. */
function rulesOf(manifest: Manifest | null): Rules {
  const { redactions = [], excludedTables = [] } = manifest?.rules ?? {};
  return {
    redactions: redactions.map(({ table, column, as, text = REDACTED }) =>
      as === "text" ? { table, column, as, text } : { table, column, as },
    ),
    excludedTables,
  };
}

/** In place of a text that an old manifest does not name. */
const REDACTED = "redacted";

const DEFAULTS = {
  environment: "production",
  shard: 0,
  d1Id: null,
  description: "",
  priority: 2,
  estimatedBytes: null,
  certain: false,
  owner: "registry",
  retention: null,
} as const;
