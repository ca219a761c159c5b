import addCompletion from "@bomb.sh/tab/commander";
import { VERSION } from "@patina/core/version";
import { Command } from "commander";
import { alertsCommand } from "./commands/alerts.ts";
import { archiveCommand } from "./commands/archive.ts";
import { catalogCommand } from "./commands/catalog.ts";
import { databasesCommand } from "./commands/databases.ts";
import { deadLettersCommand } from "./commands/dead-letters.ts";
import { diffCommand } from "./commands/diff.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { downloadCommand } from "./commands/download.ts";
import { drillCommand } from "./commands/drill.ts";
import { dumpCommand } from "./commands/dump.ts";
import { listCommand } from "./commands/list.ts";
import { pruneCommand } from "./commands/prune.ts";
import { queryCommand } from "./commands/query.ts";
import { restoreCommand } from "./commands/restore.ts";
import { retentionCommand } from "./commands/retention.ts";
import { showCommand } from "./commands/show.ts";
import { statusCommand } from "./commands/status.ts";
import { triggerCommand } from "./commands/trigger.ts";
import { upCommand } from "./commands/up.ts";
import { verifyCommand } from "./commands/verify.ts";
import { usageError, wrongUse } from "./failure.ts";

/** The command with everything below it. */
export function program(): Command {
  const root = new Command("patina")
    .description("Exact, proven backups of Cloudflare D1 databases")
    .version(VERSION)
    .showSuggestionAfterError()
    .addHelpText(
      "after",
      "\nExit codes: docs/reference/exit-codes.md. PATINA_URL, PATINA_TOKEN and PATINA_SOURCE are read.",
    );
  for (const make of COMMANDS) root.addCommand(make());
  // Last: it looks at every command that is there.
  addCompletion(root, { completionCommandName: "completion" });
  return strict(root);
}

const COMMANDS = [
  upCommand,
  dumpCommand,
  listCommand,
  showCommand,
  downloadCommand,
  verifyCommand,
  restoreCommand,
  drillCommand,
  queryCommand,
  diffCommand,
  archiveCommand,
  triggerCommand,
  statusCommand,
  databasesCommand,
  deadLettersCommand,
  alertsCommand,
  retentionCommand,
  pruneCommand,
  catalogCommand,
  doctorCommand,
];

/** Wrong use ends in an error of its own exit code, said like every other, in every subcommand. */
function strict(command: Command, path = "patina"): Command {
  const typed = command.name() === "patina" ? path : `${path} ${command.name()}`;
  command.configureOutput({ outputError: () => undefined }).exitOverride((error) => {
    throw wrongUse(error, typed);
  });
  // Commander looks for what is missing first, and would not say that it is there, misspelt.
  const required = command.options.filter(({ mandatory }) => mandatory);
  for (const option of required) option.makeOptionMandatory(false);
  command.hook("preAction", () => {
    const missing = required.find((option) => command.getOptionValue(option.attributeName()) === undefined);
    if (missing === undefined) return;
    throw usageError(`Cannot run ${typed}: required option '${missing.flags}' not specified`, `${typed} --help`);
  });
  for (const below of command.commands) strict(below, typed);
  return command;
}
