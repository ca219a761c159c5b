import { DatabaseSync } from "node:sqlite";
import type { Priority } from "@patina/core/job";
import { buildAutumnsgroveGitStats } from "./autumnsgrove-git-stats.ts";
import { buildAutumnsgrovePosts } from "./autumnsgrove-posts.ts";
import { buildGroveDomainJobs } from "./grove-domain-jobs.ts";
import { buildGroveEngineDb } from "./grove-engine-db.ts";
import { buildGroveauth } from "./groveauth.ts";
import { buildScoutDb } from "./scout-db.ts";

/** Databases to try Patina on when nobody names one. Made up from a fixed seed: the same bytes on every build. */
export interface Sample {
  readonly name: string;
  readonly priority: Priority;
  readonly description: string;
  /**
   * Creates the schema and the rows in an empty database, and nothing that D1 would refuse. The caller opens and commits
   * the transaction: some foreign keys are deferred and hold only at its end.
   */
  readonly build: (db: DatabaseSync) => void;
}

export const SAMPLES: readonly Sample[] = [
  {
    name: "groveauth",
    priority: "critical",
    description: "Authentication and OAuth",
    build: buildGroveauth,
  },
  {
    name: "scout-db",
    priority: "critical",
    description: "Searches, credits and referrals",
    build: buildScoutDb,
  },
  {
    name: "grove-engine-db",
    priority: "critical",
    description: "Multi-tenant core: sites, pages and media",
    build: buildGroveEngineDb,
  },
  {
    name: "autumnsgrove-posts",
    priority: "high",
    description: "Blog posts with full-text search",
    build: buildAutumnsgrovePosts,
  },
  {
    name: "autumnsgrove-git-stats",
    priority: "normal",
    description: "Statistics over commits",
    build: buildAutumnsgroveGitStats,
  },
  {
    name: "grove-domain-jobs",
    priority: "normal",
    description: "Searches for a free domain name",
    build: buildGroveDomainJobs,
  },
];

/**
 * Builds one sample into a new SQLite file at `path`, which must not exist yet or be empty. The database is finished in
 * memory first, so that a fault leaves no half of one behind; VACUUM INTO writes it without a journal of any kind.
 */
export function buildSample(sample: Sample, path: string): void {
  const db = new DatabaseSync(":memory:");
  try {
    db.exec("BEGIN");
    sample.build(db);
    db.exec("COMMIT");
    db.prepare("VACUUM INTO ?").run(path);
  } catch (cause) {
    throw new Error(`Cannot build sample "${sample.name}" at "${path}"`, { cause });
  } finally {
    db.close();
  }
}
