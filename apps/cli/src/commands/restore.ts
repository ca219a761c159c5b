import { accessSync, constants, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { findBackup, REFERENCE_HELP, referenceOf } from "../backups/reference.ts";
import { EXIT, usageError } from "../failure.ts";
import { note, printData, printJson } from "../output/print.ts";
import { ProgressLine } from "../output/progress-line.ts";
import { checkConfirmable } from "../restore/confirm.ts";
import { type Content, contentOf } from "../restore/content.ts";
import { MAX_IMPORT_BYTES } from "../restore/d1-parts.ts";
import { EMERGENCY_FOLDER } from "../restore/emergency.ts";
import { describeOutcome, exitOf, type Outcome, outcomeJson } from "../restore/outcome.ts";
import { describePlan, planJson, planOf } from "../restore/plan.ts";
import { audience, endOf, FailedRestore, reportRestore } from "../restore/report.ts";
import { rowsDone } from "../restore/rows-done.ts";
import { checkRoom, checkSpace } from "../restore/space.ts";
import { checkLogs } from "../restore/sqlite-file.ts";
import { nameOf, parseTarget, TARGET_HELP, type Target } from "../restore/target.ts";
import { checkFree, checkImportable, occupants, restoreToD1 } from "../restore/to-d1.ts";
import { findLocalD1 } from "../restore/to-local-d1.ts";
import { checkAbsent, restoreToSqlite } from "../restore/to-sqlite.ts";
import { writeToFile, writeToStdout } from "../restore/to-text.ts";
import { INTEGRITY_CHECKS, type IntegrityCheck } from "../restore/verdict.ts";
import { RemoteD1 } from "../wrangler/remote-d1.ts";
import { wranglerOf } from "../wrangler/wrangler.ts";
import { type SourceOptions, sourceCommand, sourceOf } from "./command.ts";
import { collect, date, place } from "./values.ts";

interface RestoreOptions extends SourceOptions {
  readonly to: string;
  readonly date?: string;
  readonly backup?: string;
  readonly table: string[];
  readonly dryRun?: true;
  readonly replace?: true;
  readonly yes?: true;
  readonly emergency: string;
  readonly project: string;
  readonly check: IntegrityCheck;
  readonly d1Form?: true;
  readonly partSize?: number;
  readonly report: boolean;
}

/** `patina restore`: a backup, or some of its tables, to where it is wanted; proven afterwards. */
export function restoreCommand(): Command {
  return sourceCommand("restore", "Restore a backup, or some of its tables, and prove that it is exact")
    .argument("<backup>", REFERENCE_HELP)
    .argument(
      "[which]",
      "latest, a date or the beginning of a job's id, where the backup is named by its database alone",
    )
    .requiredOption("--to <target>", TARGET_HELP)
    .option("--date <date>", "the backup of this date, such as 2026-11-20", date)
    .option("--backup <id>", "the backup of this job, or the beginning of its id")
    .option("--table <name>", "only this table, with its indexes and triggers (repeatable)", collect, [])
    .option("--dry-run", "say what would be done, and do nothing")
    .option("--replace", "replace what is there, after an emergency backup of it")
    .option("--yes", "replace without asking")
    .option("--emergency <folder>", "where the emergency backup goes", place, EMERGENCY_FOLDER)
    .option("--project <folder>", "the wrangler project of a D1 target", place, ".")
    .addOption(
      new Option("--check <how>", "how SQLite itself checks the result").choices(INTEGRITY_CHECKS).default("full"),
    )
    .option("--part-size <MB>", "for D1: import in parts of at most so many megabytes", megabytes)
    .option("--d1-form", "for SQL text: as D1's import takes it, without the lines of the transaction")
    .option("--no-report", "do not tell the deployment's channels of it")
    .action(async (argument: string, which: string | undefined, options: RestoreOptions) => {
      const named = which === undefined ? argument : referenceOf(argument, { backup: which });
      process.exitCode = await restore(named, options);
    });
}

function megabytes(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= 1 && number <= 5_000) return number;
  throw new InvalidArgumentError("A part has 1 to 5000 megabytes.");
}

async function restore(argument: string, options: RestoreOptions): Promise<number> {
  const target = parseTarget(options.to);
  const backup = await findBackup(referenceOf(argument, options), sourceOf(options));
  const content = await contentOf(backup, options.table);
  for (const warning of content.manifest?.warnings ?? []) note(`Note on ${backup.id}: ${warning}.`);
  switch (target.kind) {
    case "stdout":
    case "sql":
      return await restoreText(content, { target, options });
    case "sqlite": {
      const path = resolve(target.path);
      return await restoreFile(content, { path, target, options, isFree: false });
    }
    case "local-d1": {
      const { path, isEmpty } = await findLocalD1(options.project, target.name);
      return await restoreFile(content, { path, target, options, isFree: isEmpty });
    }
    case "d1":
      return await restoreRemote(content, { target, options });
  }
}

async function restoreText(
  content: Content,
  { target, options }: { target: Extract<Target, { kind: "stdout" | "sql" }>; options: RestoreOptions },
): Promise<number> {
  const form = options.d1Form ? "d1" : "plain";
  const where = target.kind === "stdout" ? "standard output" : resolve(target.path);
  if (options.json && target.kind === "stdout") {
    throw usageError("Cannot print SQL and JSON at once", "Restore to a file: --to shop.sql --json");
  }
  if (target.kind === "sql") checkAbsent(resolve(target.path), { replace: false });
  const file = target.kind === "sql" ? resolve(target.path) : null;
  if (options.dryRun) return printPlan(content, { target: where, file, options, steps: [`Write the SQL to ${where}`] });
  if (file !== null && content.bytes !== null) {
    checkRoom(dirname(file), { required: content.bytes, what: "restore" });
  }
  if (form === "d1" && (content.bytes ?? 0) > MAX_IMPORT_BYTES) {
    note("D1 takes 5 GB of SQL at once, and this is more. --to d1:<name> --part-size 2000 imports it in parts.");
  }
  const progress = new ProgressLine(`Restoring ${content.backup.id}`, { total: content.bytes });
  const onProgress = (done: number) => progress.show(done, rowsDone(content, done));
  const bytes = await (file === null
    ? writeToStdout(content, { form, onProgress })
    : writeToFile(content, { form, path: file, onProgress })
  ).finally(() => progress.end());
  if (options.json) printJson({ backup: content.backup.id, target: where, bytes });
  else note(`Wrote ${content.backup.id} to ${where}: ${bytes} bytes of SQL.`);
  return EXIT.ok;
}

async function restoreFile(
  content: Content,
  context: { path: string; target: Target; options: RestoreOptions; isFree: boolean },
): Promise<number> {
  const { path, target, options, isFree } = context;
  const replace = options.replace === true;
  if (!isFree) checkAbsent(path, { replace });
  checkLogs(path);
  const space = content.bytes === null ? null : checkSpace(dirname(path), content.bytes);
  if (space !== null) note(`${space}.`);
  if (options.dryRun) return printPlan(content, { target: path, file: path, options, steps: stepsOf(context) });
  const isAgreed = options.yes === true || isFree;
  if (existsSync(path)) {
    accessSync(path, constants.W_OK);
    checkConfirmable(nameOf(target), { isAgreed, verb: "replace" });
  }
  const begun = Date.now();
  const progress = new ProgressLine(`Restoring ${content.backup.id}`, { total: content.bytes });
  const outcome = await reporting({ content, target, options }, () =>
    restoreToSqlite({
      content,
      path,
      name: nameOf(target),
      check: options.check,
      isAgreed,
      emergencyFolder: isFree ? null : resolve(options.emergency),
      onProgress: (done) => progress.show(done, rowsDone(content, done)),
    }).finally(() => progress.end()),
  );
  return tell(outcome, { content, ms: Date.now() - begun, options });
}

async function restoreRemote(
  content: Content,
  { target, options }: { target: Extract<Target, { kind: "d1" }>; options: RestoreOptions },
): Promise<number> {
  const { name } = target;
  const partBytes = options.partSize === undefined ? null : options.partSize * 1_000_000;
  checkImportable(content, { partBytes });
  if (content.bytes !== null) checkSpace(tmpdir(), Math.min(content.bytes, partBytes ?? content.bytes) * 2);
  const database = new RemoteD1(wranglerOf(options.project), name);
  const held = await occupants(database, content);
  if (!options.replace) checkFree(database, held);
  const replaces = held.length > 0;
  const isAgreed = options.yes === true;
  if (options.dryRun) {
    const steps = [
      ...(replaces ? [`Back up what D1 database ${name} holds now into ${resolve(options.emergency)}`] : []),
      ...(replaces && !isAgreed ? ["Ask for its name"] : []),
      `Import the SQL with wrangler${partBytes === null ? "" : `, in parts of at most ${options.partSize} MB`}`,
      "Read every table back and compare it with the backup",
    ];
    return printPlan(content, { target: `D1 database ${name}`, file: null, options, steps });
  }
  if (replaces) checkConfirmable(name, { isAgreed, verb: "replace" });
  const begun = Date.now();
  const progress = new ProgressLine(`Writing ${content.backup.id}`, { total: content.bytes });
  const request = {
    content,
    database,
    partBytes,
    isAgreed,
    emergencyFolder: resolve(options.emergency),
    onProgress: (done: number) => progress.show(done, rowsDone(content, done)),
  };
  const outcome = await reporting({ content, target, options }, () =>
    restoreToD1(request, { replaces }).finally(() => progress.end()),
  );
  return tell(outcome, { content, ms: Date.now() - begun, options });
}

/** Restores, and tells the deployment's channels how that ended, where one is named. */
async function reporting(
  { content, target, options }: { content: Content; target: Target; options: RestoreOptions },
  restoring: () => Promise<Outcome>,
): Promise<Outcome> {
  // First: what is missing to tell anybody is to be known before anything is changed.
  const api = options.report ? audience(process.env, options.api) : null;
  try {
    const outcome = await restoring();
    if (api !== null) await reportRestore(api, { content, target, end: endOf(outcome) });
    return outcome;
  } catch (error) {
    if (!(error instanceof FailedRestore)) throw error;
    const end = { verdict: "failed", finding: error.message, isReplaced: true } as const;
    if (api !== null) await reportRestore(api, { content, target, end });
    throw error;
  }
}

function stepsOf({ path, options, isFree }: { path: string; options: RestoreOptions; isFree: boolean }): string[] {
  const what = options.table.length === 0 ? "everything" : `only ${options.table.join(", ")}`;
  if (!options.replace || isFree) {
    return [
      `Make ${path}.partial with ${what}`,
      "Compare every table with the backup and let SQLite check it",
      `Call it ${path}`,
    ];
  }
  return [
    `Back up what ${path} holds now into ${resolve(options.emergency)}`,
    ...(options.yes ? [] : ["Ask for its name"]),
    `Replace ${what}, in one transaction, once it has been compared with the backup`,
  ];
}

function printPlan(
  content: Content,
  { target, file, options, steps }: { target: string; file: string | null; options: RestoreOptions; steps: string[] },
): number {
  const plan = planOf(content, { target, file, steps });
  if (options.json) printJson(planJson(plan));
  else printData(describePlan(plan));
  note("Nothing was done: this is a dry run.");
  return EXIT.ok;
}

function tell(outcome: Outcome, done: { content: Content; ms: number; options: RestoreOptions }): number {
  if (done.options.json) printJson(outcomeJson(outcome, done));
  else printData(describeOutcome(outcome, done));
  return exitOf(outcome);
}
