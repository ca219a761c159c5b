import { Buffer } from "node:buffer";

/** Bytes of the first room, for a line of most tables. */
const FIRST_BYTES = 4_096;

/** Encodes texts as UTF-8, one after the other in the same place, which grows to the longest of them. */
export class Utf8Buffer {
  #room = new Uint8Array(0);
  readonly #encoder = new TextEncoder();

  /**
   * @param ending bytes that stand behind the text
   * @returns bytes that are good until the next text is encoded
   */
  encode(text: string, ending = NOTHING): Uint8Array {
    // Enough for ASCII, which is tried first: counting the bytes means going through the text once more.
    this.#grow(text.length + ending.length);
    let { read, written } = this.#encoder.encodeInto(text, this.#room);
    if (read < text.length || written + ending.length > this.#room.length) {
      this.#grow(Buffer.byteLength(text) + ending.length);
      ({ read, written } = this.#encoder.encodeInto(text, this.#room));
    }
    this.#room.set(ending, written);
    return this.#room.subarray(0, written + ending.length);
  }

  #grow(bytes: number): void {
    if (this.#room.length >= bytes) return;
    this.#room = new Uint8Array(Math.max(FIRST_BYTES, Math.ceil(1.25 * bytes)));
  }
}

const NOTHING = new Uint8Array(0);
