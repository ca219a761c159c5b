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
  /** The daily backup that should be there; null where none should. */
  readonly entry: Extract<IndexEntry, { kind: "dump" }> | null;

  constructor(message: string, entry: Difference["entry"]) {
    super(message);
    this.name = "Difference";
    this.entry = entry;
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
    const { date, start: offset, end, entries } = await layout.page(number);
    await checkPieces(await layout.pagePieces(number), { object, offset, length: end - offset, layout, bucket });
    budget.spend({ queries: 4, requests: 2 });
    archive = await noteChecked(catalog, { archive, number, members: membersOf(entries, date), now: clock() });
  }
  const { end } = layout;
  await checkPieces([end], { object, offset: end.start, length: end.end - end.start, layout, bucket });
  return await noteAllChecked(catalog, { archive, now: clock() });
}

/** Compares pieces that follow each other with what the archive holds from `offset` on. */
async function checkPieces(
  pieces: readonly FilePiece[],
  options: {
    object: { key: string; etag: string };
    offset: number;
    length: number;
    layout: StoredLayout;
    bucket: R2Bucket;
  },
): Promise<void> {
  const { object, offset, length, layout, bucket } = options;
  const archive = await PinnedBytes.open(bucket, { ...object, offset, length });
  try {
    for (const piece of pieces) await checkPiece(piece, { archive, layout });
  } finally {
    await archive.close();
  }
}

async function checkPiece(
  piece: FilePiece,
  { archive, layout }: { archive: PinnedBytes; layout: StoredLayout },
): Promise<void> {
  const length = piece.end - piece.start;
  if (piece.is === "frame") {
    if (!same(await archive.take(length), piece.bytes)) throw new Difference(`at byte ${piece.start}`, null);
    return;
  }
  const { file } = piece;
  switch (file.kind) {
    case "dump": {
      const hash = createHash("sha256");
      await archive.pass(length, (bytes) => hash.update(bytes));
      if (hash.digest("hex") !== file.origin.sha256) throw new Difference(`in "${file.path}"`, file);
      return;
    }
    case "manifest": {
      if (sha256(unzip(await archive.take(length))) !== file.sha256) throw new Difference(`in "${file.path}"`, null);
      return;
    }
    case "sums": {
      if (!same(await archive.take(length), await layout.sums(file))) throw new Difference(`in "${file.path}"`, null);
    }
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
function membersOf(entries: readonly IndexEntry[], date: string): CheckedMember[] {
  return entries.flatMap((entry, i) => {
    const manifest = entries[i + 1];
    if (entry.kind !== "dump" || manifest === undefined) return [];
    const { database, offset, stored, size, modified, origin } = entry;
    return [
      {
        database,
        date,
        offset,
        bytes: stored,
        digest: origin.sha256,
        rawBytes: size,
        finishedAt: modified * 1_000,
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
