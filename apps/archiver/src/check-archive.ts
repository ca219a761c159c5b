import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { IndexEntry } from "@patina/archive/archive-index";
import { archiveKey } from "@patina/archive/keys";
import {
  type Archive,
  archivePagesOf,
  type CheckedMember,
  noteAllChecked,
  noteChecked,
} from "@patina/catalog/archives";
import { PinnedBytes } from "./pinned-bytes.ts";
import { type FilePiece, StoredLayout } from "./stored-layout.ts";
import type { ArchiverContext } from "./upkeep.ts";

/** A place where an archive is not what its plan says. */
export class Difference extends Error {
  /** The file that should be there; null where none should. */
  readonly entry: IndexEntry | null;

  constructor(message: string, entry: IndexEntry | null) {
    super(message);
    this.name = "Difference";
    this.entry = entry;
  }

  /** The daily backup that cannot be had from the archive any more; null when there is none. */
  get member(): { readonly database: string; readonly date: string } | null {
    if (this.entry === null || this.entry.kind === "sums") return null;
    const { path, database } = this.entry;
    return { database, date: path.slice(0, path.indexOf("/")) };
  }
}

/**
 * Reads an archive back, every byte of it: headers and padding must be what the layout says, and each dump must have the
 * digest that its manifest states, which verifies the daily backup as well. Stops when the budget is spent.
 *
 * @throws {Difference}
 */
export async function checkArchive(start: Archive, context: ArchiverContext): Promise<Archive> {
  const { catalog, bucket, clock, budget } = context;
  const pages = await archivePagesOf(catalog, start.week);
  const layout = new StoredLayout(bucket, { archive: start, pages });
  const object = { key: archiveKey({ is: "archive", week: start.week }), etag: start.etag ?? "" };
  let archive = start;
  while (archive.checkedPages < pages.length) {
    if (budget.isSpent) return archive;
    const number = archive.checkedPages;
    const { date, entries } = await layout.page(number);
    throwFirst(await pageDifferences(number, { object, layout, bucket }));
    budget.spend({ queries: 4, requests: 2 });
    archive = await noteChecked(catalog, { archive, number, members: membersOf(entries, date), now: clock() });
  }
  throwFirst(await endDifferences({ object, layout, bucket }));
  return await noteAllChecked(catalog, { archive, now: clock() });
}

function throwFirst([first]: readonly Difference[]): void {
  if (first !== undefined) throw first;
}

interface ReadArchive {
  /** The archive, as it was seen. */
  readonly object: { readonly key: string; readonly etag: string };
  readonly layout: StoredLayout;
  readonly bucket: R2Bucket;
}

/** Where an archive is not what a page of its index says. */
export async function pageDifferences(number: number, archive: ReadArchive): Promise<Difference[]> {
  const { start, end } = await archive.layout.page(number);
  return await differencesIn(await archive.layout.pagePieces(number), { ...archive, start, end });
}

/** Whether an archive ends as it should. */
export async function endDifferences(archive: ReadArchive): Promise<Difference[]> {
  const { end } = archive.layout;
  return await differencesIn([end], { ...archive, start: end.start, end: end.end });
}

/** Compares pieces that follow each other with what the archive holds from `start` to `end`. */
async function differencesIn(
  pieces: readonly FilePiece[],
  { object, start, end, layout, bucket }: ReadArchive & { readonly start: number; readonly end: number },
): Promise<Difference[]> {
  const archive = await PinnedBytes.open(bucket, { ...object, offset: start, length: end - start });
  try {
    const found: Difference[] = [];
    for (const piece of pieces) found.push(...(await differenceIn(piece, { archive, layout })));
    return found;
  } finally {
    await archive.close();
  }
}

async function differenceIn(
  piece: FilePiece,
  { archive, layout }: { archive: PinnedBytes; layout: StoredLayout },
): Promise<Difference[]> {
  const length = piece.end - piece.start;
  if (piece.is === "frame") {
    return same(await archive.take(length), piece.bytes) ? [] : [new Difference(`at byte ${piece.start}`, null)];
  }
  const { file } = piece;
  switch (file.kind) {
    case "dump": {
      const hash = createHash("sha256");
      await archive.pass(length, (bytes) => hash.update(bytes));
      return hash.digest("hex") === file.origin.sha256 ? [] : [new Difference(`in "${file.path}"`, file)];
    }
    case "manifest":
      return sha256(unzip(await archive.take(length))) === file.sha256
        ? []
        : [new Difference(`in "${file.path}"`, file)];
    case "sums":
      return same(await archive.take(length), await layout.sums(file))
        ? []
        : [new Difference(`in "${file.path}"`, file)];
  }
}

/** What is no gzip any more has no digest that could match. */
function unzip(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch {
    return new Uint8Array();
  }
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The daily backups of a page: each dump is followed by its manifest. */
export function membersOf(entries: readonly IndexEntry[], date: string): CheckedMember[] {
  return entries.flatMap((entry, i) => {
    const manifest = entries[i + 1];
    if (entry.kind !== "dump" || manifest === undefined) return [];
    const { database, offset, stored, size, finishedAt, origin } = entry;
    return [
      {
        database,
        date,
        offset,
        bytes: stored,
        digest: origin.sha256,
        rawBytes: size,
        finishedAt: finishedAt === undefined ? null : Date.parse(finishedAt),
        manifestOffset: manifest.offset,
        manifestBytes: manifest.stored,
        key: origin.key,
        etag: origin.etag,
      },
    ];
  });
}

/** Whether a daily backup is itself no longer what its manifest states; it is the archive that is wrong otherwise. */
export async function isDamaged(bucket: R2Bucket, { origin }: Extract<IndexEntry, { kind: "dump" }>): Promise<boolean> {
  const daily = await PinnedBytes.open(bucket, { ...origin, offset: 0, length: origin.bytes });
  const hash = createHash("sha256");
  try {
    await daily.pass(origin.bytes, (bytes) => hash.update(bytes));
  } finally {
    await daily.close();
  }
  return hash.digest("hex") !== origin.sha256;
}
