import { createHash } from "node:crypto";
import { decodeIndexPage, type IndexEntry, type IndexPage } from "@patina/archive/archive-index";
import { ARCHIVE_END_BYTES, archiveEnd, type Piece, piecesOf } from "@patina/archive/archive-layout";
import { gzipMember } from "@patina/archive/gzip-member";
import { archiveKey } from "@patina/archive/keys";
import { type Sum, sumsText } from "@patina/archive/sums";
import type { Archive, ArchivePage } from "@patina/catalog/archives";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { inTurn } from "./in-turn.ts";
import { PinnedBytes } from "./pinned-bytes.ts";

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

  constructor(
    bucket: R2Bucket,
    { archive, pages }: { archive: Pick<Archive, "week" | "bytes">; pages: readonly ArchivePage[] },
  ) {
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
    if (stored === null) throw new PatinaError("archive_outdated", `Cannot read "${key}": it is missing`);
    const text = await asking(key, () => stored.text());
    const digest = createHash("sha256").update(text).digest("hex");
    if (digest !== this.#pages[number]?.digest)
      throw new PatinaError("archive_outdated", `Cannot read "${key}": it was changed`);
    this.#page = decodeIndexPage(text);
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

  /**
   * Fills `into` with the bytes of the archive from `from` on, put together from the daily backups.
   *
   * @returns how many requests it took
   */
  async fill(into: Uint8Array, from: number): Promise<number> {
    const to = from + into.length;
    const pieces: FilePiece[] = [];
    for (let i = this.#pageAt(from); i < this.#pages.length && (this.#pages[i]?.start ?? to) < to; i += 1) {
      for (const piece of await this.pagePieces(i)) {
        if (piece.start < to && piece.end > from) pieces.push(piece);
      }
    }
    if (to > this.#end) pieces.push(this.end);
    await inTurn(pieces, async (piece) => {
      const range = { from: Math.max(from, piece.start) - piece.start, to: Math.min(to, piece.end) - piece.start };
      const place = piece.start + range.from - from;
      if (piece.is === "content" && piece.file.kind === "dump") {
        await this.#copy(piece.file.origin, {
          offset: range.from,
          into: into.subarray(place, place + range.to - range.from),
        });
      } else {
        into.set(await this.#made(piece, range), place);
      }
    });
    return pieces.filter(({ is }) => is === "content").length + 1;
  }

  /** The gzip member of a date's SHA256SUMS. */
  async sums({ path }: IndexEntry): Promise<Uint8Array> {
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

  /** Some bytes of a piece that is no dump, counted from its start. */
  async #made(piece: FilePiece, { from, to }: { from: number; to: number }): Promise<Uint8Array> {
    if (piece.is === "frame") return piece.bytes.subarray(from, to);
    const { file } = piece;
    return (file.kind === "sums" ? await this.sums(file) : await this.#manifest(file)).subarray(from, to);
  }

  #pageAt(offset: number): number {
    const behind = this.#pages.findIndex(({ start }) => start > offset);
    return (behind < 0 ? this.#pages.length : behind) - 1;
  }

  /** The gzip member of a manifest. */
  async #manifest(file: Exclude<IndexEntry, { kind: "sums" }>): Promise<Uint8Array> {
    const bytes = new Uint8Array(file.size);
    await this.#copy(file.origin, { offset: 0, into: bytes });
    return gzipMember(bytes);
  }

  /**
   * Copies bytes of an object, as many as there is room for.
   *
   * @throws {PatinaError} `archive_outdated` when the object is not the one that the plan names
   */
  async #copy(
    { key, etag }: { key: string; etag: string },
    { offset, into }: { offset: number; into: Uint8Array },
  ): Promise<void> {
    if (into.length === 0) return;
    const object = await PinnedBytes.open(this.#bucket, { key, etag, offset, length: into.length });
    let at = 0;
    await object.pass(into.length, (bytes) => {
      into.set(bytes, at);
      at += bytes.length;
    });
    await object.close();
    if (at !== into.length) throw outdated(key, `${at} bytes came instead of ${into.length}`);
  }
}

function outdated(key: string, why: string): PatinaError {
  return new PatinaError("archive_outdated", `Cannot archive "${key}" as planned: ${why}`);
}
