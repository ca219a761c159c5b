import { createInflateRaw, gunzipSync } from "node:zlib";
import { gzipMemberLength } from "@patina/archive/gzip-member";
import type { StoredBytes } from "@patina/archive/range-reader";
import { TAR_BLOCK_BYTES, tarHeaderLength, tarPaddingLength } from "@patina/archive/tar-header";
import { PatinaError } from "@patina/core/error";
import { type Member, memberAt } from "./archive-member.ts";
import { streamOf } from "./stored-stream.ts";

/** Bytes of a gzip member before and behind its data. */
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;

/**
 * Finds the files of a weekly archive that lies there without its index, by reading it from end to end: only a dump's own
 * compressed data tells where it ends.
 *
 * @throws {PatinaError} `backup_damaged` when it is no archive of Patina's, or cut off
 */
export async function scanArchive(archive: StoredBytes, name: string): Promise<Member[]> {
  const members: Member[] = [];
  for (let at = 0; ; ) {
    const entry = await headerAt(archive, { at, name });
    if (entry === null) return members;
    const offset = at + gzipMemberLength(tarHeaderLength(entry.size));
    const stored = await memberLength(archive, { offset, name });
    const member = memberAt(entry.path, { offset, stored });
    if (member !== null) members.push(member);
    const padding = tarPaddingLength(entry.size);
    at = offset + stored + (padding === 0 ? 0 : gzipMemberLength(padding));
  }
}

/** The tar header that begins at an offset; null at the archive's end. */
async function headerAt(
  archive: StoredBytes,
  { at, name }: { at: number; name: string },
): Promise<{ path: string; size: number } | null> {
  const first = await stretch(archive, { at, length: TAR_BLOCK_BYTES, name });
  if (first === null) return null;
  const type = String.fromCharCode(first[156] ?? 0);
  if (type !== "x") return { path: text(first, 0, 100), size: octal(first) };
  // 8 GiB and more: a pax record has the size, in front of the file's own header.
  const all = await stretch(archive, { at, length: 3 * TAR_BLOCK_BYTES, name });
  if (all === null) throw notWhole(name);
  const [, size = ""] = /^\d+ size=(\d+)$/m.exec(text(all, TAR_BLOCK_BYTES, TAR_BLOCK_BYTES)) ?? [];
  return { path: text(all, 2 * TAR_BLOCK_BYTES, 100), size: Number(size) };
}

/** The content of a member of that length; null where it is zeros, which end a tar. */
async function stretch(
  archive: StoredBytes,
  { at, length, name }: { at: number; length: number; name: string },
): Promise<Buffer | null> {
  const bytes = await archive.read(at, gzipMemberLength(3 * TAR_BLOCK_BYTES));
  let content: Buffer;
  try {
    const end = gzipMemberLength(lengthOfStored(bytes));
    content = gunzipSync(bytes.subarray(0, end));
  } catch (cause) {
    throw notWhole(name, cause);
  }
  if (content.every((byte) => byte === 0)) return null;
  if (content.length < length || text(content, 257, 5) !== "ustar") throw notWhole(name);
  return content;
}

/** Length of the one stored block of a member that Patina has added (RFC 1951, 3.2.4). */
function lengthOfStored(bytes: Uint8Array): number {
  return (bytes[HEADER_BYTES + 1] ?? 0) + 256 * (bytes[HEADER_BYTES + 2] ?? 0);
}

/** Bytes of the gzip member that begins at an offset. */
async function memberLength(archive: StoredBytes, { offset, name }: { offset: number; name: string }): Promise<number> {
  const inflate = createInflateRaw();
  inflate.resume();
  const ended = new Promise<void>((done, fail) => inflate.on("end", done).on("error", fail));
  let isEnded = false;
  const settled = ended.finally(() => {
    isEnded = true;
  });
  settled.catch(() => undefined);
  try {
    for await (const bytes of streamOf(archive, offset + HEADER_BYTES)) {
      await new Promise<void>((written) => inflate.write(bytes, () => written()));
      if (isEnded) break;
    }
    if (!isEnded) inflate.end();
    await settled;
  } catch (cause) {
    throw notWhole(name, cause);
  }
  return HEADER_BYTES + inflate.bytesWritten + TRAILER_BYTES;
}

function text(bytes: Uint8Array, at: number, length: number): string {
  const [line = ""] = Buffer.from(bytes.subarray(at, at + length))
    .toString()
    .split("\0");
  return line;
}

/** The size field of a header. */
function octal(header: Uint8Array): number {
  return Number.parseInt(text(header, 124, 12), 8);
}

function notWhole(name: string, cause?: unknown): PatinaError {
  return new PatinaError("backup_damaged", `Cannot read ${name}: it is no weekly archive of Patina's, or cut off`, {
    cause,
  });
}
