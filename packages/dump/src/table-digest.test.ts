import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { blockOf } from "./row-block.ts";
import { BLOCK_BYTES, BLOCK_ROWS, TableDigest } from "./table-digest.ts";

/** The chain as the format states it, over all lines at once. */
function chain(lines: readonly string[]): string {
  let link = Buffer.alloc(32);
  let block = "";
  let rows = 0;
  const close = () => {
    link = createHash("sha256").update(link).update(block).digest();
    block = "";
    rows = 0;
  };
  for (const line of lines) {
    block += `${line},\n`;
    rows += 1;
    if (rows === BLOCK_ROWS || block.length >= BLOCK_BYTES) close();
  }
  if (rows > 0) close();
  return link.toString("hex");
}

/** Lengths of lines: mostly short ones, and such as fill a block or end just beside its end. */
const lengths = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ length: fc.integer({ min: 1, max: 30 }), times: fc.integer({ min: 1, max: 900 }) }),
    },
    fc.record({
      length: fc.oneof(
        fc.integer({ min: 1_000, max: 400_000 }),
        fc.integer({ min: BLOCK_BYTES - 60, max: BLOCK_BYTES }),
      ),
      times: fc.constant(1),
    }),
  ),
  { maxLength: 12 },
);

test("a digest is the chain over its lines, however they are handed over and wherever it is continued", () => {
  fc.assert(
    fc.property(lengths, fc.infiniteStream(fc.nat(3)), (runs, choices) => {
      const lines = runs.flatMap(({ length, times }, i) =>
        Array.from({ length: times }, (_, row) => String((i + row) % 10).repeat(length)),
      );
      let digest = new TableDigest();
      for (let at = 0; at < lines.length; ) {
        const choice = choices.next().value;
        const some = lines.slice(at, at + (choice === 0 ? 1 : 400 * choice));
        if (choice === 0) digest.addLong(pieces(some[0] ?? ""));
        else digest.add(blockOf(some));
        at += some.length;
        if (choice === 1) digest = new TableDigest(structuredClone(digest.state));
      }
      expect(digest.rows).toBe(lines.length);
      expect(digest.end()).toBe(chain(lines));
    }),
    { numRuns: 60 },
  );
});

/** The same bytes each time, in one place: what is handed over is good until the next piece. */
function* pieces(line: string): Generator<Uint8Array> {
  const all = Buffer.from(`${line},\n`);
  const place = new Uint8Array(50_000);
  for (let at = 0; at < all.length; at += place.length) {
    const piece = all.subarray(at, at + place.length);
    place.set(piece);
    yield place.subarray(0, piece.length);
  }
}

test("a table without rows has the first link", () => {
  expect(new TableDigest().end()).toBe("0".repeat(64));
});
