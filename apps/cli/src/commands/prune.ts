import { amount, bytes, count } from "@patina/core/wording";
import type { Command } from "commander";
import * as v from "valibot";
import type { ApiClient } from "../api/client.ts";
import { databaseMeant } from "../api/databases.ts";
import { untilEnded } from "../api/patiently.ts";
import { EXIT, usageError } from "../failure.ts";
import { note, printData, printJson, tone } from "../output/print.ts";
import { StatusLine } from "../output/status-line.ts";
import { type Column, table } from "../output/table.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";

interface PruneOptions extends ApiOptions {
  readonly dryRun?: true;
  readonly database?: string;
  readonly all?: true;
  readonly wait?: true;
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

const Prune = v.object({
  id: v.string(),
  state: v.picklist(["running", "done", "failed"]),
  doubt: v.nullable(v.string()),
  error: v.nullable(v.string()),
  kept: v.number(),
  removed: v.number(),
  removed_bytes: v.number(),
  rescued: v.number(),
});
type Prune = v.InferOutput<typeof Prune>;

/** `patina prune`: removes what retention no longer keeps, now instead of after the next night, or shows what would go. */
export function pruneCommand(): Command {
  return apiCommand("prune", "Remove what retention no longer keeps; Patina does it by itself after each night")
    .option("--dry-run", "only show what would go, and why")
    .option("--database <name>", "with --dry-run: only of this database, by its name or the beginning of it")
    .option("--all", "with --dry-run: also what stays")
    .option("--wait", "follow the prune to its end")
    .action(async (options: PruneOptions) => {
      if (options.dryRun) return await preview(options);
      if (options.database !== undefined || options.all) {
        throw usageError("A prune is of everything that is stored", "patina prune --dry-run --database <name>");
      }
      process.exitCode = await prune(options);
    });
}

async function prune(options: PruneOptions): Promise<number> {
  const api = apiOf(options);
  const Started = v.object({ prune: Prune, started: v.boolean() });
  const { prune: begun, started } = await api.send("POST", "/prune", { body: {}, schema: Started });
  if (!started) note(`${begun.id} runs already.`);
  const found = options.wait ? await follow(api, begun.id) : begun;
  if (options.json) printJson({ prune: found });
  else if (options.wait) printData(sentenceOf(found));
  else note(`${found.id} has begun. What it did will be on the dashboard, and at /prunes/${found.id}.`);
  return found.state === "failed" ? EXIT.error : EXIT.ok;
}

async function follow(api: ApiClient, id: string): Promise<Prune> {
  const line = new StatusLine();
  const Found = v.object({ prune: Prune });
  const ask = async () => (await api.get(`/prunes/${id}?limit=1`, Found)).prune;
  const show = ({ removed }: Prune) => line.show(`Pruning: ${amount(removed, "object")} removed`);
  const hasEnded = ({ state }: Prune) => state !== "running";
  return await untilEnded(ask, { hasEnded, show, later: "patina prune --dry-run" }).finally(() => line.end());
}

function sentenceOf({ id, state, doubt, error, kept, removed, removed_bytes: freed, rescued }: Prune): string {
  if (state === "failed") return `${id} failed: ${error ?? "nobody noted why"}. The next one decides anew.`;
  if (doubt !== null) return `${id} removed nothing: ${doubt.replace(/^nothing is removed: /, "")}.`;
  const copies = rescued === 0 ? "" : ` ${amount(rescued, "backup")} copied out of archives first.`;
  return `${id} removed ${amount(removed, "object")}, ${bytes(freed)}, and kept ${count(kept)}.${copies}`;
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
