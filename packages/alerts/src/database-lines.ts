import { amount, bytes, count, duration, moment } from "@patina/core/wording";
import type { DatabaseReport, Report } from "./report.ts";

/** One line about a database. Plain text: each channel escapes it, and sets the label off, in its own way. */
export interface Line {
  readonly label: string | null;
  readonly text: string;
}

/** Failed ones first, then those that are still under way, then the good ones; otherwise as they were. */
export function failuresFirst(databases: readonly DatabaseReport[]): DatabaseReport[] {
  const order = { failed: 0, waiting: 1, succeeded: 2 };
  return [...databases].sort((a, b) => order[a.state] - order[b.state]);
}

/** What an alert says about one of its databases. */
export function linesOf(database: DatabaseReport, { event, now }: Pick<Report, "event" | "now">): Line[] {
  switch (event.kind) {
    case "run-missed":
    case "verify-mismatch":
    case "drill-failed":
    case "restored":
    case "restore-failed":
    case "dead-letter":
      return [lastGood(database, now)];
    case "recovered":
      return [plain(`after ${runs(database.failures)}${since(database)}`), plain(facts(database))];
    case "size-deviated":
      return [plain(deviation(database)), plain(facts(database))];
    case "daily-summary":
      return database.state === "failed" ? failure(database, now) : [lastGood(database, now)];
    default:
      if (database.state === "failed") return failure(database, now);
      if (database.state === "waiting") return [plain("Not finished yet.")];
      return [plain(facts(database)), ...database.warnings.map((warning) => ({ label: "Warning", text: warning }))];
  }
}

function failure(database: DatabaseReport, now: number): Line[] {
  const { error, attempts, failures } = database;
  const tried = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  return [
    ...(error === null ? [plain(`Failed after ${tried}.`)] : [plain(error.message), plain(`${error.code}, ${tried}`)]),
    lastGood(database, now),
    ...(failures > 1 ? [{ label: "Failing", text: `${runs(failures)}${since(database)}` }] : []),
    ...(error === null ? [] : [{ label: "Next", text: error.next }]),
  ];
}

function lastGood({ lastGood: good }: DatabaseReport, now: number): Line {
  if (good === null) return { label: "Last good backup", text: "there is none yet" };
  return { label: "Last good backup", text: `${moment(good.at)}, ${duration(now - good.at)} old (${good.key})` };
}

function facts({ rows, storedBytes, durationMs, consistency }: DatabaseReport): string {
  return `${amount(rows ?? 0, "row")} · ${bytes(storedBytes ?? 0)} · ${duration(durationMs ?? 0)} · ${consistency}`;
}

function deviation({ rawBytes, baselineBytes }: DatabaseReport): string {
  const size = rawBytes ?? 0;
  const baseline = baselineBytes ?? 0;
  const share = baseline === 0 ? "" : ` (${size > baseline ? "+" : "−"}${percent(size, baseline)} %)`;
  return `${bytes(size)} of SQL against ${bytes(baseline)}, the median of the good ones before it${share}`;
}

function percent(size: number, baseline: number): string {
  return count(Math.round((Math.abs(size - baseline) / baseline) * 100));
}

function runs(failures: number): string {
  return failures === 1 ? "1 failed run" : `${count(failures)} failed runs`;
}

function since({ failingSince }: DatabaseReport): string {
  return failingSince === null ? "" : ` since ${moment(failingSince)}`;
}

function plain(text: string): Line {
  return { label: null, text };
}
