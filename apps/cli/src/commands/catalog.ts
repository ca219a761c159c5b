import { amount, count } from "@patina/core/wording";
import { Command } from "commander";
import * as v from "valibot";
import type { ApiClient } from "../api/client.ts";
import { untilEnded } from "../api/patiently.ts";
import { EXIT } from "../failure.ts";
import { facts } from "../output/facts.ts";
import { note, printData, printJson } from "../output/print.ts";
import { StatusLine } from "../output/status-line.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";

const Counts = v.object({ backups: v.number(), archives: v.number(), archived_backups: v.number() });

const Rebuild = v.object({
  id: v.string(),
  state: v.picklist(["running", "done", "failed"]),
  phase: v.string(),
  started_at: v.string(),
  finished_at: v.nullable(v.string()),
  error: v.nullable(v.string()),
  found: v.object({ ...Counts.entries, receipts: v.number() }),
  added: v.object({ ...Counts.entries, drills: v.number(), databases: v.number() }),
  skipped: v.number(),
  skipped_objects: v.array(v.object({ key: v.string(), reason: v.string() })),
});
type Rebuild = v.InferOutput<typeof Rebuild>;

const Progress = v.object({
  rebuild: v.nullable(Rebuild),
  removals_held: v.nullable(v.string()),
  not_in_bucket: v.array(v.string()),
});
type Progress = v.InferOutput<typeof Progress>;

/** `patina catalog`: what Patina knows, made again from the bucket. */
export function catalogCommand(): Command {
  const catalog = new Command("catalog").description("Rebuild the catalog from the bucket, after its loss");
  catalog.addCommand(rebuildCommand());
  catalog.addCommand(statusCommand());
  return catalog;
}

interface RebuildOptions extends ApiOptions {
  readonly wait?: true;
}

function rebuildCommand(): Command {
  return apiCommand("rebuild", "Add what the bucket has and the catalog does not; what it knows stays as it is")
    .option("--wait", "follow it to its end; exit code 3 when objects were skipped, 1 when it failed")
    .action(async (options: RebuildOptions) => {
      const api = apiOf(options);
      const Started = v.object({ ...Progress.entries, started: v.boolean() });
      const { started, ...begun } = await api.send("POST", "/catalog/rebuild", { schema: Started });
      if (!started) note(`${begun.rebuild?.id ?? "A rebuild"} runs already.`);
      const progress = options.wait ? await follow(api) : begun;
      process.exitCode = tell(progress, options);
      if (!options.wait) note("patina catalog status shows how far it came.");
    });
}

function statusCommand(): Command {
  return apiCommand("status", "Show the rebuild that was begun last, and how far it came").action(
    async (options: ApiOptions) => {
      process.exitCode = tell(await apiOf(options).get("/catalog/rebuild", Progress), options);
    },
  );
}

async function follow(api: ApiClient): Promise<Progress> {
  const line = new StatusLine();
  const show = ({ rebuild }: Progress) => {
    if (rebuild !== null) line.show(`Rebuilding: ${rebuild.phase}, ${amount(rebuild.found.backups, "backup")} found`);
  };
  const hasEnded = ({ rebuild }: Progress) => rebuild?.state !== "running";
  const later = "patina catalog status";
  const ask = () => api.get("/catalog/rebuild", Progress);
  return await untilEnded(ask, { hasEnded, show, later }).finally(() => line.end());
}

function tell(progress: Progress, { json }: ApiOptions): number {
  const { rebuild, removals_held, not_in_bucket } = progress;
  if (json) printJson(progress);
  else if (rebuild !== null) printData(describe(rebuild));
  if (rebuild === null) note("The catalog was never rebuilt.");
  for (const { key, reason } of rebuild?.skipped_objects ?? []) note(`Skipped ${key}: ${reason}.`);
  if (removals_held !== null)
    note(`Nothing is removed from the bucket for now: ${removals_held.replace(/^nothing is removed: /, "")}.`);
  if (rebuild?.state === "done")
    for (const what of not_in_bucket) note(`Not in the bucket: ${what.replace(/\.$/, "")}.`);
  if (rebuild?.state === "failed") return EXIT.error;
  return (rebuild?.skipped ?? 0) > 0 ? EXIT.partly : EXIT.ok;
}

function describe({ id, state, phase, started_at, finished_at, error, found, added, skipped }: Rebuild): string {
  const both = (name: keyof typeof added & keyof typeof found) =>
    `${count(found[name])} found, ${count(added[name])} added`;
  return facts([
    ["rebuild", id],
    ["state", state === "running" ? `running: ${phase}` : state],
    ["started", started_at],
    ...(finished_at === null ? [] : [["finished", finished_at] as const]),
    ["backups", both("backups")],
    ["archives", both("archives")],
    ["in archives", both("archived_backups")],
    ["databases", `${count(added.databases)} added`],
    ["drills", `${count(added.drills)} added`],
    ["skipped", count(skipped)],
    ...(error === null ? [] : [["error", error] as const]),
  ]);
}
