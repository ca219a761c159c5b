import { existsSync, statSync } from "node:fs";
import { PatinaError } from "@patina/core/error";
import { amount } from "@patina/core/wording";
import type { Command } from "commander";
import * as v from "valibot";
import { ApiClient } from "../api/client.ts";
import { databaseMeant, databasesOf } from "../api/databases.ts";
import { type AccountNames, examineAccount } from "../doctor/account.ts";
import { FINDING_COLUMNS, type Finding } from "../doctor/finding.ts";
import {
  costOf,
  describePreflight,
  isFlawed,
  type PreflightView,
  preflightOf,
  preflightOfFile,
} from "../doctor/preflight.ts";
import { CommandError, EXIT, explain, usageError } from "../failure.ts";
import { note, printData, printJson } from "../output/print.ts";
import { table } from "../output/table.ts";
import { type Wrangler, wranglerOf } from "../wrangler/wrangler.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";
import { place } from "./values.ts";

interface DoctorOptions extends ApiOptions {
  readonly project: string;
  readonly bucket: string;
  readonly catalog: string;
}

/** `patina doctor`: what is missing in a deployment, or what a backup of one database will be like. */
export function doctorCommand(): Command {
  return apiCommand("doctor", "Look for what is missing in a deployment, or at one database before its backup")
    .argument("[database]", "a SQLite file, or a database of the deployment; the deployment itself when absent")
    .option("--project <folder>", "where wrangler is", place, ".")
    .option("--bucket <name>", "the bucket of the deployment", "patina-backups")
    .option("--catalog <name>", "the catalog of the deployment", "patina-catalog")
    .action(async (database: string | undefined, options: DoctorOptions) => {
      process.exitCode = database === undefined ? await examine(options) : await look(database, options);
    });
}

async function look(database: string, options: DoctorOptions): Promise<number> {
  if (existsSync(database) && statSync(database).isFile()) {
    return tellPreflight(await preflightOfFile(database), { lastMs: null, options });
  }
  if (/[./\\]/.test(database)) {
    throw new CommandError(`Cannot find a file ${database}`, { exit: EXIT.notFound });
  }
  const api = apiOf(options);
  const { name, last_good } = await databaseMeant(api, database);
  return tellPreflight(await preflightOf(api, name), { lastMs: last_good?.duration_ms ?? null, options });
}

function tellPreflight(
  view: PreflightView,
  { lastMs, options }: { lastMs: number | null; options: DoctorOptions },
): number {
  if (options.json) printJson({ ...view, last_duration_ms: lastMs, cost_dollars: costOf(view) });
  else printData(describePreflight(view, lastMs));
  return isFlawed(view) ? EXIT.findings : EXIT.ok;
}

async function examine(options: DoctorOptions): Promise<number> {
  const api = ApiClient.isKnown(process.env) || options.api !== undefined ? apiOf(options) : null;
  const wrangler = wranglerAtHand(options.project);
  if (api === null && wrangler === null) {
    throw usageError(
      "Cannot look at a deployment: neither its API nor wrangler is at hand",
      "Set PATINA_URL and PATINA_TOKEN, or run it where wrangler is installed (--project).",
    );
  }
  const seen = api === null ? null : await examineApi(api);
  const names: AccountNames = { bucket: options.bucket, catalog: options.catalog, sources: seen?.sources ?? null };
  const account = wrangler === null ? [NO_WRANGLER] : await examineAccount(wrangler, { names, onProgress });
  const findings = [...account, ...(seen?.findings ?? [NO_API])];
  return tell(findings, options);
}

function tell(findings: readonly Finding[], { json }: DoctorOptions): number {
  const bad = findings.filter(({ end }) => end === "bad").length;
  if (json) printJson({ bad, findings });
  else printData(table(findings, FINDING_COLUMNS));
  for (const { end, name, next } of findings) if (end !== "good" && next !== null) note(`${name}: ${next}`);
  const isWhole = findings.every(({ end }) => end !== "unknown");
  const none = isWhole ? "Nothing is missing." : "Nothing is missing in what could be looked at.";
  note(bad === 0 ? none : `${amount(bad, "thing")} missing or wrong.`);
  return bad === 0 ? EXIT.ok : EXIT.findings;
}

function onProgress(done: number, all: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done === all ? "\r\u001B[2K" : `\rAsking wrangler: ${done} of ${all}`);
}

function wranglerAtHand(project: string): Wrangler | null {
  try {
    return wranglerOf(project);
  } catch (error) {
    if (error instanceof CommandError) return null;
    throw error;
  }
}

const NO_WRANGLER: Finding = {
  subject: "account",
  name: "wrangler",
  end: "unknown",
  detail: "there is no wrangler here: the account is not looked at",
  next: "npm install --save-dev wrangler, or name a project that has it with --project.",
};

const NO_API: Finding = {
  subject: "api",
  name: "PATINA_URL",
  end: "unknown",
  detail: "nobody has said where the API is: schedules and secrets are not looked at",
  next: "Set PATINA_URL and PATINA_TOKEN.",
};

const Answer = v.object({
  findings: v.array(
    v.object({
      subject: v.string(),
      name: v.string(),
      end: v.picklist(["good", "warning", "bad"]),
      detail: v.string(),
      next: v.nullable(v.string()),
    }),
  ),
});

/** What the deployment says of itself, and which databases it is to reach; when it says nothing, that is the finding. */
async function examineApi(api: ApiClient): Promise<{ findings: Finding[]; sources: string[] | null }> {
  const what = { subject: "api", name: api.url };
  try {
    const { findings } = await api.get("/doctor", Answer);
    const sources = (await databasesOf(api)).filter(({ enabled }) => enabled).map(({ binding }) => binding);
    return { findings: [{ ...what, end: "good", detail: "it answers", next: null }, ...findings], sources };
  } catch (error) {
    if (!(error instanceof CommandError) && !(error instanceof PatinaError)) throw error;
    const { message, hint } = explain(error);
    const detail = message.replace(/^Cannot /, "cannot ");
    return { findings: [{ ...what, end: "bad", detail, next: hint }], sources: null };
  }
}
