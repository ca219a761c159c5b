#!/usr/bin/env node
import { VERSION } from "@patina/core/version";
import { Command, CommanderError } from "commander";
import { upCommand } from "./commands/up.ts";
import { CommandError, EXIT } from "./failure.ts";

/** Ends the process with the exit code that the failure has, after one clear sentence. */
async function main(): Promise<void> {
  const program = new Command("patina")
    .description("Exact, proven backups of Cloudflare D1 databases")
    .version(VERSION)
    // Before any subcommand, which inherits it: wrong use must exit with 2.
    .exitOverride()
    .showSuggestionAfterError();
  program.addCommand(upCommand().exitOverride());
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = explain(error);
  }
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    const isHelp = error.code === "commander.helpDisplayed" || error.code === "commander.version";
    return isHelp || error.code === "commander.help" ? EXIT.ok : EXIT.usage;
  }
  if (error instanceof CommandError) {
    process.stderr.write(`${error.message}.\n`);
    if (error.hint !== null) process.stderr.write(`Try: ${error.hint}\n`);
    return error.exit;
  }
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`Patina failed, and that is its own fault: ${reason}\n`);
  return EXIT.error;
}

await main();
