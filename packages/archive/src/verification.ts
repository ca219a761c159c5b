import type { Manifest } from "./manifest.ts";
import { segmented } from "./range-reader.ts";
import { type ReadBack, readBack } from "./read-back.ts";
import { placeIn } from "./stretches.ts";

/** Counts the statements of SQL that is written to it: packages/dump has one, which knows SQL. */
export interface Counter {
  readonly count: number;
  write(bytes: Uint8Array): void;
}

/**
 * Reads a stored object from end to end and says in what it is not what its manifest says: one sentence without row data.
 * Null when nothing is wrong with it.
 *
 * @param stored pieces of the object, each good until the next one
 * @throws whatever the stream fails with: that is nothing against the object
 */
export async function damageOf(
  manifest: Manifest,
  { stored, counter }: { stored: AsyncIterable<Uint8Array>; counter: Counter },
): Promise<string | null> {
  const read = await readBack(stored, { object: segmented(manifest), body: manifest.sql.body, sql: counter });
  return differenceOf(manifest, { ...read, statements: counter.count });
}

/** In what an object that was read back is not what its manifest says; null when it is. */
export function differenceOf(manifest: Manifest, read: ReadBack & { readonly statements: number }): string | null {
  const { object, sql } = manifest;
  const { digests, storedBytes, fault, statements } = read;
  if (storedBytes !== object.bytes) return `It has ${storedBytes} bytes instead of ${object.bytes}`;
  if (fault !== null) return `${fault.why}. The damage lies in ${placeIn(manifest, fault)}`;
  if (digests.stored !== object.sha256) return `Its SHA-256 is ${digests.stored} instead of ${object.sha256}`;
  if (digests.raw !== sql.sha256) return `The SHA-256 of its SQL is ${digests.raw} instead of ${sql.sha256}`;
  if (digests.body !== sql.body.sha256) {
    return `The SHA-256 of its SQL's body is ${digests.body} instead of ${sql.body.sha256}`;
  }
  const expected = sql.statements ?? statements;
  return statements === expected ? null : `Its SQL has ${statements} statements instead of ${expected}`;
}
