import { isDatabaseName } from "@patina/core/job";
import { amount, bytes } from "@patina/core/wording";
import type { Command } from "commander";
import * as v from "valibot";
import { databasesOf } from "../api/databases.ts";
import { EXIT } from "../failure.ts";
import { note, printData, printJson } from "../output/print.ts";
import { type Column, table } from "../output/table.ts";
import { wranglerOf } from "../wrangler/wrangler.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";
import { place } from "./values.ts";

interface DiscoverOptions extends ApiOptions {
  readonly project: string;
  readonly catalog: string;
  readonly toml?: true;
}

const Databases = v.array(
  v.looseObject({
    uuid: v.string(),
    name: v.string(),
    created_at: v.optional(v.nullable(v.string()), null),
    file_size: v.optional(v.nullable(v.number()), null),
  }),
);
type Database = v.InferOutput<typeof Databases>[number];

/** `patina databases discover`: D1 databases of the account that nobody backs up. */
export function discoverCommand(): Command {
  return apiCommand("discover", "List the account's D1 databases that nobody backs up; exit code 4 when there are some")
    .option("--project <folder>", "where wrangler is", place, ".")
    .option("--catalog <name>", "Patina's own database", "patina-catalog")
    .option("--toml", "print them as entries for infra/databases.toml")
    .action(async (options: DiscoverOptions) => {
      const { project, catalog, toml, json } = options;
      const registered = await databasesOf(apiOf(options));
      const found = v.parse(Databases, await wranglerOf(project).json(["d1", "list"]));
      // A paused database is registered, but nobody backs it up.
      const known = new Set(registered.filter(({ enabled }) => enabled).map(({ d1_id }) => d1_id));
      const paused = new Set(registered.filter(({ enabled }) => !enabled).map(({ d1_id }) => d1_id));
      const left = found.filter(({ uuid, name }) => !known.has(uuid) && name !== catalog);
      const listed = left.map((database) => ({ ...database, isPaused: paused.has(database.uuid) }));
      if (json) printJson({ databases: listed.map(jsonOf), of: found.length });
      else if (listed.length > 0) printData(toml ? listed.map(entryOf).join("\n") : table(listed, COLUMNS));
      note(`${amount(found.length, "D1 database")} in the account, ${listed.length} of which nobody backs up.`);
      process.exitCode = listed.length === 0 ? EXIT.ok : EXIT.findings;
    });
}

type Listed = Database & { readonly isPaused: boolean };

const COLUMNS: readonly Column<Listed>[] = [
  { head: "database", value: ({ name }) => name },
  { head: "id", value: ({ uuid }) => uuid },
  {
    head: "size",
    value: ({ file_size }) => file_size ?? "-",
    show: ({ file_size }) => (file_size === null ? "-" : bytes(file_size)),
  },
  { head: "created", value: ({ created_at }) => created_at ?? "-" },
  { head: "why", value: ({ isPaused }) => (isPaused ? "paused" : "not registered") },
];

function jsonOf({ uuid, name, created_at, file_size, isPaused }: Listed) {
  return { name, d1_id: uuid, created_at, bytes: file_size, paused: isPaused };
}

/** One `[[databases]]` of the registry file; a name that Patina cannot use is made into one that it can. */
function entryOf({ uuid, name }: Listed): string {
  const lower = name.toLowerCase().replaceAll(/[^a-z0-9_-]/g, "-");
  const usable = isDatabaseName(lower) ? lower : `db-${uuid.slice(0, 8)}`;
  return `[[databases]]\nname = "${usable}"\nd1_id = "${uuid}"\n`;
}
