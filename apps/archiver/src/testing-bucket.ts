/** For tests: a bucket of so many objects that nobody wants to store them. Objects are made when they are asked for. */

/** What is made up of an object: its text, or bytes that nobody may read. */
export type MadeUp = { readonly text: () => string } | { readonly size: number };

interface Entry {
  readonly key: string;
  readonly etag: string;
  readonly made: MadeUp;
}

/** R2 gives at most so many keys at once (developers.cloudflare.com/r2/api/workers/workers-api-reference). */
const LIST_LIMIT = 1_000;

export class ManyObjects {
  /** In the order of their keys, as R2 lists them. */
  readonly #entries: Entry[] = [];
  readonly #written = new Map<string, string>();
  /** Requests so far, and the most that were under way at once. */
  requests = 0;
  mostAtOnce = 0;
  #atOnce = 0;

  constructor(objects: Iterable<readonly [string, MadeUp]>) {
    for (const [key, made] of objects) this.#entries.push({ key, etag: etagOf(key), made });
    this.#entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  get size(): number {
    return this.#entries.length;
  }

  /** What was put, by its key. */
  get written(): ReadonlyMap<string, string> {
    return this.#written;
  }

  get bucket(): R2Bucket {
    const methods = {
      list: (options: R2ListOptions) => this.#asked(() => this.#list(options)),
      get: (key: string) => this.#asked(() => this.#get(key)),
      head: (key: string) => this.#asked(() => this.#head(key)),
      put: (key: string, text: string) =>
        this.#asked(() => {
          this.#written.set(key, text);
          return this.#describe({ key, etag: etagOf(key), made: { text: () => text } });
        }),
    };
    return methods as unknown as R2Bucket;
  }

  async #asked<T>(answer: () => T): Promise<T> {
    this.requests += 1;
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    await Promise.resolve();
    this.#atOnce -= 1;
    return answer();
  }

  #list({ prefix = "", startAfter = "", limit = LIST_LIMIT }: R2ListOptions) {
    const from = this.#firstAfter(startAfter > prefix ? startAfter : prefix);
    const found: Entry[] = [];
    const most = Math.min(limit, LIST_LIMIT);
    let at = from;
    for (; at < this.#entries.length && found.length < most; at += 1) {
      const entry = this.#entries[at];
      if (entry === undefined || !entry.key.startsWith(prefix)) break;
      found.push(entry);
    }
    const truncated = this.#entries[at]?.key.startsWith(prefix) ?? false;
    return { objects: found.map((entry) => this.#describe(entry)), truncated };
  }

  #get(key: string) {
    const entry = this.#find(key);
    if (entry === undefined) return null;
    const { made } = entry;
    if (!("text" in made)) throw new Error(`Nobody may read "${key}"`);
    const text = made.text();
    const bytes = new TextEncoder().encode(text);
    return { ...this.#describe(entry), text: async () => text, arrayBuffer: async () => bytes.buffer };
  }

  #head(key: string) {
    const entry = this.#find(key);
    return entry === undefined ? null : this.#describe(entry);
  }

  #find(key: string): Entry | undefined {
    const entry = this.#entries[this.#firstAfter(key) - 1];
    return entry?.key === key ? entry : undefined;
  }

  /** How many keys sort before or are the given one. */
  #firstAfter(key: string): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.key ?? "") <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #describe({ key, etag, made }: Entry) {
    return { key, etag, size: "size" in made ? made.size : made.text().length, uploaded: new Date(0) };
  }
}

/** The etag of every object under a key. */
export function etagOf(key: string): string {
  return `etag-of-${key}`;
}
