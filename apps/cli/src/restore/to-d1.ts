import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verdictOf } from "@patina/core/drill";
import { bytes } from "@patina/core/wording";
import { folded, isEponymous, quoteName } from "@patina/dump/name";
import { CommandError, EXIT, explain } from "../failure.ts";
import { whenInterrupted } from "../interruption.ts";
import { note } from "../output/print.ts";
import type { RemoteD1 } from "../wrangler/remote-d1.ts";
import { confirm } from "./confirm.ts";
import type { Content } from "./content.ts";
import { inParts, MAX_IMPORT_BYTES, writeAll } from "./d1-parts.ts";
import { emergencyBackup } from "./emergency.ts";
import type { Outcome } from "./outcome.ts";
import { FailedRestore } from "./report.ts";
import { textOf } from "./to-text.ts";
import { compareTo } from "./verdict.ts";

export interface D1Restore {
  readonly content: Content;
  readonly database: RemoteD1;
  /** Bytes of SQL imported at once; null for everything in one import. */
  readonly partBytes: number | null;
  readonly isAgreed: boolean;
  readonly emergencyFolder: string;
  readonly onProgress: (bytes: number) => void;
}

/**
 * Refuses what D1's import does not take.
 *
 * @throws {CommandError}
 */
export function checkImportable(content: Content, { partBytes }: { partBytes: number | null }): void {
  if (content.bytes === null || partBytes !== null || content.bytes <= MAX_IMPORT_BYTES) return;
  throw tooLarge(content.backup.id, bytes(content.bytes));
}

function tooLarge(id: string, size: string): CommandError {
  return new CommandError(`Cannot import ${id} into D1 at once: its SQL has ${size}, and D1 takes 5 GB`, {
    hint: "--part-size 2000 imports it in parts of 2 GB, one after the other.",
  });
}

/** What of a D1 database a restore would replace. */
export async function occupants(database: RemoteD1, content: Content): Promise<string[]> {
  const names = (await database.objects()).map(({ name }) => name);
  const { tables } = content;
  if (tables === null) return names;
  const wanted = new Set(tables.map(folded));
  return names.filter((name) => wanted.has(folded(name)));
}

/** Restores into a D1 database at Cloudflare through wrangler's import, and reads it back. */
export async function restoreToD1(request: D1Restore, { replaces }: { replaces: boolean }): Promise<Outcome> {
  const { content, database } = request;
  const bookmark = await database.bookmark();
  const emergency = replaces ? await save(request, bookmark) : null;
  const back = `npx wrangler d1 time-travel restore ${database.name} --bookmark=${bookmark}`;
  if (replaces) await confirm(database.name, { ...request, verb: "replace" });
  const left = replaces && content.tables === null ? await foreign(database, content) : [];
  let isBegun = false;
  const forget = whenInterrupted(() =>
    isBegun ? `${database.name} may hold a part of the backup. ${back} takes it back.` : null,
  );
  const importFile = async (file: string) => {
    isBegun = true;
    await database.import(file);
  };
  try {
    await importAll(request, { first: left, importFile });
  } catch (cause) {
    if (!isBegun) throw cause;
    const { exit, message } = explain(cause);
    throw new FailedRestore(`${message}. ${database.name} may hold a part of the backup`, { exit, hint: back, cause });
  } finally {
    forget();
  }
  const checks = await compareTo(database.source(), content);
  return { target: `D1 database ${database.name}`, proof: { verdict: verdictOf(checks), checks }, emergency };
}

/** Backs up the database as it is now, and names its bookmark. */
async function save({ database, emergencyFolder }: D1Restore, bookmark: string): Promise<string> {
  const file = await emergencyBackup({
    folder: emergencyFolder,
    database: database.name,
    source: database.source(),
    warnings: [],
  });
  note(`What ${database.name} holds now is backed up in ${file}, and is bookmark ${bookmark} of Time Travel`);
  return file;
}

/** Statements that remove what the backup does not have: the youngest first, which hardly anything refers to. */
async function foreign(database: RemoteD1, content: Content): Promise<string[]> {
  const kept = new Set(content.expected().tables.map(({ name }) => folded(name)));
  return (await database.objects())
    .filter(({ type, name }) => (type === "view" || !kept.has(folded(name))) && !isEponymous(name))
    .map(({ type, name }) => `DROP ${type.toUpperCase()} IF EXISTS ${quoteName(name)};\n`);
}

async function importAll(
  { content, partBytes, onProgress }: D1Restore,
  { first, importFile }: { first: readonly string[]; importFile: (file: string) => Promise<void> },
): Promise<void> {
  // Parts are imported before the last one is read: what is damaged must be known before the first.
  if (partBytes !== null) for await (const _ of content.pieces()) onProgress(0);
  const folder = mkdtempSync(join(tmpdir(), "patina-import-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const forget = whenInterrupted(() => {
    remove();
    return null;
  });
  let open: { part: number; file: string; handle: number } | null = null;
  let done = 0;
  const flush = async () => {
    if (open === null) return;
    closeSync(open.handle);
    await importFile(open.file);
    rmSync(open.file);
    open = null;
  };
  try {
    for await (const { part, text } of inParts(textOf(content, "d1"), partBytes ?? Number.POSITIVE_INFINITY)) {
      if (open !== null && open.part !== part) await flush();
      if (open === null) {
        const file = join(folder, `part-${part}.sql`);
        open = { part, file, handle: openSync(file, "w") };
        if (part === 1 && first.length > 0) writeAll(open.handle, `PRAGMA defer_foreign_keys=ON;\n${first.join("")}`);
      }
      writeAll(open.handle, text);
      done += Buffer.byteLength(text);
      // Without a manifest nobody knew before how much it is. Nothing has been imported yet.
      if (partBytes === null && done > MAX_IMPORT_BYTES) throw tooLarge(content.backup.id, "more than 5 GB");
      onProgress(done);
    }
    await flush();
  } finally {
    remove();
    forget();
  }
}

/** @throws {CommandError} exit 11 when the database holds something that the restore would replace */
export function checkFree(database: RemoteD1, names: readonly string[]): void {
  if (names.length === 0) return;
  const some = names.slice(0, 5).join(", ");
  throw new CommandError(
    `Cannot restore to D1 database ${database.name}: it holds ${some}${names.length > 5 ? " and more" : ""}, and nothing was changed`,
    {
      exit: EXIT.conflict,
      hint: `npx wrangler d1 create ${database.name}-restored, or --replace, which backs up first what is there.`,
    },
  );
}
