import type { StoredBytes } from "@patina/archive/range-reader";

/** A copy of the bucket, or the bucket itself: objects under keys. Only ever read. Keys have no leading slash. */
export interface Store {
  /** How people know it, for messages. */
  readonly label: string;
  /** The names directly below a prefix that ends in `/`: `folders("daily/")` gives dates. */
  folders(prefix: string): Promise<string[]>;
  /** The objects below a prefix, in any order. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Bytes of an object; null when there is none. */
  size(key: string): Promise<number | null>;
  /** A small object as text; null when there is none. */
  text(key: string): Promise<string | null>;
  /** The bytes of an object that is there. */
  open(key: string): StoredBytes;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
}
