import type { Command } from "commander";
import * as v from "valibot";
import { ApiClient } from "../api/client.ts";
import { exitOfJob, follow } from "../api/follow.ts";
import { resultsTable } from "../local/results-table.ts";
import { note, printData, printJson } from "../output/print.ts";
import { type CommonOptions, command } from "./command.ts";

interface TriggerOptions extends CommonOptions {
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
  return command("trigger", "Ask a deployment for a backup now, of one database or of all")
    .argument("[database]", "the database; every enabled one when absent")
    .option("--reason <text>", "why, for the job's record")
    .option("--wait", "follow the job to its end; exit code 3 when a database failed")
    .action(async (database: string | undefined, options: TriggerOptions) => {
      process.exitCode = await trigger(database, options);
    });
}

async function trigger(database: string | undefined, { reason, wait, json }: TriggerOptions): Promise<number> {
  const api = ApiClient.of(process.env);
  const body = { ...(database === undefined ? {} : { database }), ...(reason === undefined ? {} : { reason }) };
  const answer = await api.post("/trigger", { body, schema: Triggered });
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
  else printData(resultsTable(job));
  return exitOfJob(job);
}
