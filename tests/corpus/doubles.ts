/** Deterministic doubles that are hard to carry as text, and a literal that every SQLite version reads exactly. */

const BITS = new DataView(new ArrayBuffer(8));

/**
 * An SQL expression for a finite double. Decimal literals are misread by SQLite 3.40 to 3.47 at the extremes, while a
 * whole number below 2^53 and a power of two are exact everywhere, and so is their product.
 */
export function doubleSql(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`Cannot write ${value}: only finite doubles have a literal here`);
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  BITS.setFloat64(0, Math.abs(value));
  const bits = BITS.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const whole = exponent === 0 ? fraction : fraction | (1n << 52n);
  return `(${value < 0 ? "-" : ""}${whole}.0*pow(2,${Math.max(exponent, 1) - 1075}))`;
}

/** 32-bit numbers in a fixed sequence (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** 2,000 doubles: half of them random bit patterns, the rest the kinds that real tables hold. */
export function randomDoubles(): readonly number[] {
  const next = sequence(20261120);
  const values: number[] = [];
  while (values.length < 1_000) {
    BITS.setUint32(0, next());
    BITS.setUint32(4, next());
    const value = BITS.getFloat64(0);
    if (Number.isFinite(value)) values.push(value);
  }
  for (let i = 0; i < 400; i++) values.push((next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53); // uniform in [0, 1)
  for (let i = 0; i < 200; i++) values.push(((next() % 3_600_000_000) - 1_800_000_000) / 1e7); // degrees
  for (let i = 0; i < 200; i++) values.push(1_700_000_000 + next() / 1_000 / 64); // seconds since the epoch
  for (let i = 0; i < 200; i++) values.push((next() * 2 ** 20 + (next() >>> 12)) * Number.MIN_VALUE); // subnormal
  return values;
}

/** 1, 10, 100 ... and their neighbours in both directions, through every decade that a double has. */
export function decades(): readonly number[] {
  const values: number[] = [];
  for (let exponent = -323; exponent <= 308; exponent++) {
    const value = Number(`1e${exponent}`);
    BITS.setFloat64(0, value);
    const bits = BITS.getBigUint64(0);
    for (const neighbour of [bits - 1n, bits, bits + 1n]) {
      BITS.setBigUint64(0, neighbour);
      values.push(BITS.getFloat64(0));
    }
  }
  return values;
}
