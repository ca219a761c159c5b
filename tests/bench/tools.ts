import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { SNAPSHOT_BYTES } from "@patina/dump/dump";
import { sqliteSource } from "@patina/dump/sqlite-source";
import { build } from "../corpus/build.ts";
import type { Case } from "../corpus/case.ts";
import { dumpSource } from "../dump/engines.ts";
import type { RemoteDatabase } from "./corpus-d1.ts";
import { printMissing } from "./report.ts";
import type { Workshop } from "./workshop.ts";

/** A program that dumps a database to SQL. */
export interface Tool {
  readonly name: string;
  /** @throws when it refuses */
  dump(entry: Case, database: RemoteDatabase): Promise<Dumped>;
}

export interface Dumped {
  readonly sql: string;
  /** Whether it says beforehand that a restore will not be complete. */
  readonly isWarned: boolean;
}

/** The tools that can be had on this machine. */
export async function toolsOf(shop: Workshop): Promise<Tool[]> {
  return [PATINA, WRANGLER, ...(shop.hasShell ? [shellTool(shop)] : []), ...(await cretezy(shop))];
}

const PATINA: Tool = {
  name: "Patina",
  async dump(entry) {
    const database = build(entry);
    const { sql, summary } = await dumpSource(sqliteSource(database), SNAPSHOT_BYTES);
    database.close();
    return { sql: sql.toString(), isWarned: summary.warnings.length > 0 };
  },
};

/** What `wrangler d1 export --local` does, without starting it for each case: it asks workerd for the finished text. */
const WRANGLER: Tool = {
  name: "wrangler d1 export",
  async dump(_, database) {
    const [lines = []] = await database.raw("PRAGMA miniflare_d1_export(?,?,?);", [false, false]);
    return { sql: lines.join("\n"), isWarned: false };
  },
};

function shellTool(shop: Workshop): Tool {
  return {
    name: "sqlite3 .dump",
    async dump(entry) {
      const file = shop.path(`shell-${entry.name}.sqlite`);
      build(entry, file).close();
      const run = spawnSync("sqlite3", ["-bail", file, ".dump"], { maxBuffer: 1e9 });
      // The shell says what went wrong in a comment at the end, and ends as if nothing had.
      if (run.status !== 0 || /ERROR|error/.test(run.stdout.subarray(-200).toString())) throw new Error("refused");
      return { sql: run.stdout.toString(), isWarned: false };
    },
  };
}

const CRETEZY = "@cretezy/cloudflare-d1-backup@0.2.1";

/**
 * The package speaks to Cloudflare's REST API through node-fetch: it is installed beside a node-fetch that asks local D1.
 */
async function cretezy(shop: Workshop): Promise<Tool[]> {
  const folder = shop.path("cretezy");
  mkdirSync(folder, { recursive: true });
  const install = spawnSync("npm", ["install", "--no-audit", "--no-fund", "--prefix", folder, CRETEZY]);
  if (install.status !== 0) {
    printMissing(`${CRETEZY}: it cannot be installed from the npm registry`);
    return [];
  }
  const modules = join(folder, "node_modules");
  const shim = "export let ask; export function answer(f) { ask = f; }\nexport default (_, init) => ask(init);\n";
  const entry = join(modules, "node-fetch", "src", "index.js");
  writeFileSync(entry, shim);
  const { answer } = (await import(pathToFileURL(entry).href)) as { answer: (ask: unknown) => void };
  const main = pathToFileURL(join(modules, "@cretezy", "cloudflare-d1-backup", "dist", "index.js")).href;
  const { createBackup } = (await import(main)) as { createBackup: (options: object) => Promise<string> };
  return [
    {
      name: CRETEZY,
      async dump(_, database) {
        answer(async (init: { body: string }) => ({
          async json() {
            try {
              const { sql } = JSON.parse(init.body) as { sql: string };
              return { result: await database.batch(sql.split(";\n")) };
            } catch (error) {
              return { errors: [{ message: String(error) }] };
            }
          },
        }));
        return { sql: await createBackup({ accountId: "a", databaseId: "d", apiKey: "k" }), isWarned: false };
      },
    },
  ];
}
