import { amount, bytes, count } from "@patina/core/wording";
import type { Command } from "commander";
import * as v from "valibot";
import { databaseMeant } from "../api/databases.ts";
import { usageError } from "../failure.ts";
import { note, printData, printJson, tone } from "../output/print.ts";
import { type Column, table } from "../output/table.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";

interface PruneOptions extends ApiOptions {
  readonly dryRun?: true;
  readonly database?: string;
  readonly all?: true;
}

const Entry = v.object({
  key: v.string(),
  kind: v.string(),
  database: v.nullable(v.string()),
  date: v.nullable(v.string()),
  finished_at: v.string(),
  bytes: v.number(),
  decision: v.picklist(["keep", "remove"]),
  reason: v.string(),
  to_copy_out: v.number(),
});
type Entry = v.InferOutput<typeof Entry>;

const Page = v.object({
  as_of: v.string(),
  doubt: v.nullable(v.string()),
  entries: v.array(Entry),
  next_cursor: v.nullable(v.string()),
});

/** `patina prune --dry-run`: what the next prune would do, and why. */
export function pruneCommand(): Command {
  return apiCommand("prune", "Show what the next prune would remove, and why")
    .option("--dry-run", "only show it; Patina prunes by itself after each night")
    .option("--database <name>", "only of this database, by its name or the beginning of it")
    .option("--all", "also what stays")
    .action(async (options: PruneOptions) => {
      if (!options.dryRun) {
        throw usageError("Cannot prune by hand: Patina does it after each night", "patina prune --dry-run");
      }
      await preview(options);
    });
}

async function preview(options: PruneOptions): Promise<void> {
  const api = apiOf(options);
  const query = new URLSearchParams({ limit: "100", ...(options.all ? {} : { decision: "remove" }) });
  if (options.database !== undefined) query.set("database", (await databaseMeant(api, options.database)).name);
  const entries: Entry[] = [];
  let doubt: string | null = null;
  let asOf = "";
  for await (const page of api.pages(`/retention/preview?${query}`, Page)) {
    entries.push(...page.entries);
    doubt = page.doubt;
    asOf = page.as_of;
  }
  if (options.json) printJson({ as_of: asOf, doubt, entries });
  else if (entries.length > 0) printData(table(entries, COLUMNS));
  if (doubt !== null) note(`Nothing would be removed: ${doubt.replace(/^nothing is removed: /, "")}.`);
  const going = entries.filter(({ decision }) => decision === "remove");
  const rescued = going.reduce((sum, { to_copy_out }) => sum + to_copy_out, 0);
  const copies = rescued === 0 ? "" : ` ${amount(rescued, "backup")} would be copied out of archives first.`;
  const freed = bytes(going.reduce((sum, entry) => sum + entry.bytes, 0));
  note(`${amount(going.length, "object")} would be removed, ${freed}.${copies}`);
}

const COLUMNS: readonly Column<Entry>[] = [
  {
    head: "decision",
    value: ({ decision }) => decision,
    show: ({ decision }) => tone(decision === "remove" ? "warn" : "good", decision),
  },
  { head: "key", value: ({ key }) => key },
  { head: "size", value: (entry) => entry.bytes, show: (entry) => bytes(entry.bytes) },
  {
    head: "copied out",
    value: ({ to_copy_out }) => to_copy_out,
    show: ({ to_copy_out }) => (to_copy_out === 0 ? "-" : count(to_copy_out)),
  },
  { head: "reason", value: ({ reason }) => reason },
];
