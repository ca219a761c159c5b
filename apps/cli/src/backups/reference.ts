import { existsSync } from "node:fs";
import { type BackupRef, parseKey } from "@patina/archive/keys";
import { isDate, isWrittenAsDate } from "@patina/core/date";
import { choose } from "../choice.ts";
import { CommandError, EXIT, usageError } from "../failure.ts";
import type { Backup, BackupSource } from "./backup.ts";
import { fileBackup, isDumpFile } from "./file-backup.ts";

/** Which backup somebody means: a database and the beginning of a date or of a job's id. */
interface Reference {
  /** Null for the only database there is. */
  readonly database: string | null;
  readonly at: "latest" | string;
}

export const REFERENCE_HELP =
  "a database, database@latest, database@2026-11-20, database@manual-20261120..., or a file";

/** `shop` with `--date` or `--backup` is `shop@...`. */
export function referenceOf(argument: string, { date, backup }: { date?: string; backup?: string }): string {
  const at = [date, backup].filter((value) => value !== undefined);
  if (at.length === 0) return argument;
  if (at.length > 1 || argument.includes("@")) {
    throw usageError("Cannot tell which backup is meant: it is named twice", "Name it once: shop@2026-11-20.");
  }
  return `${argument}@${at[0]}`;
}

/** `shop`, `latest`, `shop@latest`, `shop@2026-11-20`, `shop@manual-20261120-15`, or an object's key. */
function parseReference(text: string): Reference {
  const ref = refOfKey(text);
  if (ref !== null) return { database: ref.database, at: ref.kind === "daily" ? ref.date : ref.job };
  if (text === "latest") return { database: null, at: "latest" };
  const [database = "", at = "latest", ...more] = text.split("@");
  if (more.length > 0 || database === "" || at === "") {
    throw usageError(`Cannot tell which backup "${text}" is`, `A backup is ${REFERENCE_HELP}.`);
  }
  if (isWrittenAsDate(at) && !isDate(at)) {
    throw usageError(`Cannot tell which backup "${text}" is: there is no such date`, "A date is written 2026-11-20.");
  }
  // No database's name has these.
  if (/[./\\]/.test(database)) {
    if (!existsSync(text)) throw new CommandError(`Cannot find a file ${text}`, { exit: EXIT.notFound });
    throw usageError(`Cannot tell which backup "${text}" is`, "A backup that is a file is a .sql.gz.");
  }
  return { database, at };
}

function refOfKey(text: string): BackupRef | null {
  const parsed = parseKey(text) ?? parseKey(`${text}.sql.gz`);
  return parsed === null ? null : parsed.ref;
}

/**
 * Finds the one backup that an argument means: a file, or a backup of the source.
 *
 * @param source opened only when the argument names no file
 * @throws {CommandError} exit 10 when there is none, exit 2 when there are several
 */
export async function findBackup(argument: string, source: () => Promise<BackupSource>): Promise<Backup> {
  if (isDumpFile(argument)) return fileBackup(argument);
  const reference = parseReference(argument);
  const opened = await source();
  const database = reference.database ?? (await onlyDatabase(opened));
  const found = await candidates(opened, { database, at: reference.at });
  if (found !== null) return found;
  const names = await databasesOf(opened);
  if (!names.includes(database) && names.some((name) => name.startsWith(database))) {
    const other = await candidates(opened, {
      database: choose(database, { names, thing: "database" }),
      at: reference.at,
    });
    if (other !== null) return other;
  }
  const what = reference.at === "latest" ? `of "${database}"` : `"${database}@${reference.at}"`;
  throw new CommandError(`Cannot find a backup ${what}: ${opened.label} has none`, {
    exit: EXIT.notFound,
    hint: names.includes(database) ? `patina list ${database}` : hintOf(names),
  });
}

function hintOf(names: readonly string[]): string {
  if (names.length === 0) return "Another --source: this one has no backups at all.";
  const some = names.slice(0, 10).join(", ");
  return `One of the databases there: ${some}${names.length > 10 ? ` and ${names.length - 10} more` : ""}.`;
}

async function onlyDatabase(source: BackupSource): Promise<string> {
  const names = await databasesOf(source);
  const [first] = names;
  if (first !== undefined && names.length === 1) return first;
  if (first === undefined) {
    throw new CommandError(`Cannot find a backup: ${source.label} has none`, { exit: EXIT.notFound });
  }
  throw usageError("Cannot tell which database is meant", hintOf(names));
}

/**
 * The database that somebody means by its name or the beginning of it, among those that have a backup.
 *
 * @throws {CommandError} exit 10 when there is none, exit 2 when there are several
 */
export async function databaseIn(source: BackupSource, typed: string): Promise<string> {
  for await (const { database } of source.find({ database: typed })) return database;
  return choose(typed, { names: await databasesOf(source), thing: "database" });
}

/** The databases that have a backup there. */
async function databasesOf(source: BackupSource): Promise<string[]> {
  if (source.databases !== undefined) return (await source.databases()).sort();
  const names = new Set<string>();
  for await (const { database } of source.find({})) names.add(database);
  return [...names].sort();
}

/** What a reference means among the backups of one database, or null. */
async function candidates(
  source: BackupSource,
  { database, at }: { database: string; at: string },
): Promise<Backup | null> {
  if (at === "latest") return await newest(source, database);
  if (isDate(at)) {
    for await (const backup of source.find({ database, since: at, until: at })) return backup;
    return null;
  }
  const matches: Backup[] = [];
  for await (const backup of source.find({ database, ...daysOf(at) })) {
    if (backup.id === `${database}@${at}`) return backup;
    if (backup.id.startsWith(`${database}@${at}`)) matches.push(backup);
  }
  const [first] = matches;
  if (first === undefined || matches.length === 1) return first ?? null;
  const some = matches.slice(0, 5).map(({ id }) => id);
  throw usageError(`Cannot tell which backup "${database}@${at}" is: ${matches.length} begin so`, some.join(", "));
}

/** The dates that the beginning of a job's id leaves, so that not every date is looked at. */
function daysOf(at: string): { since?: string; until?: string } {
  const [, year, month, day] = /^manual-(\d{4})(\d{2})(\d{2})/.exec(at) ?? [];
  const date = `${year}-${month}-${day}`;
  return isDate(date) ? { since: date, until: date } : {};
}

/** Of the newest date the backup that was begun last: a manual one may be older or newer than the nightly. */
async function newest(source: BackupSource, database: string): Promise<Backup | null> {
  const found: Backup[] = [];
  for await (const backup of source.find({ database })) {
    if (found[0] !== undefined && backup.date !== found[0].date) break;
    found.push(backup);
  }
  const [first = null] = found;
  if (found.length < 2) return first;
  const begun = await Promise.all(found.map(async (backup) => (await backup.manifest())?.startedAt ?? ""));
  return found[begun.indexOf(begun.toSorted().at(-1) ?? "")] ?? first;
}
