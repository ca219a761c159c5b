import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Unstable_Config as Config } from "wrangler";
import { CommandError, EXIT, usageError } from "../failure.ts";
import { LocalState } from "../local/state.ts";

/** A folder with a wrangler configuration. */
export interface WranglerProject {
  readonly folder: string;
  /** Its configuration file. */
  readonly config: string;
  readonly databases: readonly ProjectDatabase[];
}

/** A D1 database that a wrangler project names. */
export interface ProjectDatabase {
  readonly name: string;
  readonly binding: string;
  /** Where `wrangler dev` keeps it; the file exists once it has been used. */
  readonly localFile: string;
}

/**
 * Reads the D1 databases of a wrangler project.
 *
 * @param place its folder, or its configuration file
 * @throws {CommandError} exit 2 when there is no project, or its configuration cannot be read
 */
export async function readProject(place: string): Promise<WranglerProject> {
  const config = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"]
    .map((file) => (statSync(place, { throwIfNoEntry: false })?.isFile() ? place : join(place, file)))
    .find((file) => existsSync(file));
  if (config === undefined) {
    throw usageError(`Cannot find a wrangler project: ${place} has no wrangler configuration`);
  }
  const folder = dirname(config);
  const read = await configReader(folder);
  let databases: Config["d1_databases"];
  try {
    databases = read({ config }, { hideWarnings: true }).d1_databases;
  } catch (cause) {
    const [reason = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    throw usageError(`Cannot read ${config}: ${reason}`);
  }
  const persisted = new LocalState("");
  return {
    folder,
    config,
    databases: databases.map((entry) => ({
      name: entry.database_name ?? entry.binding,
      binding: entry.binding,
      localFile: join(
        folder,
        ".wrangler",
        persisted.databaseFile(entry.preview_database_id ?? entry.database_id ?? entry.binding),
      ),
    })),
  };
}

/**
 * The database of a name or binding.
 *
 * @throws {CommandError} exit 10
 */
export function databaseNamed({ config, databases }: WranglerProject, name: string): ProjectDatabase {
  const found =
    databases.find((database) => database.name === name) ?? databases.find((database) => database.binding === name);
  if (found !== undefined) return found;
  const names = databases.map((database) => database.name).join(", ");
  throw new CommandError(`Cannot find D1 database "${name}": ${config} does not name it`, {
    exit: EXIT.notFound,
    hint: names === "" ? "It names no D1 database at all." : `It names ${names}.`,
  });
}

/** wrangler's reader: the project's own wrangler knows its configuration best. */
async function configReader(folder: string): Promise<typeof import("wrangler").unstable_readConfig> {
  let own: string | null = null;
  try {
    own = createRequire(join(resolve(folder), "package.json")).resolve("wrangler");
  } catch {
    // The project has none of its own.
  }
  try {
    const { unstable_readConfig }: typeof import("wrangler") =
      own === null ? await import("wrangler") : await import(pathToFileURL(own).href);
    return unstable_readConfig;
  } catch (cause) {
    throw new CommandError(`Cannot read the wrangler project ${folder}: there is no wrangler to read it with`, {
      hint: "Run npm install --save-dev wrangler in it.",
      cause,
    });
  }
}
