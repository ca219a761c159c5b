import { createHash } from "node:crypto";
import { PatinaError } from "@patina/core/error";

/** SHA-256 in lower-case hexadecimal: of the object as it is stored, of all its SQL, and of the SQL's body. */
export interface Digests {
  readonly stored: string;
  readonly raw: string;
  readonly body: string;
}

/** What reading a stored object from end to end shows. Sizes in bytes. */
export interface ReadBack {
  readonly digests: Digests;
  readonly storedBytes: number;
  readonly rawBytes: number;
}

/**
 * Reads a stored object once, in a stream, and computes its digests; decompressing proves that it is one whole gzip
 * member (its CRC-32 and size are checked on the way).
 *
 * @throws {PatinaError} `backup_damaged` when it cannot be decompressed; whatever the stream itself fails with
 */
export async function readBack(
  stored: AsyncIterable<Uint8Array>,
  { key, body }: { key: string; body: { readonly start: number; readonly end: number } },
): Promise<ReadBack> {
  const hashes = { stored: createHash("sha256"), raw: createHash("sha256"), body: createHash("sha256") };
  let storedBytes = 0;
  let rawBytes = 0;
  let failure: { readonly cause: unknown } | null = null;
  async function* counted() {
    try {
      for await (const chunk of stored) {
        hashes.stored.update(chunk);
        storedBytes += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      failure = { cause };
      throw cause;
    }
  }
  try {
    const inflate: ReadableWritablePair<Uint8Array, Uint8Array> = new DecompressionStream("gzip");
    const pumped = pump(counted(), inflate.writable);
    // Its failure is met below; until then nobody waits for it.
    pumped.catch(() => undefined);
    for await (const chunk of inflate.readable) {
      hashes.raw.update(chunk);
      const from = Math.max(0, body.start - rawBytes);
      const to = Math.min(chunk.length, body.end - rawBytes);
      if (from < to) hashes.body.update(chunk.subarray(from, to));
      rawBytes += chunk.length;
    }
    await pumped;
  } catch (cause) {
    throwIfSet(failure);
    throw new PatinaError("backup_damaged", `Cannot read object "${key}": it is not a whole gzip file`, { cause });
  }
  return {
    digests: { stored: hashes.stored.digest("hex"), raw: hashes.raw.digest("hex"), body: hashes.body.digest("hex") },
    storedBytes,
    rawBytes,
  };
}

async function pump(from: AsyncIterable<Uint8Array>, to: WritableStream<Uint8Array>): Promise<void> {
  const writer = to.getWriter();
  try {
    for await (const chunk of from) await writer.write(chunk);
    await writer.close();
  } catch (cause) {
    await writer.abort(cause).catch(() => undefined);
    throw cause;
  }
}

function throwIfSet(failure: { readonly cause: unknown } | null): void {
  if (failure !== null) throw failure.cause;
}
