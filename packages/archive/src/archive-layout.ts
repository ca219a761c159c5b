import { gzipMember, gzipMemberLength } from "./gzip-member.ts";
import { TAR_END_BYTES, type TarEntry, tarHeader, tarHeaderLength, tarPaddingLength } from "./tar-header.ts";

/**
 * Where everything in a weekly archive is, calculated from what goes in: an archive is a sequence of gzip members, which
 * readers take for one file. Each file of the tar is a member with its header, the bytes that hold its content (a dump's
 * as they were stored, whatever compressed them), and a member with the zeros up to the next block.
 */

/** A file in an archive: `stored` bytes of gzip hold its `size` bytes. */
export interface ArchiveFile extends TarEntry {
  readonly stored: number;
}

/** Some bytes of an archive, from `start` up to `end`: made from the layout alone, or those that hold a file. */
export type Piece<File extends ArchiveFile> =
  | { readonly start: number; readonly end: number; readonly is: "frame"; readonly bytes: Uint8Array }
  | { readonly start: number; readonly end: number; readonly is: "content"; readonly file: File };

/** Offset of the bytes that hold the content of a file which begins at `start`. */
export function contentOffset(start: number, { size }: ArchiveFile): number {
  return start + gzipMemberLength(tarHeaderLength(size));
}

/** Offset behind a file which begins at `start`. */
export function fileEnd(start: number, file: ArchiveFile): number {
  const padding = tarPaddingLength(file.size);
  return contentOffset(start, file) + file.stored + (padding === 0 ? 0 : gzipMemberLength(padding));
}

/** Bytes of an archive's end. */
export const ARCHIVE_END_BYTES = gzipMemberLength(TAR_END_BYTES);

/** The pieces of files that follow each other from `start` on. */
export function* piecesOf<File extends ArchiveFile>(files: Iterable<File>, start: number): Generator<Piece<File>> {
  let at = start;
  for (const file of files) {
    yield frame(at, tarHeader(file));
    const content = contentOffset(at, file);
    yield { start: content, end: content + file.stored, is: "content", file };
    const padding = tarPaddingLength(file.size);
    if (padding > 0) yield frame(content + file.stored, new Uint8Array(padding));
    at = fileEnd(at, file);
  }
}

/** The piece that ends an archive. */
export function archiveEnd(start: number): Piece<never> {
  return frame(start, new Uint8Array(TAR_END_BYTES));
}

function frame(start: number, content: Uint8Array): Piece<never> {
  const bytes = gzipMember(content);
  return { start, end: start + bytes.length, is: "frame", bytes };
}

/** R2 wants parts of 5 MiB or more, at most 10,000 of them (developers.cloudflare.com/r2/objects/multipart-objects). */
const MIN_PART_BYTES = 8 * 1_048_576;
const MAX_PARTS = 9_000;
const MIB = 1_048_576;

/** Size of the parts in which an archive of that many bytes is uploaded. Part n is bytes n · P up to (n + 1) · P. */
export function partBytesFor(bytes: number): number {
  return Math.max(MIN_PART_BYTES, Math.ceil(bytes / MAX_PARTS / MIB) * MIB);
}
