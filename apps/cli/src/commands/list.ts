import type { Manifest } from "@patina/archive/manifest";
import { PatinaError } from "@patina/core/error";
import { bytes, count } from "@patina/core/wording";
import type { Command } from "commander";
import type { Backup, BackupSource } from "../backups/backup.ts";
import { databaseIn } from "../backups/reference.ts";
import { note, printData, printJson } from "../output/print.ts";
import { type Column, table } from "../output/table.ts";
import { type SourceOptions, sourceCommand, sourceOf } from "./command.ts";
import { date, limit } from "./values.ts";

interface ListOptions extends SourceOptions {
  readonly since?: string;
  readonly limit: number;
}

/** Manifests read at once. */
const AT_ONCE = 8;

/** `patina list`: the backups there are, from the newest on. */
export function listCommand(): Command {
  return sourceCommand("list", "List backups, from the newest on")
    .argument("[database]", "only of this database, by its name or the beginning of it")
    .option("--since <date>", "only from this date on, such as 2026-11-20", date)
    .option("--limit <number>", "at most so many", limit, 50)
    .action(async (database: string | undefined, options: ListOptions) => {
      const source = await sourceOf(options)();
      const filter = {
        ...(database === undefined ? {} : { database: await databaseIn(source, database) }),
        ...(options.since === undefined ? {} : { since: options.since }),
      };
      const { listed, hasMore } = await readList(source, { filter, limit: options.limit });
      if (options.json) printJson({ source: source.label, backups: listed.map(jsonOf), more: hasMore });
      else if (listed.length > 0) printData(table(listed, columnsOf(listed)));
      if (listed.length === 0) note(`There are no backups in ${source.label}.`);
      if (hasMore) note(`There are more: --limit ${Math.min(100_000, options.limit * 10)} looks further back.`);
    });
}

/** A backup with what its manifest says; null when that cannot be read. */
interface Listed {
  readonly backup: Backup;
  readonly manifest: Manifest | null;
}

async function readList(
  source: BackupSource,
  options: { filter: Parameters<BackupSource["find"]>[0]; limit: number },
): Promise<{ listed: Listed[]; hasMore: boolean }> {
  const listed: Listed[] = [];
  let pending: Backup[] = [];
  const read = async () => {
    listed.push(
      ...(await Promise.all(pending.map(async (backup) => ({ backup, manifest: await manifestOf(backup) })))),
    );
    pending = [];
  };
  for await (const backup of source.find(options.filter)) {
    if (listed.length + pending.length === options.limit) {
      await read();
      return { listed, hasMore: true };
    }
    pending.push(backup);
    if (pending.length === AT_ONCE) await read();
  }
  await read();
  return { listed, hasMore: false };
}

async function manifestOf(backup: Backup): Promise<Manifest | null> {
  try {
    return await backup.manifest();
  } catch (error) {
    if (error instanceof PatinaError && UNREADABLE.has(error.code)) return null;
    throw error;
  }
}

/** Failures of one backup, which do not keep the others from being listed. */
const UNREADABLE: ReadonlySet<string> = new Set(["manifest_invalid", "backup_damaged", "not_found"]);

const COLUMNS: readonly Column<Listed>[] = [
  { head: "backup", value: ({ backup }) => backup.id },
  { head: "started", value: ({ manifest }) => manifest?.startedAt ?? "-", show: ({ manifest }) => minute(manifest) },
  { head: "consistency", value: ({ manifest }) => manifest?.consistency ?? "manifest unreadable" },
  { head: "tables", value: ({ manifest }) => manifest?.tables.length ?? "-" },
  { head: "rows", value: ({ manifest }) => manifest?.rows ?? "-", show: shown(({ rows }) => count(rows)) },
  { head: "raw", value: ({ manifest }) => manifest?.sql.bytes ?? "-", show: shown(({ sql }) => bytes(sql.bytes)) },
  {
    head: "stored",
    value: ({ manifest }) => manifest?.object.bytes ?? "-",
    show: shown(({ object }) => bytes(object.bytes)),
  },
];

/** What a running Patina knows besides. */
const CUSTODY: readonly Column<Listed>[] = [
  { head: "verified", value: ({ backup }) => backup.custody?.verifiedAt ?? "-", show: day("verifiedAt") },
  { head: "drilled", value: ({ backup }) => backup.custody?.drilledAt ?? "-", show: day("drilledAt") },
];

function columnsOf(listed: readonly Listed[]): readonly Column<Listed>[] {
  return listed.some(({ backup }) => backup.custody !== undefined) ? [...COLUMNS, ...CUSTODY] : COLUMNS;
}

function day(which: "verifiedAt" | "drilledAt"): (listed: Listed) => string {
  return ({ backup }) => backup.custody?.[which]?.slice(0, 10) ?? "-";
}

function shown(words: (manifest: Manifest) => string): (listed: Listed) => string {
  return ({ manifest }) => (manifest === null ? "-" : words(manifest));
}

function minute(manifest: Manifest | null): string {
  return manifest === null ? "-" : `${manifest.startedAt.slice(0, 16).replace("T", " ")} UTC`;
}

function jsonOf({ backup, manifest }: Listed) {
  return {
    id: backup.id,
    database: backup.database,
    date: backup.date,
    ...(backup.custody === undefined
      ? {}
      : { custody: { verified_at: backup.custody.verifiedAt, drilled_at: backup.custody.drilledAt } }),
    ...(manifest === null
      ? { manifest: "unreadable" }
      : {
          job: manifest.job,
          started_at: manifest.startedAt,
          finished_at: manifest.finishedAt,
          consistency: manifest.consistency,
          tables: manifest.tables.length,
          rows: manifest.rows,
          raw_bytes: manifest.sql.bytes,
          stored_bytes: manifest.object.bytes,
          stored_digest: manifest.object.sha256,
          key: manifest.object.key,
          warnings: manifest.warnings.length,
        }),
  };
}
