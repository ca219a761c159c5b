import { Buffer } from "node:buffer";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";

/** Bytes read at once. */
const BUFFER_BYTES = 1_048_576;

/**
 * A range of one object, read from its beginning to its end in one request; of exactly the object that was seen.
 */
export class PinnedBytes {
  readonly #key: string;
  readonly #reader: ReadableStreamBYOBReader;
  #buffer: Uint8Array<ArrayBuffer>;
  /** Read and not yet handed out. */
  #rest = new Uint8Array();

  private constructor(key: string, { body, length }: { body: ReadableStream; length: number }) {
    this.#key = key;
    this.#buffer = new Uint8Array(Math.min(length, BUFFER_BYTES));
    this.#reader = body.getReader({ mode: "byob" });
  }

  /** @throws {PatinaError} `archive_outdated` when the object is not there any more, or is another one */
  static async open(
    bucket: R2Bucket,
    { key, etag, offset, length }: { key: string; etag: string; offset: number; length: number },
  ): Promise<PinnedBytes> {
    const object = await asking(key, () =>
      bucket.get(key, { onlyIf: { etagMatches: etag }, range: { offset, length } }),
    );
    if (object !== null && "body" in object) return new PinnedBytes(key, { body: object.body, length });
    const why = object === null ? "it is missing" : "it was written anew";
    throw new PatinaError("archive_outdated", `Cannot read "${key}": ${why}`);
  }

  /** The next bytes, in pieces that are good until the next one. Fewer only where the object ends. */
  async pass(length: number, use: (bytes: Uint8Array) => void): Promise<void> {
    for (let left = length; left > 0; ) {
      if (this.#rest.length === 0 && !(await this.#fill())) return;
      const piece = this.#rest.subarray(0, left);
      use(piece);
      left -= piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
  }

  /** The next bytes in one piece. */
  async take(length: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    await this.pass(length, (bytes) => pieces.push(bytes.slice()));
    return Buffer.concat(pieces);
  }

  async close(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined);
  }

  async #fill(): Promise<boolean> {
    const { value } = await asking(this.#key, () => this.#reader.readAtLeast(this.#buffer.length, this.#buffer));
    if (value === undefined || value.length === 0) return false;
    // The buffer was taken away by the read and comes back as its result.
    this.#buffer = new Uint8Array(value.buffer);
    this.#rest = value;
    return true;
  }
}
