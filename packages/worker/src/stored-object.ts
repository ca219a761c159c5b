import { createHash } from "node:crypto";
import { PatinaError } from "@patina/core/error";
import { asking, bucketError } from "./bucket-error.ts";
import { Part } from "./part.ts";

/** The condition that an object is still the one that was seen, or still absent. A put that fails it gives null. */
export function unchanged(seen: string | null): R2Conditional {
  return seen === null ? { etagDoesNotMatch: "*" } : { etagMatches: seen };
}

/** Remembers which uploads of an object are open: R2 cannot list them. */
export interface Uploads {
  note(uploadId: string): Promise<void>;
  forget(uploadId: string): Promise<void>;
  open(): Promise<readonly string[]>;
}

/** Aborts whatever uploads of an object are on record. */
export async function abortUploads(
  bucket: R2Bucket,
  { key, uploads }: { key: string; uploads: Uploads },
): Promise<void> {
  for (const uploadId of await uploads.open()) {
    await abortUpload(bucket, { key, uploadId });
    await uploads.forget(uploadId);
  }
}

/** Ends an upload that is not to become an object. One that is gone already needs no ending. */
export async function abortUpload(
  bucket: R2Bucket,
  { key, uploadId }: { key: string; uploadId: string },
): Promise<void> {
  try {
    await asking(key, () => bucket.resumeMultipartUpload(key, uploadId).abort());
  } catch (error) {
    if (!(error instanceof PatinaError) || error.code !== "upload_lost") throw error;
  }
}

/** What another invocation needs to go on with an object. */
export interface ObjectState {
  /** Etag of the object that lies there now, which this one replaces; null when there is none. */
  readonly seen: string | null;
  readonly uploadId: string | null;
  readonly parts: readonly R2UploadedPart[];
  /** Bytes that do not fill a part yet. */
  readonly rest: Uint8Array;
}

/**
 * Writes one object of unknown size. What fits into one part is put at once; more goes up in equal parts while it is
 * made, so that memory holds two parts only. Nothing is visible in the bucket before finish().
 */
export class StoredObject {
  readonly #bucket: R2Bucket;
  readonly #key: string;
  readonly #uploads: Uploads;
  readonly #seen: string | null;
  #upload: R2MultipartUpload | null = null;
  readonly #parts: R2UploadedPart[];
  /** The part that is on its way: the next one is filled meanwhile. */
  #sending: Promise<void> | null = null;
  #part: Part;
  #spare: Part;

  /** @param options.room two empty parts, which it fills in turn */
  constructor(
    bucket: R2Bucket,
    options: { key: string; uploads: Uploads; state: ObjectState; room?: readonly [Part, Part] },
  ) {
    const { key, uploads, state, room = [new Part(), new Part()] } = options;
    [this.#part, this.#spare] = room;
    this.#bucket = bucket;
    this.#key = key;
    this.#uploads = uploads;
    this.#seen = state.seen;
    this.#parts = [...state.parts];
    if (state.uploadId !== null) this.#upload = bucket.resumeMultipartUpload(key, state.uploadId);
    this.#part.add(state.rest);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#part.isFull) await this.#sendPart();
      at += this.#part.add(bytes.subarray(at));
    }
  }

  /** Stops writing. The bytes in the state are good until the next write(). */
  async pause(): Promise<ObjectState> {
    await this.#sending;
    return {
      seen: this.#seen,
      uploadId: this.#upload?.uploadId ?? null,
      parts: this.#parts,
      rest: this.#part.bytes,
    };
  }

  /**
   * Makes the object visible.
   *
   * @returns its etag, which names exactly these bytes for as long as nobody overwrites them
   */
  async finish(): Promise<string> {
    const upload = this.#upload;
    if (upload === null) return await this.#putWhole();
    await this.#sendPart();
    await this.#sending;
    // An upload has no condition of its own: this narrows the gap in which somebody else could have written.
    const there = await this.#guarded(() => this.#bucket.head(this.#key));
    if ((there?.etag ?? null) !== this.#seen) throw this.#overtaken();
    const object = await this.#guarded(() => upload.complete(this.#parts));
    await this.#uploads.forget(upload.uploadId);
    return object.etag;
  }

  /** Leaves nothing behind. Never throws: it runs when something else has failed already, and the upload is on record. */
  async abandon(): Promise<void> {
    const upload = this.#upload;
    await this.#sending?.catch(() => undefined);
    if (upload === null) return;
    await upload
      .abort()
      .then(() => this.#uploads.forget(upload.uploadId))
      .catch(() => undefined);
  }

  async #putWhole(): Promise<string> {
    const { bytes } = this.#part;
    const object = await this.#guarded(() =>
      this.#bucket.put(this.#key, bytes, {
        sha256: createHash("sha256").update(bytes).digest("hex"),
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
    const upload = this.#upload ?? (await this.#open());
    await this.#sending;
    const { bytes } = this.#part;
    const number = this.#parts.length + 1;
    this.#sending = this.#guarded(() => upload.uploadPart(number, bytes)).then((sent) => void this.#parts.push(sent));
    // Its failure is met by whoever waits for it next.
    this.#sending.catch(() => undefined);
    [this.#part, this.#spare] = [this.#spare, this.#part];
    this.#part.clear();
  }

  async #open(): Promise<R2MultipartUpload> {
    const upload = await this.#guarded(() =>
      this.#bucket.createMultipartUpload(this.#key, { httpMetadata: { contentType: "application/gzip" } }),
    );
    this.#upload = upload;
    await this.#uploads.note(upload.uploadId);
    return upload;
  }

  async #guarded<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      throw bucketError(this.#key, cause);
    }
  }
}
