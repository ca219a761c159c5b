import { Buffer } from "node:buffer";
import { PatinaError } from "@patina/core/error";
import { asking } from "@patina/worker/bucket-error";
import { piecesOf } from "@patina/worker/object-pieces";

/**
 * A range of one object, read from its beginning to its end in one request; of exactly the object that was seen.
 */
export class PinnedBytes {
  readonly #pieces: AsyncGenerator<Uint8Array>;
  /** Read and not yet handed out. */
  #rest: Uint8Array = new Uint8Array();

  private constructor(pieces: AsyncGenerator<Uint8Array>) {
    this.#pieces = pieces;
  }

  /** @throws {PatinaError} `archive_outdated` when the object is not there any more, or is another one */
  static async open(
    bucket: R2Bucket,
    { key, etag, offset, length }: { key: string; etag: string; offset: number; length: number },
  ): Promise<PinnedBytes> {
    const object = await asking(key, () =>
      bucket.get(key, { onlyIf: { etagMatches: etag }, range: { offset, length } }),
    );
    if (object !== null && "body" in object) return new PinnedBytes(piecesOf(object.body, { key, length }));
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
    await this.#pieces.return(undefined);
  }

  async #fill(): Promise<boolean> {
    const { value, done } = await this.#pieces.next();
    if (done === true) return false;
    this.#rest = value;
    return true;
  }
}
