import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

/**
 * A gzip member that does not compress: what Patina adds between the stored dumps of an archive. Its size depends on the
 * size of its content alone, never on the version of a compressor, so that the layout of an archive can be calculated
 * before the first byte and again after an interruption.
 */

/** RFC 1952: magic, deflate, no flags, no time, no extra flags, unknown system. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
const TRAILER_BYTES = 8;

/** RFC 1951, 3.2.4: a stored block has a header of 5 bytes and holds at most 65,535. */
const BLOCK_HEADER_BYTES = 5;
const MAX_BLOCK_BYTES = 65_535;

/** Bytes of the member that holds `length` bytes. */
export function gzipMemberLength(length: number): number {
  const blocks = Math.max(1, Math.ceil(length / MAX_BLOCK_BYTES));
  return HEADER.length + blocks * BLOCK_HEADER_BYTES + length + TRAILER_BYTES;
}

/** The member that holds `content`. */
export function gzipMember(content: Uint8Array): Uint8Array {
  const member = Buffer.alloc(gzipMemberLength(content.length));
  member.set(HEADER);
  let at = HEADER.length;
  let from = 0;
  do {
    const block = content.subarray(from, from + MAX_BLOCK_BYTES);
    from += block.length;
    member[at] = from === content.length ? 1 : 0;
    member.writeUInt16LE(block.length, at + 1);
    member.writeUInt16LE(block.length ^ 0xffff, at + 3);
    member.set(block, at + BLOCK_HEADER_BYTES);
    at += BLOCK_HEADER_BYTES + block.length;
  } while (from < content.length);
  member.writeUInt32LE(crc32(content), at);
  member.writeUInt32LE(content.length, at + 4);
  return member;
}
