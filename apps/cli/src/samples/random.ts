/**
 * Numbers that look random and are the same on every machine and every build, so that a sample's file never changes
 * unless its source does. Integer arithmetic only: `Math.sin` and `Math.pow` may differ between engines. Not for secrets.
 */
export interface Random {
  /** A number from 0 up to, but not including, 1. */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** True with the probability given. */
  chance(probability: number): boolean;
  /** One of the items, each as likely as the others. */
  pick<T>(items: readonly T[]): T;
  /** One of the items, the first ones far more often: a few busy people, a few popular posts. */
  favour<T>(items: readonly T[]): T;
  bytes(length: number): Uint8Array;
  /** Text such as ids are made of: Crockford's base 32 in lower case. */
  code(length: number): string;
}

const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";

/** A generator of its own for each seed: changing how one sample is made leaves the others as they were. */
export function seeded(seed: string): Random {
  const next = mulberry32(fnv1a(seed));
  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => at(items, next()),
    favour: (items) => at(items, next() * next()),
    bytes: (length) => Uint8Array.from({ length }, () => int(0, 255)),
    code: (length) => Array.from({ length }, () => CROCKFORD.charAt(int(0, 31))).join(""),
  };
}

function at<T>(items: readonly T[], fraction: number): T {
  if (items.length === 0) throw new RangeError("Cannot pick an item: the list is empty");
  return items[Math.floor(fraction * items.length)] as T;
}

/** Tommy Ettinger's mulberry32: 32 bits of state, one addition and two multiplications a number. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
