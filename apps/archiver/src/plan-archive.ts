import { createHash } from "node:crypto";
import type { IndexEntry, IndexPage, Missing } from "@patina/archive/archive-index";
import { encodeArchive } from "@patina/archive/archive-index";
import { ARCHIVE_END_BYTES, type ArchiveFile, contentOffset, fileEnd } from "@patina/archive/archive-layout";
import { gzipMemberLength } from "@patina/archive/gzip-member";
import { archiveKey } from "@patina/archive/keys";
import type { Manifest } from "@patina/archive/manifest";
import { sumsLineLength } from "@patina/archive/sums";
import { type Archive, notePlanned, noteWhole } from "@patina/catalog/archives";
import { PatinaError } from "@patina/core/error";
import { datesOf } from "@patina/core/week";
import { asking } from "@patina/worker/bucket-error";
import { inTurn } from "./in-turn.ts";
import { type ListedBackup, listBackups, readBackup } from "./listed-backups.ts";
import type { ArchiverContext } from "./upkeep.ts";

/**
 * Plans an archive: lists the daily backups of its week, date by date, and says where in the archive each will be. The
 * plan is the archive's index. Stops when the budget is spent and goes on from there.
 */
export async function planArchive(start: Archive, context: ArchiverContext): Promise<Archive> {
  let archive = start;
  while (archive.state === "planning" && !context.budget.isSpent) {
    archive = archive.date === null ? await endPlan(archive, context) : await planPage(archive, context);
  }
  return archive;
}

async function endPlan(archive: Archive, { catalog, clock }: ArchiverContext): Promise<Archive> {
  if (archive.backups === 0) {
    throw new PatinaError("not_found", `Cannot archive week ${archive.week}: there is no daily backup of it`);
  }
  return await noteWhole(catalog, { archive, bytes: archive.bytes + ARCHIVE_END_BYTES, now: clock() });
}

async function planPage(archive: Archive, context: ArchiverContext): Promise<Archive> {
  const { catalog, bucket, clock, budget } = context;
  const date = archive.date ?? "";
  const listed = await listBackups(bucket, { prefix: `daily/${date}/`, after: archive.after });
  const isLast = listed.after === null;
  const found = await inTurn(listed.backups, (backup) => readDaily(backup, { bucket, damaged: archive.damaged }));
  const page = new PageBuilder(date, archive);
  for (const one of found) page.add(one);
  if (isLast) page.addSums();
  const body = page.finish();
  const isEmpty = body.entries.length === 0 && body.leftOut.length === 0;
  const text = encodeArchive(body);
  if (!isEmpty) {
    const key = archiveKey({ is: "page", week: archive.week, number: body.number });
    await asking(key, () => bucket.put(key, text, { httpMetadata: { contentType: "application/json" } }));
  }
  budget.spend({ queries: 3, requests: found.length + 2 });
  const dates = datesOf(archive.week);
  const next = isLast ? (dates[dates.indexOf(date) + 1] ?? null) : date;
  const digest = createHash("sha256").update(text).digest("hex");
  return await notePlanned(catalog, {
    archive,
    page: isEmpty ? null : { number: body.number, date, start: body.start, entries: body.entries.length, digest },
    planned: {
      date: next,
      after: listed.after,
      sumsBytes: isLast ? 0 : page.sumsBytes,
      bytes: body.end,
      backups: archive.backups + page.backups,
      rawBytes: archive.rawBytes + page.rawBytes,
    },
    now: clock(),
  });
}

/** A daily backup that goes into the archive, or why it does not. */
type Found =
  | { readonly is: "good"; readonly database: string; readonly manifest: Manifest; readonly own: OwnFile }
  | { readonly is: "bad"; readonly missing: Missing };

/** The manifest as a file. */
interface OwnFile {
  readonly key: string;
  readonly etag: string;
  readonly bytes: number;
  readonly sha256: string;
}

async function readDaily(
  listed: ListedBackup,
  { bucket, damaged }: { bucket: R2Bucket; damaged: readonly string[] },
): Promise<Found> {
  const { date, database } = listed.ref;
  const bad = (reason: string): Found => ({ is: "bad", missing: { date, database, reason } });
  const read = await readBackup(listed, bucket);
  if (read.is === "bad") return bad(read.reason);
  if (damaged.includes(read.manifest.object.key)) return bad("its object is damaged");
  const { key, etag, bytes } = read.own;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { is: "good", database, manifest: read.manifest, own: { key, etag, bytes: bytes.length, sha256 } };
}

/** Puts files one behind the other into a page of the index. */
class PageBuilder {
  backups = 0;
  rawBytes = 0;
  sumsBytes: number;
  readonly #date: string;
  readonly #archive: Archive;
  readonly #entries: IndexEntry[] = [];
  readonly #leftOut: Missing[] = [];
  #end: number;

  constructor(date: string, archive: Archive) {
    this.#date = date;
    this.#archive = archive;
    this.#end = archive.bytes;
    this.sumsBytes = archive.sumsBytes;
  }

  add(found: Found): void {
    if (found.is === "bad") {
      this.#leftOut.push(found.missing);
      return;
    }
    const { database, manifest, own } = found;
    const { object, sql } = manifest;
    const { finishedAt } = manifest;
    const modified = Math.floor(Date.parse(finishedAt) / 1_000);
    const dump = { path: `${this.#date}/${database}.sql`, size: sql.bytes, modified, stored: object.bytes };
    const origin = { key: object.key, etag: object.etag, bytes: object.bytes, sha256: object.sha256 };
    this.#entries.push({ kind: "dump", database, sha256: sql.sha256, finishedAt, origin, ...this.#place(dump) });
    const stored = gzipMemberLength(own.bytes);
    const document = { path: `${this.#date}/${database}.manifest.json`, size: own.bytes, modified, stored };
    this.#entries.push({ kind: "manifest", database, sha256: own.sha256, origin: own, ...this.#place(document) });
    this.sumsBytes += sumsLineLength(`${database}.sql`) + sumsLineLength(`${database}.manifest.json`);
    this.backups += 1;
    this.rawBytes += sql.bytes;
  }

  /** The date is complete: what it holds is summed up behind it. */
  addSums(): void {
    if (this.sumsBytes === 0) return;
    const size = this.sumsBytes;
    const modified = Date.parse(`${this.#date}T00:00:00Z`) / 1_000;
    const file = { path: `${this.#date}/SHA256SUMS`, size, modified, stored: gzipMemberLength(size) };
    this.#entries.push({ kind: "sums", sha256: null, ...this.#place(file) });
  }

  finish(): IndexPage {
    const { week, pages, bytes } = this.#archive;
    return {
      patina: "archive-index",
      format: 1,
      week,
      number: pages,
      date: this.#date,
      start: bytes,
      end: this.#end,
      entries: this.#entries,
      leftOut: this.#leftOut,
    };
  }

  #place(file: ArchiveFile): ArchiveFile & { readonly offset: number } {
    const offset = contentOffset(this.#end, file);
    this.#end = fileEnd(this.#end, file);
    return { ...file, offset };
  }
}
