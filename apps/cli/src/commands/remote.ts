import { isDate } from "@patina/core/date";
import { amount, bytes, count, duration } from "@patina/core/wording";
import type { ApiClient } from "../api/client.ts";
import { databaseMeant } from "../api/databases.ts";
import { type DrillView, drillOf, startDrills } from "../api/drills.ts";
import { untilEnded } from "../api/patiently.ts";
import { startVerify, type VerifyRun, verifyRunOf } from "../api/verify-runs.ts";
import { EXIT, usageError } from "../failure.ts";
import { note, printData, printJson, tone } from "../output/print.ts";
import { StatusLine } from "../output/status-line.ts";
import { type Column, table } from "../output/table.ts";
import { VERDICT_TONES } from "../output/verdict-tones.ts";
import { apiOf, type SourceOptions } from "./command.ts";

/** What verify and drill do on the server instead of here: nothing is downloaded. */

export interface RemoteOptions extends SourceOptions {
  readonly remote?: true;
  readonly wait?: true;
}

/** What is meant by `shop`, `shop@2026-11-20` or nothing at all: the server knows no more than database and date. */
async function subjectOf(api: ApiClient, typed: string | undefined): Promise<{ database?: string; date?: string }> {
  if (typed === undefined) return {};
  const [word = "", at = "latest", ...more] = typed.split("@");
  if (more.length > 0 || (at !== "latest" && !isDate(at))) {
    throw usageError(
      `Cannot tell the server which backup "${typed}" is`,
      "Name a database and a date: shop@2026-11-20.",
    );
  }
  const { name } = await databaseMeant(api, word);
  return at === "latest" ? { database: name } : { database: name, date: at };
}

/** @throws {CommandError} exit 2 when there is nothing to wait for */
export function checkWait({ remote, wait }: RemoteOptions): void {
  if (wait && !remote) throw usageError("Cannot wait for what is done here", "--wait goes with --remote.");
}

function checkRemote({ source }: RemoteOptions): void {
  if (source === undefined || /^https?:/.test(source)) return;
  throw usageError("Cannot do that on the server: --source names another place", "Leave out --source, or --remote.");
}

/** Starts verifications on the server; with `--wait` to their end. */
export async function verifyRemotely(typed: readonly string[], options: RemoteOptions): Promise<number> {
  checkRemote(options);
  const api = apiOf(options);
  const runs: VerifyRun[] = [];
  for (const word of typed.length === 0 ? [undefined] : typed) {
    runs.push(await startVerify(api, await subjectOf(api, word)));
  }
  if (!options.wait) return started(runs, options);
  const ended: VerifyRun[] = [];
  for (const { id } of runs) ended.push(await followVerify(api, id));
  return tellVerify(ended, options);
}

export async function followVerify(api: ApiClient, id: string): Promise<VerifyRun> {
  const line = new StatusLine();
  const show = ({ checked, total, bytes: read }: VerifyRun) =>
    line.show(`Verifying: ${count(checked)}${total === null ? "" : ` of ${count(total)}`}, ${bytes(read)} read`);
  const hasEnded = ({ state }: VerifyRun) => state === "done";
  const later = `patina status ${id}`;
  return await untilEnded(() => verifyRunOf(api, id), { hasEnded, show, later }).finally(() => line.end());
}

export function tellVerify(runs: readonly VerifyRun[], { json }: RemoteOptions): number {
  if (json) printJson({ runs });
  else printData(table(runs, RUNS));
  const findings = runs.flatMap((run) => run.findings);
  for (const { key, damage } of findings) note(`${key}: ${damage}.`);
  return runs.some(({ damaged }) => damaged > 0) ? EXIT.findings : EXIT.ok;
}

const RUNS: readonly Column<VerifyRun>[] = [
  { head: "verification", value: ({ id }) => id },
  { head: "of", value: ({ database, date }) => [database, date].filter((part) => part !== null).join("@") || "all" },
  { head: "state", value: ({ state }) => state },
  { head: "checked", value: ({ checked }) => checked, show: ({ checked }) => count(checked) },
  {
    head: "damaged",
    value: ({ damaged }) => damaged,
    show: ({ damaged }) => tone(damaged > 0 ? "bad" : "good", count(damaged)),
  },
  { head: "read", value: (run) => run.bytes, show: (run) => bytes(run.bytes) },
];

/** Starts drills on the server; with `--wait` to their end. */
export async function drillRemotely(typed: string | undefined, options: RemoteOptions): Promise<number> {
  checkRemote(options);
  const api = apiOf(options);
  const { drills, opened, already_running, without_backup } = await startDrills(api, await subjectOf(api, typed));
  for (const { database, drill } of already_running) note(`${database} is being drilled already, in ${drill}.`);
  if (without_backup.length > 0) note(`Without any backup: ${without_backup.join(", ")}.`);
  if (opened > drills.length) note(`${amount(opened - drills.length, "drill")} more were begun.`);
  const ids = [...drills.map(({ id }) => ({ id })), ...already_running.map(({ drill }) => ({ id: drill }))];
  if (!options.wait) return started(ids, options);
  const ended: DrillView[] = [];
  for (const { id } of ids) ended.push(await followDrill(api, id));
  return tellDrills(ended, options);
}

export async function followDrill(api: ApiClient, id: string): Promise<DrillView> {
  const line = new StatusLine();
  const show = ({ database, state }: DrillView) => line.show(`Drilling ${database}: ${state}`);
  const hasEnded = ({ state }: DrillView) => state === "done";
  const later = `patina status ${id}`;
  return await untilEnded(() => drillOf(api, id), { hasEnded, show, later }).finally(() => line.end());
}

export function tellDrills(drills: readonly DrillView[], { json }: RemoteOptions): number {
  if (json) printJson({ drills });
  else printData(table(drills, DRILLS));
  return drills.some(({ verdict }) => verdict === "failed") ? EXIT.findings : EXIT.ok;
}

const DRILLS: readonly Column<DrillView>[] = [
  { head: "drill", value: ({ id }) => id },
  { head: "database", value: ({ database }) => database },
  { head: "date", value: ({ date }) => date ?? "-" },
  {
    head: "verdict",
    value: ({ verdict, state }) => verdict ?? state,
    show: ({ verdict, state }) => (verdict === null ? state : tone(VERDICT_TONES[verdict], verdict)),
  },
  { head: "rows", value: ({ rows }) => rows ?? "-", show: ({ rows }) => (rows === null ? "-" : count(rows)) },
  {
    head: "restored in",
    value: ({ restore_ms }) => restore_ms ?? "-",
    show: ({ restore_ms }) => (restore_ms === null ? "-" : duration(restore_ms)),
  },
  { head: "reason", value: ({ reason }) => reason ?? "" },
];

/** What runs now, by its id; patina status shows it later. */
function started(runs: readonly { readonly id: string }[], { json }: RemoteOptions): number {
  if (json) printJson({ started: runs.map(({ id }) => id) });
  else if (runs.length > 0) printData(runs.map(({ id }) => id).join("\n"));
  const [first] = runs;
  if (first !== undefined) note(`patina status ${first.id} --watch follows it.`);
  return EXIT.ok;
}
