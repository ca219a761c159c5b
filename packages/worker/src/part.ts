/**
 * Bytes of one part. R2 wants at least 5 MiB and all parts but the last of one size; at most 10,000 of them make 50 GB
 * (developers.cloudflare.com/r2/objects/multipart-objects).
 */
export const PART_BYTES = 5 * 1_048_576;

/** A part while it is filled and sent. */
export class Part {
  #room = new Uint8Array(0);
  #length = 0;

  get isFull(): boolean {
    return this.#length === PART_BYTES;
  }

  /** What it holds, good until it is cleared. */
  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#length);
  }

  /** Adds bytes, as many as fit; the number of these. */
  add(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, PART_BYTES - this.#length);
    // Never larger: what is left behind of a smaller one would be garbage of as many bytes.
    if (this.#room.length === 0) this.#room = new Uint8Array(PART_BYTES);
    this.#room.set(taken, this.#length);
    this.#length += taken.length;
    return taken.length;
  }

  clear(): void {
    this.#length = 0;
  }
}
