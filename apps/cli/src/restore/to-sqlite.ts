import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { reasonOf } from "@patina/core/drill";
import { CommandError, EXIT } from "../failure.ts";
import { openForReading } from "../files/sqlite-file.ts";
import { note } from "../output/print.ts";
import { confirm } from "./confirm.ts";
import type { Content } from "./content.ts";
import { emergencyCopy, emergencyOfFile } from "./emergency.ts";
import { load } from "./load.ts";
import type { Outcome } from "./outcome.ts";
import { FailedRestore } from "./report.ts";
import { PartialDatabase, removeDatabase } from "./sqlite-file.ts";
import { type IntegrityCheck, proofOf } from "./verdict.ts";

export interface SqliteRestore {
  readonly content: Content;
  readonly path: string;
  /** What a person calls the database at this path. */
  readonly name: string;
  readonly check: IntegrityCheck;
  /** Whether it has been confirmed beforehand that what is there is replaced. */
  readonly isAgreed: boolean;
  /** Where what is there is backed up first; null when nothing of worth is there. */
  readonly emergencyFolder: string | null;
  readonly onProgress: (bytes: number) => void;
}

/** Restores into a SQLite file: a new one, or in the place of what one holds. */
export async function restoreToSqlite(request: SqliteRestore): Promise<Outcome> {
  const { path } = request;
  if (!existsSync(path)) return await make(request);
  const before = readable(path);
  if (before === null) return await overwriteUnreadable(request);
  try {
    return request.content.tables === null ? await replaceAll(request, before) : await replaceTables(request, before);
  } finally {
    before.close();
  }
}

async function make(request: SqliteRestore): Promise<Outcome> {
  const { path } = request;
  const partial = new PartialDatabase(path);
  const proof = await partial.fill(request);
  partial.finish(path);
  return { target: path, proof, emergency: null };
}

/** The database that is there; null when there is none that can be read. */
function readable(path: string): DatabaseSync | null {
  try {
    const db = openForReading(path);
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    return db;
  } catch (error) {
    if (error instanceof CommandError && error.exit === EXIT.error) return null;
    throw error;
  }
}

/** The whole database: made and checked beside it first, then copied over it in one transaction. */
async function replaceAll(request: SqliteRestore, before: DatabaseSync): Promise<Outcome> {
  const saved = await save(request, before);
  await confirm(request.name, { ...request, verb: "replace" });
  const partial = new PartialDatabase(request.path);
  const proof = await partial.fill({ ...request, pageSize: saved.pageSize });
  if (proof.verdict === "failed") {
    partial.discard();
    throw new FailedRestore(
      `Cannot replace ${request.name} with ${request.content.backup.id}: ${reasonOf(proof.checks)}. Nothing was changed`,
      { exit: EXIT.findings, hint: "Restore an earlier backup." },
    );
  }
  const emergency = await saved.again();
  await partial.copyInto(request.path);
  return { target: request.path, proof, emergency };
}

/** Some tables, in one transaction: all of it, or nothing is changed. */
async function replaceTables(request: SqliteRestore, before: DatabaseSync): Promise<Outcome> {
  const { path, content, check } = request;
  const saved = await save(request, before);
  await confirm(request.name, { ...request, verb: "replace" });
  const db = new DatabaseSync(path, {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
    timeout: 5_000,
  });
  try {
    begin(db, request.name);
    const emergency = await saved.again();
    await load(db, { content, onProgress: request.onProgress });
    const proof = await proofOf(db, { content, check });
    if (proof.verdict === "failed") {
      throw new FailedRestore(
        `Cannot replace tables of ${request.name}: ${reasonOf(proof.checks)}. Nothing was changed`,
        { exit: EXIT.findings },
      );
    }
    db.exec("COMMIT");
    return { target: path, proof, emergency };
  } finally {
    // What is not committed is rolled back.
    db.close();
  }
}

function begin(db: DatabaseSync, name: string): void {
  try {
    db.exec("BEGIN IMMEDIATE");
  } catch (cause) {
    throw new CommandError(`Cannot replace tables of ${name}: somebody else is writing to it`, {
      exit: EXIT.conflict,
      hint: "Stop what uses the database, then run the command again.",
      cause,
    });
  }
}

/** Backs up what is there, and again right before it is replaced if somebody wrote to it in between. */
async function save({ path, emergencyFolder, name }: SqliteRestore, before: DatabaseSync) {
  const make = async () => {
    if (emergencyFolder === null) return null;
    const file = await emergencyOfFile(before, { folder: emergencyFolder, path });
    note(`What ${name} holds now is backed up in ${file}`);
    return file;
  };
  const version = () => before.prepare("PRAGMA data_version").get()?.["data_version"];
  let file = await make();
  let seen = version();
  return {
    pageSize: Number(before.prepare("PRAGMA page_size").get()?.["page_size"]),
    again: async (): Promise<string | null> => {
      if (version() === seen) return file;
      file = await make();
      seen = version();
      return file;
    },
  };
}

/** What cannot be read as a database is copied as it is, and gives way to a new file. */
async function overwriteUnreadable(request: SqliteRestore): Promise<Outcome> {
  const { path, name } = request;
  if (request.content.tables !== null) {
    throw new CommandError(`Cannot replace tables of ${name}: SQLite cannot read it`, {
      hint: "Restore all of it, without --table.",
    });
  }
  const emergency = emergencyCopy({ folder: request.emergencyFolder ?? dirname(path), path });
  note(`${name} cannot be read; its file is copied to ${emergency}`);
  await confirm(name, { ...request, verb: "replace" });
  const partial = new PartialDatabase(path);
  const proof = await partial.fill(request);
  removeDatabase(path);
  partial.finish(path);
  return { target: path, proof, emergency };
}

/**
 * Refuses a target that is there, unless it may be replaced.
 *
 * @throws {CommandError} exit 11
 */
export function checkAbsent(path: string, { replace }: { replace: boolean }): void {
  if (replace || !existsSync(path)) return;
  throw new CommandError(`Cannot restore to ${path}: it is there already, and nothing was changed`, {
    exit: EXIT.conflict,
    hint: `Another name in ${dirname(path)}, or --replace, which backs up first what is there.`,
  });
}
