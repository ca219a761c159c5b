import { Command } from "commander";
import type { BackupSource } from "../backups/backup.ts";
import { openSource, SOURCE_HELP } from "../backups/open-source.ts";

/** Options that every command has. */
export interface CommonOptions {
  readonly json?: true;
}

export interface SourceOptions extends CommonOptions {
  readonly source?: string;
}

/** A command with the options that every command has. */
export function command(name: string, description: string): Command {
  return new Command(name).description(description).option("--json", "print one JSON document");
}

/** A command that reads backups from wherever they are. */
export function sourceCommand(name: string, description: string): Command {
  return command(name, description).option("--source <place>", SOURCE_HELP);
}

/** Opens the source that the options name, when it is first needed. */
export function sourceOf(options: SourceOptions): () => Promise<BackupSource> {
  let opened: Promise<BackupSource> | null = null;
  return () => {
    opened ??= openSource(options.source, process.env);
    return opened;
  };
}
