import { PRIORITIES } from "@patina/core/job";
import { STANDINGS } from "@patina/core/standing";
import { amount, bytes, duration } from "@patina/core/wording";
import { Command, Option } from "commander";
import * as v from "valibot";
import { DatabaseView, databaseMeant, databasesOf } from "../api/databases.ts";
import { EXIT, usageError } from "../failure.ts";
import { ago } from "../output/ago.ts";
import { facts } from "../output/facts.ts";
import { note, printData, printJson, type Tone, tone } from "../output/print.ts";
import { type Column, table } from "../output/table.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";
import { discoverCommand } from "./discover.ts";
import { size } from "./values.ts";

/** `patina databases`: the registry of a running Patina. */
export function databasesCommand(): Command {
  const databases = new Command("databases").description("Look at the registry, change it, and find what it lacks");
  databases.addCommand(listCommand());
  databases.addCommand(showCommand());
  databases.addCommand(addCommand());
  databases.addCommand(changeCommand());
  databases.addCommand(scheduleCommand("pause", "Take databases out of the schedule; their backups stay"));
  databases.addCommand(scheduleCommand("resume", "Put paused databases back into the schedule"));
  databases.addCommand(discoverCommand());
  return databases;
}

const NAME_HELP = "a database, or the beginning of its name";

interface ListOptions extends ApiOptions {
  readonly standing?: string;
}

function listCommand(): Command {
  return apiCommand("list", "List the databases and how they stand; exit code 4 when one is failing or overdue")
    .addOption(new Option("--standing <standing>", "only those that stand so").choices(STANDINGS))
    .action(async (options: ListOptions) => {
      const filter = options.standing === undefined ? {} : { standing: options.standing };
      const found = await databasesOf(apiOf(options), filter);
      if (options.json) printJson({ databases: found });
      else if (found.length > 0) printData(table(found, COLUMNS));
      note(found.length === 0 ? "There are no such databases." : `${amount(found.length, "database")}.`);
      if (found.some(({ standing }) => standing === "failing" || standing === "overdue")) {
        process.exitCode = EXIT.findings;
      }
    });
}

const TONES: Readonly<Record<string, Tone>> = {
  failing: "bad",
  overdue: "bad",
  fuzzy: "warn",
  waiting: "warn",
  good: "good",
  paused: "quiet",
};

function standingOf({ standing }: DatabaseView): string {
  return tone(TONES[standing] ?? "strong", standing);
}

const COLUMNS: readonly Column<DatabaseView>[] = [
  { head: "database", value: ({ name }) => name },
  { head: "standing", value: ({ standing }) => standing, show: standingOf },
  { head: "priority", value: ({ priority }) => priority },
  ago("last good", ({ last_good }) => last_good?.at ?? null),
  {
    head: "stored",
    value: ({ last_good }) => last_good?.stored_bytes ?? "-",
    show: ({ last_good }) => (last_good === null ? "-" : bytes(last_good.stored_bytes)),
  },
  { head: "failures", value: ({ failures_since }) => failures_since },
  { head: "owner", value: ({ owner }) => owner },
  { head: "description", value: ({ description }) => description },
];

function showCommand(): Command {
  return apiCommand("show", "Show one database of the registry, and how it stands")
    .argument("<database>", NAME_HELP)
    .action(async (typed: string, options: ApiOptions) => {
      const database = await databaseMeant(apiOf(options), typed);
      if (options.json) printJson(database);
      else printData(describe(database));
    });
}

function describe(database: DatabaseView): string {
  const { last_good: good, last_failure: failure } = database;
  return facts([
    ["database", `${database.name} (${database.environment})`],
    ["standing", standingOf(database)],
    ["description", database.description === "" ? "-" : database.description],
    ["priority", database.priority],
    ["D1", `${database.d1_id ?? "id unknown"}, binding ${database.binding}`],
    ["described by", database.owner === "registry" ? "the registry file" : "the API"],
    [
      "last good",
      good === null
        ? "never"
        : `${good.at} in ${good.job}: ${good.consistency}, ${bytes(good.stored_bytes)}, ${duration(good.duration_ms)}`,
    ],
    ["failures", `${database.failures_since} since then`],
    ...(failure === null
      ? []
      : [["last failure", `${failure.at} in ${failure.job}: ${failure.error?.message ?? "no reason given"}`] as const]),
    ...(database.blocked_reason === null ? [] : [["blocked", database.blocked_reason] as const]),
  ]);
}

interface DescribedOptions extends ApiOptions {
  readonly description?: string;
  readonly priority?: string;
  readonly d1Id?: string;
  readonly estimatedSize?: number;
}

/** A command that says something of a database. */
function describing(name: string, description: string): Command {
  return apiCommand(name, description)
    .option("--description <text>", "for people")
    .addOption(new Option("--priority <priority>", "its place in the night").choices(PRIORITIES))
    .option("--d1-id <id>", "its id at Cloudflare, from wrangler d1 list")
    .option("--estimated-size <size>", "such as 50MB, where it helps to plan", size);
}

function bodyOf({ description, priority, d1Id, estimatedSize }: DescribedOptions) {
  return {
    ...(description === undefined ? {} : { description }),
    ...(priority === undefined ? {} : { priority }),
    ...(d1Id === undefined ? {} : { d1_id: d1Id }),
    ...(estimatedSize === undefined ? {} : { estimated_bytes: estimatedSize }),
  };
}

interface AddOptions extends DescribedOptions {
  readonly binding?: string;
  readonly environment?: string;
  readonly dryRun?: true;
}

const Check = v.object({ check: v.string(), ok: v.boolean(), detail: v.string() });
type Check = v.InferOutput<typeof Check>;

const Added = v.object({
  added: v.boolean(),
  preflight: v.array(Check),
  database: v.nullable(DatabaseView),
  first_run: v.string(),
});

function addCommand(): Command {
  return describing("add", "Add a database that an exporter has a binding for")
    .argument("<name>", "what to call it")
    .option("--binding <name>", "the exporter's binding; DB_ and the name when absent")
    .option("--environment <name>", "such as staging; the deployment's own when absent")
    .option("--dry-run", "only report what stands against it; exit code 4 when something does")
    .action(async (name: string, options: AddOptions) => {
      process.exitCode = await add(name, options);
    });
}

async function add(name: string, options: AddOptions): Promise<number> {
  const { binding, environment, dryRun } = options;
  const body = {
    name,
    ...bodyOf(options),
    ...(binding === undefined ? {} : { binding }),
    ...(environment === undefined ? {} : { environment }),
  };
  const path = `/databases${dryRun ? "?dry_run=true" : ""}`;
  const answer = await apiOf(options).send("POST", path, { body, schema: Added });
  if (options.json) printJson(answer);
  else printData(table(answer.preflight, CHECKS));
  if (answer.added) {
    note(`Added ${name}: its first backup is made at ${answer.first_run}. patina trigger ${name} makes one now.`);
  } else note("Nothing was done: this is a dry run.");
  return answer.preflight.every(({ ok }) => ok) ? EXIT.ok : EXIT.findings;
}

const CHECKS: readonly Column<Check>[] = [
  { head: "check", value: ({ check }) => check },
  {
    head: "end",
    value: ({ ok }) => (ok ? "passed" : "failed"),
    show: ({ ok }) => (ok ? tone("good", "passed") : tone("bad", "failed")),
  },
  { head: "detail", value: ({ detail }) => detail },
];

function changeCommand(): Command {
  return describing("change", "Change what is said of a database that the API describes")
    .argument("<database>", NAME_HELP)
    .action(async (typed: string, options: DescribedOptions) => {
      const body = bodyOf(options);
      if (Object.keys(body).length === 0) {
        throw usageError(`Cannot change "${typed}": nothing was said`, "Give an option, such as --priority critical.");
      }
      const api = apiOf(options);
      const { name } = await databaseMeant(api, typed);
      const changed = await api.send("PATCH", `/databases/${name}`, { body, schema: DatabaseView });
      if (options.json) printJson(changed);
      else printData(describe(changed));
    });
}

interface ScheduleOptions extends ApiOptions {
  readonly reason?: string;
}

function scheduleCommand(verb: "pause" | "resume", description: string): Command {
  return apiCommand(verb, description)
    .argument("<databases...>", NAME_HELP)
    .option("--reason <text>", "why, for the audit log")
    .action(async (typed: string[], options: ScheduleOptions) => {
      const api = apiOf(options);
      const names = new Set<string>();
      for (const word of typed) names.add((await databaseMeant(api, word)).name);
      const body = options.reason === undefined ? {} : { reason: options.reason };
      const changed: DatabaseView[] = [];
      for (const name of names) {
        changed.push(await api.send("POST", `/databases/${name}/${verb}`, { body, schema: DatabaseView }));
      }
      if (options.json) printJson({ databases: changed });
      else printData(table(changed, COLUMNS));
      note(`${[...names].join(", ")} ${verb === "pause" ? "paused: no more backups are made" : "resumed"}.`);
    });
}
