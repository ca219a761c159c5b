import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readBack } from "./read-back.ts";

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function* inChunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

const raw = Buffer.from(Array.from({ length: 5_000 }, (_, i) => `INSERT ${i};\n`).join(""));
const object = gzipSync(raw);

test("readBack() computes the digests of object, SQL and body, however the object arrives", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5_000 }),
      fc.nat(raw.length),
      fc.nat(raw.length),
      async (size, one, other) => {
        const body = { start: Math.min(one, other), end: Math.max(one, other) };
        expect(await readBack(inChunks(object, size), { key: "k", body })).toEqual({
          digests: { stored: sha256(object), raw: sha256(raw), body: sha256(raw.subarray(body.start, body.end)) },
          storedBytes: object.length,
          rawBytes: raw.length,
        });
      },
    ),
    { numRuns: 30 },
  );
});

test.each([
  ["is cut off", object.subarray(0, -20)],
  ["has a byte changed", Buffer.from(object).fill(0xff, 200, 201)],
  ["has a wrong checksum", Buffer.concat([object.subarray(0, -8), Buffer.alloc(8)])],
])("readBack() refuses an object that %s", async (_, damaged) => {
  await expect(
    readBack(inChunks(damaged, 1_000), { key: "daily/x", body: { start: 0, end: 1 } }),
  ).rejects.toMatchObject({
    code: "backup_damaged",
    message: 'Cannot read object "daily/x": it is not a whole gzip file',
  });
});

test("readBack() hands on what the stream fails with: the object is not to blame", async () => {
  async function* failing() {
    yield object.slice(0, 100);
    throw new Error("Network connection lost");
  }
  await expect(readBack(failing(), { key: "k", body: { start: 0, end: 1 } })).rejects.toThrow(
    "Network connection lost",
  );
});
