import { asking } from "./bucket-error.ts";

/** Bytes read at once: by itself a body of R2 comes in pieces of some KiB, each with a promise of its own. */
const PIECE_BYTES = 1_048_576;

/**
 * The bytes of an object's body, in pieces of a MiB, each good until the next one.
 *
 * @param length bytes that will come, about: less memory is taken for little
 * @throws {PatinaError} `bucket_unavailable` when the bucket fails in the middle
 */
export async function* piecesOf(
  body: ReadableStream,
  { key, length }: { key: string; length: number },
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader({ mode: "byob" });
  let buffer = new Uint8Array(Math.max(1, Math.min(length, PIECE_BYTES)));
  try {
    for (;;) {
      const { value } = await asking(key, () => reader.readAtLeast(buffer.length, buffer));
      if (value === undefined || value.length === 0) return;
      yield value;
      // The buffer was taken away by the read and came back as its result.
      buffer = new Uint8Array(value.buffer);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
