import { writeSync } from "node:fs";

/** Bytes of SQL that D1 imports at most (developers.cloudflare.com/d1/platform/limits). */
export const MAX_IMPORT_BYTES = 5_000_000_000;

/**
 * Groups pieces of SQL, which end where statements end, into parts of at most so many bytes. Each part is imported by
 * itself: foreign keys may wait for the end of their own part only.
 */
export async function* inParts(
  pieces: AsyncIterable<string>,
  maxBytes: number,
): AsyncGenerator<{ readonly part: number; readonly text: string }> {
  let part = 1;
  let bytes = 0;
  for await (const piece of pieces) {
    const size = Buffer.byteLength(piece);
    if (bytes > 0 && bytes + size > maxBytes) {
      part += 1;
      bytes = 0;
    }
    yield { part, text: bytes === 0 && part > 1 ? `${DEFER}${piece}` : piece };
    bytes += size;
  }
}

const DEFER = "PRAGMA defer_foreign_keys=ON;\n";

/** Writes a text to a file that is open, all of it. */
export function writeAll(handle: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
}
