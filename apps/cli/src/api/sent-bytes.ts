import type { StoredBytes } from "@patina/archive/range-reader";
import { CommandError, EXIT } from "../failure.ts";
import { Patience, type Stream } from "../http.ts";
import type { ApiClient } from "./client.ts";

/** How much more is asked for each time, and the most: every stretch is a line in the audit log. */
const GROWTH = 4;
const MAX_STRETCH = 64 * 1_048_576;

/** What of a stored dump has to be known to read it: its length in bytes and the SHA-256 that names it. */
export interface SentObject {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * The stored dump of a backup, as the API sends it. What is read in order is asked for in ever larger stretches, what is
 * read here and there in exactly the bytes that are wanted. A stretch that breaks off is gone on with where it ended, as
 * long as it is of the same backup.
 */
export class SentBytes implements StoredBytes {
  readonly #api: ApiClient;
  readonly #path: string;
  readonly #id: string;
  readonly #object: () => Promise<SentObject>;
  readonly #patience: Patience;
  #stretch: Stretch | null = null;

  /** @param options.path `/download/...`; `id` is how people know the backup */
  constructor(api: ApiClient, options: { path: string; id: string; object: () => Promise<SentObject> }) {
    this.#api = api;
    this.#path = options.path;
    this.#id = options.id;
    this.#object = options.object;
    this.#patience = new Patience(api.url);
  }

  async read(offset: number, wanted: number): Promise<Uint8Array> {
    const object = await this.#object();
    const length = Math.max(0, Math.min(wanted, object.bytes - offset));
    const buffer = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length; ) {
      const missing = { offset: offset + filled, length: length - filled };
      try {
        const stretch = await this.#at(missing, object);
        const bytes = await stretch.take(missing.length);
        buffer.set(bytes, filled);
        filled += bytes.length;
        this.#patience.renew();
      } catch (failure) {
        this.#stretch?.close();
        this.#stretch = null;
        await this.#patience.endure(failure);
      }
    }
    return buffer;
  }

  /** The stretch that goes on at an offset: the one that is open, or a new one. */
  async #at(wanted: { offset: number; length: number }, object: SentObject): Promise<Stretch> {
    const open = this.#stretch;
    if (open !== null && open.at === wanted.offset && open.at < open.end) return open;
    open?.close();
    const isNext = open !== null && open.at === wanted.offset;
    const length = isNext ? Math.min(MAX_STRETCH, open.length * GROWTH) : 0;
    const end = Math.min(object.bytes, wanted.offset + Math.max(wanted.length, length));
    this.#stretch = new Stretch(await this.#open({ start: wanted.offset, end }, object), { start: wanted.offset, end });
    return this.#stretch;
  }

  async #open({ start, end }: { start: number; end: number }, { sha256 }: SentObject): Promise<Stream> {
    const stream = await this.#api.open(this.#path, {
      range: `bytes=${start}-${end - 1}`,
      "if-range": `"${sha256}"`,
    });
    if (stream.status === 206) return stream;
    stream.close();
    throw new CommandError(`Cannot read ${this.#id}: another backup has taken its place meanwhile`, {
      exit: EXIT.conflict,
      hint: "Run the command again.",
    });
  }
}

/** Bytes that were asked for at once and come one piece after the other. */
class Stretch {
  readonly length: number;
  readonly end: number;
  /** Where the next byte belongs. */
  at: number;
  readonly #stream: Stream;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: Stream, { start, end }: { start: number; end: number }) {
    this.#stream = stream;
    this.length = end - start;
    this.end = end;
    this.at = start;
  }

  /** Some bytes, at most so many. */
  async take(length: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const next = await this.#stream.next();
      if (next === null) throw new Error("the answer ended too early");
      this.#rest = next;
    }
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(taken.length);
    this.at += taken.length;
    return taken;
  }

  close(): void {
    this.#stream.close();
  }
}
