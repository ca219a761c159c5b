import { Command } from "commander";
import { API_HELP, ApiClient } from "../api/client.ts";
import type { BackupSource } from "../backups/backup.ts";
import { openSource, SOURCE_HELP } from "../backups/open-source.ts";

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: true;
}

export interface ApiOptions extends CommonOptions {
  readonly api?: string;
}

export interface SourceOptions extends ApiOptions {
  readonly source?: string;
}

/** A command with the options that every command has. */
export function command(name: string, description: string): Command {
  return new Command(name).description(description).option("--json", "print one JSON document");
}

/** A command that asks a running Patina. */
export function apiCommand(name: string, description: string): Command {
  return command(name, description).option("--api <url>", API_HELP);
}

/** The Patina that the options name. */
export function apiOf({ api }: ApiOptions): ApiClient {
  return ApiClient.of(process.env, api);
}

/** A command that reads backups from wherever they are. */
export function sourceCommand(name: string, description: string): Command {
  return apiCommand(name, description).option("--source <place>", SOURCE_HELP);
}

/** Opens the source that the options name, when it is first needed. */
export function sourceOf(options: SourceOptions): () => Promise<BackupSource> {
  let opened: Promise<BackupSource> | null = null;
  return () => {
    opened ??= openSource(options, process.env);
    return opened;
  };
}
