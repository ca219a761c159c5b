import fc from "fast-check";
import { expect, test } from "vitest";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";

const bytes = fc.uint8Array({ maxLength: 300 });
const count = fc.nat();
const text = fc.string({ unit: "grapheme" });
const columns = fc.array(fc.record({ name: text, fingerprint: text }));

const writing: fc.Arbitrary<Checkpoint["stage"]> = fc.record({
  kind: fc.constant("writing" as const),
  dump: fc.record({
    reading: fc.record({
      schema: text,
      fence: fc.record({
        counters: fc.option(fc.record({ changes: count, lastRowid: text })),
        bookmark: fc.option(text),
        hasMoved: fc.boolean(),
        queries: count,
        rowsRead: count,
      }),
    }),
    step: count,
    rows: fc.option(
      fc.record({
        start: count,
        cursor: fc.option(fc.array(text)),
        inserts: fc.record({
          rows: count,
          bytes: count,
          unchecked: count,
          uninsertable: count,
          statements: count,
          digest: fc.record({ rows: count, link: text, blockRows: count, block: bytes }),
        }),
        sums: fc.record({
          rows: count,
          columns: fc.array(
            fc.record({
              integers: count,
              reals: count,
              numbers: fc.integer(),
              texts: count,
              blobs: count,
              bytes: count,
            }),
          ),
        }),
      }),
    ),
    tables: fc.array(fc.record({ name: text, rows: count, digest: text, columns, start: count, end: count })),
    warnings: fc.array(text),
    isStaged: fc.boolean(),
  }),
  gzip: fc.record({
    position: count,
    storedBytes: count,
    crc: count,
    body: fc.record({ start: count, end: count }),
    restartPoints: fc.array(fc.tuple(count, count)),
    statements: count,
    segment: bytes,
  }),
  object: fc.record({
    seen: fc.option(text),
    uploadId: fc.option(text),
    parts: fc.array(fc.record({ partNumber: count, etag: text })),
    rest: bytes,
  }),
});

function checkpointOf(stage: Checkpoint["stage"]): Checkpoint {
  return {
    patina: "checkpoint",
    version: 1,
    job: "nightly-2026-11-20",
    database: "shop",
    generation: 1,
    attempt: 1,
    startedAt: 0,
    manifestSeen: null,
    stage,
  };
}

test("a checkpoint comes back as it was", () => {
  fc.assert(
    fc.property(writing, (stage) => {
      const checkpoint = checkpointOf(stage);
      expect(decodeCheckpoint(new Uint8Array(encodeCheckpoint(checkpoint)))).toEqual(checkpoint);
    }),
  );
});

test("a checkpoint that is cut off anywhere is refused", () => {
  fc.assert(
    fc.property(writing, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (stage, share) => {
      const stored = encodeCheckpoint(checkpointOf(stage));
      const cut = stored.subarray(0, Math.floor(share * stored.length));
      expect(() => decodeCheckpoint(cut)).toThrow(expect.objectContaining({ code: "checkpoint_invalid" }));
    }),
  );
});

test("a checkpoint of another version is refused", () => {
  const other = Buffer.from(`${JSON.stringify({ patina: "checkpoint", version: 2 })}\n`);
  expect(() => decodeCheckpoint(other)).toThrow(expect.objectContaining({ code: "checkpoint_invalid" }));
});
