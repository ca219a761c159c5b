import type { StoredBytes } from "@patina/archive/range-reader";

/** Bytes asked for at once. */
const READ_BYTES = 1_048_576;

/** A stored object from its first byte to its last. */
export async function* streamOf(stored: StoredBytes, from = 0): AsyncGenerator<Uint8Array> {
  for (let at = from; ; at += READ_BYTES) {
    const bytes = await stored.read(at, READ_BYTES);
    if (bytes.length > 0) yield bytes;
    if (bytes.length < READ_BYTES) return;
  }
}
