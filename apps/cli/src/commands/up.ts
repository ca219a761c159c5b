import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { CRONS, nextRun } from "@patina/core/schedule";
import { duration } from "@patina/core/wording";
import { Command, InvalidArgumentError } from "commander";
import * as v from "valibot";
import { EXIT } from "../failure.ts";
import { startCrons } from "../local/crons.ts";
import { backUpEarlierNights } from "../local/earlier-nights.ts";
import { JobView } from "../local/job-view.ts";
import { mirror } from "../local/mirror.ts";
import type { LocalPatina } from "../local/patina.ts";
import { checkPort } from "../local/port.ts";
import { Progress } from "../local/progress.ts";
import { printResults } from "../local/results-table.ts";
import { checkDistinct, fileSource, type LocalSource, sampleSources, wranglerSources } from "../local/sources.ts";
import { LocalState } from "../local/state.ts";
import { printJson } from "../output/print.ts";
import { collect, place } from "./values.ts";

interface UpOptions {
  readonly database: string[];
  readonly wrangler?: string;
  readonly once?: true;
  readonly out?: string;
  readonly state: string;
  readonly fresh?: true;
  readonly port: number;
  readonly json?: true;
}

/** `patina up`: all of Patina on this machine, a backup now, then the API and the crons until Ctrl-C. */
export function upCommand(): Command {
  return new Command("up")
    .description("Run all of Patina on this machine and back up databases, the six samples unless you name others")
    .option("--database <name=file>", "back up a SQLite file, which may be in use (repeatable)", collect, [])
    .option("--wrangler <folder>", "back up the local D1 databases of a wrangler project", place)
    .option("--once", "stop when the backup has ended")
    .option("--out <folder>", "copy the stored objects into a folder as well", place)
    .option("--state <folder>", "where everything is kept", place, ".patina")
    .option("--fresh", "forget earlier runs first")
    .option("--port <number>", "where the API listens; 0 takes a free port", port, 8787)
    .option("--json", "print the results as JSON")
    .action(async (options: UpOptions) => {
      process.exitCode = await up(options);
    });
}

function port(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number <= 65_535) return number;
  throw new InvalidArgumentError("A port is a number from 0 to 65535.");
}

async function up(options: UpOptions): Promise<number> {
  const state = new LocalState(resolve(options.state));
  const sources = await sourcesOf(options, state);
  await checkPort(options.port);
  if (options.fresh) state.remove();

  const note = (line: string) => process.stderr.write(`${line}\n`);

  note(`Starting Patina with ${sources.length === 1 ? "1 database" : `${sources.length} databases`} ...`);
  // Loading workerd's and wrangler's tooling takes a second: not before the command line has been checked.
  const { LocalPatina } = await import("../local/patina.ts");
  const patina = await LocalPatina.start({ state, sources, port: options.port, webhooks: webhooksOf(process.env) });
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // miniflare would end the process with 130 at once; a second Ctrl-C still does.
    process.removeAllListeners(signal);
    process.once(signal, () => stopped.abort());
  }
  try {
    const { job: id, earlier } = await patina.begin(Date.now());
    if (earlier !== null) note(`Today's ${earlier.id} has ${earlier.status} already; this is a manual job.`);
    note(`Job ${id}`);
    const job = await follow(patina, { id, signal: stopped.signal });
    if (job === null) return EXIT.interrupted;
    if (options.out !== undefined) {
      const written = await mirror(patina, resolve(options.out));
      note(`Copied ${written} objects to ${options.out}.`);
    }
    note("");
    if (options.json) printJson(job);
    else printResults(job);
    const exit = job.status === "completed" ? EXIT.ok : EXIT.partly;
    if (options.once) return exit;
    await serve(patina, { options, state, signal: stopped.signal, note });
    return exit;
  } finally {
    await patina.stop();
  }
}

async function sourcesOf(options: UpOptions, state: LocalState): Promise<LocalSource[]> {
  const named = [
    ...options.database.map(fileSource),
    ...(options.wrangler === undefined ? [] : await wranglerSources(options.wrangler)),
  ];
  const sources = named.length > 0 ? named : sampleSources(state.samples);
  checkDistinct(sources);
  return sources;
}

/** Alerts of a local run go where these say, as they would from a deployment's secrets. */
function webhooksOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ["DISCORD_WEBHOOK_URL", "ALERT_WEBHOOK_URL"]) {
    const url = env[name];
    if (url !== undefined && url !== "") found[name] = url;
  }
  return found;
}

/** Shows a job until it has ended; null when the person stopped it first. */
async function follow(
  patina: LocalPatina,
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<JobView | null> {
  const progress = new Progress(process.stderr);
  try {
    while (!signal.aborted) {
      const answer = await patina.request(`/jobs/${id}`);
      const job = v.parse(JobView, await answer.json());
      progress.show(job);
      if (job.status !== "running") return job;
      await wait(150, undefined, { signal }).catch(() => undefined);
    }
    return null;
  } finally {
    progress.end();
  }
}

async function serve(
  patina: LocalPatina,
  context: { options: UpOptions; state: LocalState; signal: AbortSignal; note: (line: string) => void },
): Promise<void> {
  const { options, state, signal, note } = context;
  const next = nextRun(CRONS.nightly, Date.now());
  note(`\nDashboard  ${(await patina.loginLink(Date.now())).href}   (lets you in once; later, log in with the token)`);
  note(`API        ${patina.url.href}`);
  note(`Token      ${patina.token}   (kept in ${join(options.state, "admin-token")})`);
  note(`Try        curl -H "Authorization: Bearer ${patina.token}" ${new URL("/status", patina.url).href}`);
  note(`Next run   ${new Date(next).toISOString()}, in ${duration(next - Date.now())}`);
  note(`Ctrl-C stops Patina; everything stays in ${options.state}.`);
  const onError = () => {
    // Ctrl-C ends the Workers under a cron that runs.
    if (!signal.aborted) note(`A cron failed: see ${state.log}`);
  };
  const stop = startCrons(patina, { onError });
  // What is due behind a first backup, such as its drill, need not wait for the next five minutes.
  void patina.fire("tick", Date.now()).catch(onError);
  const earlier = isTrial(options) ? earlierNights(patina, { state, signal, note }) : null;
  await new Promise<void>((done) => {
    if (signal.aborted) done();
    signal.addEventListener("abort", () => done());
  });
  stop();
  await earlier;
  note("\nStopping ...");
}

/** The samples, and nobody whom a month of nights would send a month of alerts. */
function isTrial({ database, wrangler }: UpOptions): boolean {
  return database.length === 0 && wrangler === undefined && Object.keys(webhooksOf(process.env)).length === 0;
}

async function earlierNights(
  patina: LocalPatina,
  { state, signal, note }: { state: LocalState; signal: AbortSignal; note: (line: string) => void },
): Promise<void> {
  const pause = () => wait(250, undefined, { signal }).catch(() => undefined);
  try {
    const run = await backUpEarlierNights(patina, { now: Date.now(), signal, pause });
    if (run > 0) note(`Backed up the samples for the ${run} nights before as well: the dashboard has their history.`);
  } catch {
    // Ctrl-C ends the Workers as well; the next start goes on where this one stopped.
    if (!signal.aborted) note(`Cannot back up the samples for the nights before: see ${state.log}`);
  }
}
