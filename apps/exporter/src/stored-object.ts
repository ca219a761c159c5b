import { PatinaError } from "@patina/core/error";
import { bucketError } from "./platform-errors.ts";

/**
 * Bytes of one part. R2 wants at least 5 MiB and all parts but the last of one size; at most 10,000 of them make 50 GB
 * (developers.cloudflare.com/r2/objects/multipart-objects).
 */
const PART_BYTES = 5 * 1_048_576;

/** The condition that an object is still the one that was seen, or still absent. A put that fails it gives null. */
export function unchanged(seen: string | null): R2Conditional {
  return seen === null ? { etagDoesNotMatch: "*" } : { etagMatches: seen };
}

/**
 * Writes one object of unknown size. What fits into one part is put at once; more goes up in equal parts while it is
 * made, so that memory holds one part only. Nothing is visible in the bucket before finish().
 */
export class StoredObject {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  readonly #seen: string | null;
  #partBytes = 0;
  #upload: R2MultipartUpload | null = null;
  readonly #parts: R2UploadedPart[] = [];
  /** The part that is on its way: the next one is filled meanwhile. */
  #sending: Promise<void> | null = null;
  #part = new Uint8Array(PART_BYTES);
  #spare = new Uint8Array(PART_BYTES);

  /** @param seen etag of the object that lies there now, which this one replaces; null when there is none */
  constructor(bucket: R2Bucket, { key, seen }: { key: string; seen: string | null }) {
    this.#bucket = bucket;
    this.#key = key;
    this.#seen = seen;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#partBytes === PART_BYTES) await this.#sendPart();
      const piece = bytes.subarray(at, at + PART_BYTES - this.#partBytes);
      this.#part.set(piece, this.#partBytes);
      this.#partBytes += piece.length;
      at += piece.length;
    }
  }

  /**
   * Makes the object visible.
   *
   * @returns its etag, which names exactly these bytes for as long as nobody overwrites them
   */
  async finish(sha256: string): Promise<string> {
    const upload = this.#upload;
    if (upload === null) return await this.#putWhole(sha256);
    await this.#sendPart();
    await this.#sending;
    // An upload has no condition of its own: this narrows the gap in which somebody else could have written.
    const there = await this.#guarded(() => this.#bucket.head(this.#key));
    if ((there?.etag ?? null) !== this.#seen) throw this.#overtaken();
    const object = await this.#guarded(() => upload.complete(this.#parts));
    return object.etag;
  }

  /** Leaves nothing behind. Never throws: it runs when something else has failed already. */
  async abandon(): Promise<void> {
    await this.#sending?.catch(() => undefined);
    await this.#upload?.abort().catch(() => undefined);
  }

  async #putWhole(sha256: string): Promise<string> {
    const bytes = this.#part.subarray(0, this.#partBytes);
    const object = await this.#guarded(() =>
      this.#bucket.put(this.#key, bytes, {
        sha256,
        onlyIf: unchanged(this.#seen),
        httpMetadata: { contentType: "application/gzip" },
      }),
    );
    if (object === null) throw this.#overtaken();
    return object.etag;
  }

  #overtaken(): PatinaError {
    return new PatinaError("lease_lost", `Cannot store object "${this.#key}": somebody else has written it meanwhile`);
  }

  async #sendPart(): Promise<void> {
    this.#upload ??= await this.#guarded(() =>
      this.#bucket.createMultipartUpload(this.#key, { httpMetadata: { contentType: "application/gzip" } }),
    );
    await this.#sending;
    const upload = this.#upload;
    const part = this.#part.subarray(0, this.#partBytes);
    const number = this.#parts.length + 1;
    this.#sending = this.#guarded(() => upload.uploadPart(number, part)).then((sent) => void this.#parts.push(sent));
    // Its failure is met by whoever waits for it next.
    this.#sending.catch(() => undefined);
    [this.#part, this.#spare] = [this.#spare, this.#part];
    this.#partBytes = 0;
  }

  async #guarded<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      throw bucketError(this.#key, cause);
    }
  }
}
