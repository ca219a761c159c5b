import type { Command } from "commander";
import * as v from "valibot";
import { databaseMeant } from "../api/databases.ts";
import { exitOfJob, follow } from "../api/follow.ts";
import { printResults } from "../local/results-table.ts";
import { note, printData, printJson } from "../output/print.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";

interface TriggerOptions extends ApiOptions {
  readonly reason?: string;
  readonly wait?: true;
}

const Triggered = v.object({
  job: v.object({ id: v.string() }),
  started: v.boolean(),
  already_running: v.array(v.object({ database: v.string(), job: v.string() })),
});

/** `patina trigger`: asks a deployment for a backup now. */
export function triggerCommand(): Command {
  return apiCommand("trigger", "Ask a deployment for a backup now, of some databases or of all")
    .argument("[databases...]", "the databases, or the beginnings of their names; every enabled one when absent")
    .option("--reason <text>", "why, for the job's record")
    .option("--wait", "follow the job to its end; exit code 3 when a database failed")
    .action(async (databases: string[], options: TriggerOptions) => {
      process.exitCode = await trigger(databases, options);
    });
}

async function trigger(typed: readonly string[], options: TriggerOptions): Promise<number> {
  const { reason, wait, json } = options;
  const api = apiOf(options);
  const names = new Set<string>();
  for (const word of typed) names.add((await databaseMeant(api, word)).name);
  const body = {
    ...(names.size === 0 ? {} : { databases: [...names] }),
    ...(reason === undefined ? {} : { reason }),
  };
  const answer = await api.send("POST", "/trigger", { body, schema: Triggered });
  for (const running of answer.already_running)
    note(`${running.database} is being backed up already, in ${running.job}.`);
  if (!wait) {
    if (json) printJson(answer);
    else printData(answer.job.id);
    note(`patina status ${answer.job.id} --watch follows it.`);
    return 0;
  }
  note(`Job ${answer.job.id}`);
  const job = await follow(api, answer.job.id);
  if (json) printJson(job);
  else printResults(job);
  return exitOfJob(job);
}
