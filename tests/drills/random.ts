/** Numbers from 0 up to a limit, which is not among them. */
export type Random = (limit: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function random(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

export function any<T>(all: readonly T[], at: Random): T {
  const found = all[at(all.length)];
  if (found === undefined) throw new RangeError("There is nothing to choose from");
  return found;
}
