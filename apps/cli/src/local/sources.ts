import { existsSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { bindingOf, DATABASE_NAME_RULE, isDatabaseName, type Priority } from "@patina/core/job";
import { usageError } from "../failure.ts";
import { makeFolder } from "../files/new-folder.ts";
import { buildSample, SAMPLES } from "../samples/samples.ts";
import { readProject } from "../wrangler/project.ts";

/** A database that the local run backs up, and the SQLite file it comes from. */
export interface LocalSource {
  readonly name: string;
  readonly binding: string;
  readonly priority: Priority;
  readonly description: string;
  /** Makes sure that the file is there; null when it is not and cannot be. */
  readonly file: () => string | null;
}

/** The six databases that a run without arguments backs up. They are built again each time, always the same. */
export function sampleSources(folder: string): LocalSource[] {
  return SAMPLES.map((sample) => ({
    name: sample.name,
    binding: bindingOf(sample.name),
    priority: sample.priority,
    description: sample.description,
    file() {
      const path = join(folder, `${sample.name}.sqlite`);
      makeFolder(folder);
      if (!existsSync(path)) buildSample(sample, path);
      return path;
    },
  }));
}

/**
 * A database named on the command line as `name=path`, or as `path` alone, which names it after the file.
 *
 * @throws {CommandError} exit 2 for a name that cannot be used and for a file that is not there
 */
export function fileSource(argument: string): LocalSource {
  const [, given, path = ""] = /^(?:([^=/]*)=)?([\s\S]*)$/.exec(argument) ?? [];
  const name =
    given ??
    basename(path)
      .replace(/\.(sqlite3?|db3?)$/i, "")
      .toLowerCase();
  if (!isDatabaseName(name)) {
    throw usageError(
      `Cannot name a database "${name}": a name is ${DATABASE_NAME_RULE}`,
      `Give it a name: --database shop=${path || "./shop.sqlite"}`,
    );
  }
  if (path === "") {
    throw usageError(`Cannot find database "${name}": no file is named`, `--database ${name}=./${name}.sqlite`);
  }
  const file = resolve(path);
  if (!existsSync(file)) throw usageError(`Cannot find database "${name}": there is no file ${path}`);
  if (!statSync(file).isFile()) throw usageError(`Cannot use database "${name}": ${path} is not a file`);
  return { name, binding: bindingOf(name), priority: "normal", description: "", file: () => file };
}

/**
 * The local D1 databases of a wrangler project.
 *
 * @throws {CommandError} exit 2 when there is no project, or it has no D1 database
 */
export async function wranglerSources(place: string): Promise<LocalSource[]> {
  const project = await readProject(place);
  if (project.databases.length === 0) throw usageError(`Cannot find a database: ${project.config} has no d1_databases`);
  return project.databases.map(({ name: given, localFile }) => {
    const name = given.toLowerCase();
    if (!isDatabaseName(name)) throw usageError(`Cannot use database "${name}": a name is ${DATABASE_NAME_RULE}`);
    return {
      name,
      binding: bindingOf(name),
      priority: "normal",
      description: `Local D1 of ${basename(resolve(project.folder))}`,
      file: () => (existsSync(localFile) ? localFile : null),
    };
  });
}

/**
 * Checks that no two databases would be one.
 *
 * @throws {CommandError} exit 2
 */
export function checkDistinct(sources: readonly LocalSource[]): void {
  const byBinding = new Map<string, string>();
  for (const { name, binding } of sources) {
    const other = byBinding.get(binding);
    if (other === name) throw usageError(`Cannot use the name "${name}" twice: each database needs one of its own`);
    if (other !== undefined) {
      throw usageError(`Cannot use the names "${other}" and "${name}": they differ only in - and _`);
    }
    byBinding.set(binding, name);
  }
}
