import { decodeIndexPage, type IndexEntry, type IndexPage } from "@patina/archive/archive-index";
import { ARCHIVE_END_BYTES, archiveEnd, type Piece, piecesOf } from "@patina/archive/archive-layout";
import { gzipMember } from "@patina/archive/gzip-member";
import { archiveKey } from "@patina/archive/keys";
import { type Sum, sumsText } from "@patina/archive/sums";
import type { Archive, ArchivePage } from "@patina/catalog/archives";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { inTurn } from "./in-turn.ts";

export type FilePiece = Piece<IndexEntry>;

/** The layout of an archive as its stored index gives it. Memory holds one page at a time, and one date's SHA256SUMS. */
export class StoredLayout {
  readonly #bucket: R2Bucket;
  readonly #week: string;
  readonly #pages: readonly ArchivePage[];
  /** Offset behind the last file. */
  readonly #end: number;
  #page: IndexPage | null = null;
  #sums: { readonly date: string; readonly member: Uint8Array } | null = null;

  constructor(bucket: R2Bucket, { archive, pages }: { archive: Archive; pages: readonly ArchivePage[] }) {
    this.#bucket = bucket;
    this.#week = archive.week;
    this.#pages = pages;
    this.#end = archive.bytes - ARCHIVE_END_BYTES;
  }

  get pages(): readonly ArchivePage[] {
    return this.#pages;
  }

  /** The piece behind the last page. */
  get end(): FilePiece {
    return archiveEnd(this.#end);
  }

  /** @throws {PatinaError} `archive_outdated` when the page is no longer the one that was planned */
  async page(number: number): Promise<IndexPage> {
    if (this.#page?.number === number) return this.#page;
    const key = archiveKey({ is: "page", week: this.#week, number });
    const stored = await asking(key, () => this.#bucket.get(key));
    if (stored === null) throw outdated(key, "it is missing");
    this.#page = decodeIndexPage(await asking(key, () => stored.text()));
    return this.#page;
  }

  /** The pieces of one page. */
  async pagePieces(number: number): Promise<FilePiece[]> {
    const { entries, start } = await this.page(number);
    return [...piecesOf(entries, start)];
  }

  /** The pages of one date. */
  async *pagesOf(date: string): AsyncGenerator<IndexPage> {
    for (const page of this.#pages) if (page.date === date) yield await this.page(page.number);
  }

  /** The bytes `from` to `to` of the archive, put together from the daily backups. */
  async bytes(from: number, to: number): Promise<{ bytes: Uint8Array; requests: number }> {
    const pieces: FilePiece[] = [];
    for (let i = this.#pageAt(from); i < this.#pages.length && (this.#pages[i]?.start ?? to) < to; i += 1) {
      for (const piece of await this.pagePieces(i)) {
        if (piece.start < to && piece.end > from) pieces.push(piece);
      }
    }
    if (to > this.#end) pieces.push(this.end);
    const bytes = new Uint8Array(to - from);
    await inTurn(pieces, async (piece) => {
      const range = { from: Math.max(from, piece.start) - piece.start, to: Math.min(to, piece.end) - piece.start };
      bytes.set(await this.pieceBytes(piece, range), piece.start + range.from - from);
    });
    return { bytes, requests: pieces.filter(({ is }) => is === "content").length + 1 };
  }

  /** Some bytes of a piece, counted from its start. */
  async pieceBytes(piece: FilePiece, { from, to }: { from: number; to: number }): Promise<Uint8Array> {
    if (piece.is === "frame") return piece.bytes.subarray(from, to);
    const { file } = piece;
    switch (file.kind) {
      case "dump":
        return await this.#read(file.origin, { offset: from, length: to - from });
      case "manifest":
        return gzipMember(await this.#read(file.origin)).subarray(from, to);
      case "sums":
        return (await this.#sumsOf(file)).subarray(from, to);
    }
  }

  #pageAt(offset: number): number {
    const behind = this.#pages.findIndex(({ start }) => start > offset);
    return (behind < 0 ? this.#pages.length : behind) - 1;
  }

  async #sumsOf({ path }: IndexEntry): Promise<Uint8Array> {
    const [date = ""] = path.split("/");
    if (this.#sums?.date === date) return this.#sums.member;
    const sums: Sum[] = [];
    for await (const { entries } of this.pagesOf(date)) {
      for (const { path, sha256 } of entries)
        if (sha256 !== null) sums.push({ path: path.slice(date.length + 1), sha256 });
    }
    const member = gzipMember(new TextEncoder().encode(sumsText(sums)));
    this.#sums = { date, member };
    return member;
  }

  /** @throws {PatinaError} `archive_outdated` when the object is not the one that the plan names */
  async #read(
    { key, etag, bytes }: { key: string; etag: string; bytes: number },
    range?: { offset: number; length: number },
  ): Promise<Uint8Array> {
    const wanted = range?.length ?? bytes;
    if (wanted === 0) return new Uint8Array();
    const options = { onlyIf: { etagMatches: etag }, ...(range === undefined ? {} : { range }) };
    const object = await asking(key, () => this.#bucket.get(key, options));
    if (object === null) throw outdated(key, "it is missing");
    if (!("body" in object)) throw outdated(key, "it was written anew");
    const read = new Uint8Array(await asking(key, () => object.arrayBuffer()));
    if (read.length !== wanted) throw outdated(key, `${read.length} bytes came instead of ${wanted}`);
    return read;
  }
}

function outdated(key: string, why: string): PatinaError {
  return new PatinaError("archive_outdated", `Cannot archive "${key}" as planned: ${why}`);
}
