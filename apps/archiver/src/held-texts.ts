import { Buffer } from "node:buffer";
import type { Stretch } from "@patina/dump/replay";

interface Held {
  readonly start: number;
  /** UTF-8: a value of a Durable Object has at most 2 MB, and a string may take two bytes a character. */
  readonly bytes: Uint8Array;
}

/** Parts of a dump that a scratch database keeps as they are, in order, beside its tables. */
export class HeldTexts {
  readonly #kv: SyncKvStorage;
  readonly #count: number;

  /** @param count how many there are */
  constructor(kv: SyncKvStorage, count: number) {
    this.#kv = kv;
    this.#count = count;
  }

  /** Adds one behind those that are there; its bytes. */
  add({ text, start }: Stretch): number {
    const bytes = Buffer.from(text);
    this.#kv.put(keyOf(this.#count), { start, bytes } satisfies Held);
    return bytes.length;
  }

  *all(): Generator<Stretch> {
    for (let i = 0; i < this.#count; i += 1) {
      const held = this.#kv.get<Held>(keyOf(i));
      if (held === undefined) throw new RangeError(`Cannot find held text ${i} of ${this.#count}`);
      yield { start: held.start, text: Buffer.from(held.bytes).toString() };
    }
  }
}

function keyOf(number: number): string {
  return `held-${number}`;
}
