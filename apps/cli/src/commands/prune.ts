import { amount, bytes, count } from "@patina/core/wording";
import type { Command } from "commander";
import * as v from "valibot";
import type { ApiClient } from "../api/client.ts";
import { databaseMeant } from "../api/databases.ts";
import { untilEnded } from "../api/patiently.ts";
import { EXIT, usageError } from "../failure.ts";
import { note, printData, printJson } from "../output/print.ts";
import { StatusLine } from "../output/status-line.ts";
import { noteSum, previewOf, printEntries } from "../retention/preview.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";

interface PruneOptions extends ApiOptions {
  readonly dryRun?: true;
  readonly database?: string;
  readonly all?: true;
  readonly wait?: true;
}

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
  const found = await previewOf(api, {
    ...(options.all ? {} : { decision: "remove" }),
    ...(options.database === undefined ? {} : { database: (await databaseMeant(api, options.database)).name }),
  });
  if (options.json) printJson(found);
  else printEntries(found);
  noteSum(found);
}
