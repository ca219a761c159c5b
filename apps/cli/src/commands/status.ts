import { setTimeout as pause } from "node:timers/promises";
import { amount, duration } from "@patina/core/wording";
import type { Command } from "commander";
import * as v from "valibot";
import type { ApiClient } from "../api/client.ts";
import { drillOf } from "../api/drills.ts";
import { exitOfJob, follow } from "../api/follow.ts";
import { jobMeant, jobOf } from "../api/jobs.ts";
import { verifyRunOf } from "../api/verify-runs.ts";
import { CommandError, EXIT } from "../failure.ts";
import { printResults } from "../local/results-table.ts";
import { LiveText } from "../output/live-text.ts";
import { isTerminal, note, printData, printJson, tone } from "../output/print.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";
import { followDrill, followVerify, tellDrills, tellVerify } from "./remote.ts";

interface StatusOptions extends ApiOptions {
  readonly watch?: true;
}

const Job = v.object({
  id: v.string(),
  kind: v.string(),
  status: v.picklist(["running", "completed", "failed"]),
  started_at: v.string(),
  finished_at: v.nullable(v.string()),
  databases: v.number(),
  succeeded: v.number(),
  failed: v.number(),
});

const Status = v.looseObject({
  now: v.string(),
  databases: v.number(),
  active_jobs: v.array(v.looseObject({ ...Job.entries, progress: v.record(v.string(), v.number()) })),
  last_completed: v.nullable(v.looseObject(Job.entries)),
  needs_attention: v.array(
    v.looseObject({
      database: v.string(),
      standing: v.string(),
      failures_since: v.number(),
      last_good: v.nullable(v.looseObject({ at: v.string() })),
    }),
  ),
  next_scheduled: v.array(v.object({ kind: v.string(), cron: v.string(), at: v.string() })),
});
type Status = v.InferOutput<typeof Status>;

/** How often a watched deployment is asked. */
const WATCH_MS = 2_000;

/** `patina status`: what runs, what ran last, what comes next; or one job. */
export function statusCommand(): Command {
  return apiCommand("status", "Show what a deployment does, or one of its jobs; exit code 4 when something is wrong")
    .argument("[job]", "a job's id or the beginning of one, latest, or the id of a verification or a drill")
    .option("--watch", "go on: a job to its end, everything until Ctrl-C")
    .action(async (job: string | undefined, options: StatusOptions) => {
      const api = apiOf(options);
      process.exitCode = job === undefined ? await everything(api, options) : await one(api, { job, options });
    });
}

async function one(api: ApiClient, { job: typed, options }: { job: string; options: StatusOptions }): Promise<number> {
  if (typed.startsWith("verify-")) {
    return tellVerify([options.watch ? await followVerify(api, typed) : await verifyRunOf(api, typed)], options);
  }
  if (typed.startsWith("drill-")) {
    return tellDrills([options.watch ? await followDrill(api, typed) : await drillOf(api, typed)], options);
  }
  const id = await jobMeant(api, typed);
  const job = options.watch ? await follow(api, id) : await jobOf(api, id);
  if (options.json) printJson(job);
  else printResults(job);
  return exitOfJob(job);
}

async function everything(api: ApiClient, { watch, json }: StatusOptions): Promise<number> {
  const status = await api.get("/status", Status);
  if (watch) return await watchFrom(status, { api, isJson: json === true });
  if (json) printJson(status);
  else printData(describe(status));
  return isWrong(status) ? EXIT.findings : EXIT.ok;
}

/** Shows what a deployment does until Ctrl-C: on a terminal all the time, elsewhere when something has changed. */
async function watchFrom(first: Status, { api, isJson }: { api: ApiClient; isJson: boolean }): Promise<never> {
  const live = new LiveText();
  let isSilent = false;
  for (let [status, last] = [first, ""]; ; ) {
    const { now: _, ...facts } = status;
    if (JSON.stringify(facts) !== last || (isTerminal() && !isJson)) {
      if (isJson) printData(JSON.stringify(status));
      else live.show(describe(status));
    }
    last = JSON.stringify(facts);
    await pause(WATCH_MS);
    try {
      status = await api.get("/status", Status);
      isSilent = false;
    } catch (error) {
      if (!(error instanceof CommandError) || error.exit !== EXIT.unreachable) throw error;
      if (!isSilent) note(`${error.message}. It is asked again until it answers.`);
      isSilent = true;
    }
  }
}

function isWrong({ last_completed, needs_attention }: Status): boolean {
  return last_completed?.status === "failed" || needs_attention.length > 0;
}

function describe({ now, databases, active_jobs, last_completed, needs_attention, next_scheduled }: Status): string {
  const at = Date.parse(now);
  return [
    `${databases} ${databases === 1 ? "database" : "databases"}`,
    ...active_jobs.map(({ id, databases: all, progress, started_at }) => {
      const ended = (progress["done"] ?? 0) + (progress["failed"] ?? 0);
      return `Running  ${id}: ${ended} of ${all} done, for ${duration(at - Date.parse(started_at))}`;
    }),
    ...(last_completed === null ? ["Last     nothing has run yet"] : [`Last     ${ended(last_completed, at)}`]),
    ...needs_attention.map(({ database, standing, failures_since, last_good }) => {
      const good = last_good === null ? "never backed up" : `last good ${duration(at - Date.parse(last_good.at))} ago`;
      const since = failures_since === 0 ? "" : `, ${amount(failures_since, "failure")} since`;
      return tone("bad", `Look at  ${database}: ${standing}, ${good}${since}`);
    }),
    ...next_scheduled.map((next) => `Next     ${next.kind} at ${next.at}, in ${duration(Date.parse(next.at) - at)}`),
  ].join("\n");
}

function ended(job: v.InferOutput<typeof Job>, now: number): string {
  const ago = duration(now - Date.parse(job.finished_at ?? job.started_at));
  return `${job.id}: ${howOf(job)}, ${ago} ago`;
}

function howOf({ kind, status, databases, succeeded, failed }: v.InferOutput<typeof Job>): string {
  if (kind === "weekly")
    return `${amount(succeeded, "backup")} archived${status === "failed" ? ", and some missing" : ""}`;
  return status === "failed" ? `${failed} of ${databases} failed` : `all ${databases} backed up`;
}
